// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/rcc.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x4002'1000;
constexpr std::uint64_t kMega = 1'000'000;

enum Register : std::uint64_t {
  kCr = 0x00, kIcscr = 0x04, kCfgr = 0x08, kPllCfgr = 0x0c, kPllSai1Cfgr = 0x10, kPllSai2Cfgr = 0x14,
  kCier = 0x18, kCifr = 0x1c, kCicr = 0x20, kAhb1Rstr = 0x28, kApb2Rstr = 0x40, kAhb1Enr = 0x48,
  kAhb2Enr = 0x4c, kAhb3Enr = 0x50, kApb1Enr1 = 0x58, kApb1Enr2 = 0x5c, kApb2Enr = 0x60,
  kAhb1Smenr = 0x68, kAhb2Smenr = 0x6c, kAhb3Smenr = 0x70, kApb1Smenr1 = 0x78, kApb1Smenr2 = 0x7c,
  kApb2Smenr = 0x80, kCcipr = 0x88, kBdcr = 0x90, kCsr = 0x94
};

constexpr std::uint32_t kMsiOn = 1, kHsiOn = 1U << 8, kHsiReady = 1U << 10, kHseOn = 1U << 16;
constexpr std::uint32_t kPllOn = 1U << 24, kPllReady = 1U << 25;
/// From MSI, times 40, by 2: 80 MHz.
constexpr std::uint32_t kPllTo80 = 1U << 24 | 40U << 8 | 1;

class Stm32Rcc : public ::testing::Test {
 protected:
  std::uint32_t read(std::uint64_t at) { return bench_.read32(kBase + at); }
  void write(std::uint64_t at, std::uint32_t value) { bench_.write32(kBase + at, value); }
  std::uint64_t hz(std::string_view clock) { return rcc_.clock(clock).hz(); }
  bool irq() { return testing::DeviceBench::level(rcc_, "irq"); }
  void start_pll() {
    write(kPllCfgr, kPllTo80);
    write(kCr, read(kCr) | kPllOn);
    write(kCfgr, 3);
  }

  testing::DeviceBench bench_;
  Stm32l4x5Rcc& rcc_ =
      bench_.add<Stm32l4x5Rcc>("rcc", kBase, Stm32l4x5Rcc::Config{.hse_hz = 8 * kMega});
};

const std::map<std::uint64_t, std::uint32_t> kAtReset{
    {kCr, 0x63}, {kIcscr, 0x1000'0000}, {kCfgr, 0}, {kPllCfgr, 0x1000}, {kPllSai1Cfgr, 0x1000},
    {kPllSai2Cfgr, 0x1000}, {kCier, 0}, {kCifr, 0}, {kCicr, 0}, {kAhb1Rstr, 0}, {kApb2Rstr, 0},
    {kAhb1Enr, 0x100}, {kAhb2Enr, 0}, {kAhb3Enr, 0}, {kApb1Enr1, 0}, {kApb1Enr2, 0}, {kApb2Enr, 0},
    {kAhb1Smenr, 0x0001'1303}, {kAhb2Smenr, 0x0005'32ff}, {kAhb3Smenr, 0x101},
    {kApb1Smenr1, 0xf2fe'ca3f}, {kApb1Smenr2, 0x25}, {kApb2Smenr, 0x0167'7c01}, {kCcipr, 0},
    {kBdcr, 0}, {kCsr, 0x0c00'0600}};

TEST_F(Stm32Rcc, ResetsToWhatTheManualSays) {
  for (const auto& [at, value] : kAtReset) EXPECT_EQ(read(at), value) << std::hex << at;
  for (std::uint64_t at = 0; at < 0x98; at += 4) write(at, 0xffff'ffff);
  bench_.reset(rcc_);
  for (const auto& [at, value] : kAtReset) EXPECT_EQ(read(at), value) << std::hex << at;
  EXPECT_EQ(hz("sysclk"), 4 * kMega);
  EXPECT_FALSE(irq());
}

TEST_F(Stm32Rcc, KeepsWhatIsThereAndNothingElse) {
  const std::map<std::uint64_t, std::uint32_t> all{
      {kIcscr, 0x1f00'ff00},    {kPllSai1Cfgr, 0x0773'7f00}, {kPllSai2Cfgr, 0x0703'7f00},
      {kPllCfgr, 0x0773'7f73},  {kCier, 0x2ff},              {kCifr, 0},
      {kAhb1Rstr, 0x0001'1103}, {kApb2Rstr, 0x0167'7c01},    {kAhb2Enr, 0x0005'30ff},
      {kApb2Enr, 0x0167'7c81},  {kCcipr, 0xffff'ffff}};
  for (const auto& [at, value] : all) {
    write(at, 0xffff'ffff);
    EXPECT_EQ(read(at), value) << std::hex << at;
  }
}

TEST_F(Stm32Rcc, OscillatorsAreReadyWhenTheyAreOn) {
  write(kCr, kMsiOn | kHsiOn);
  EXPECT_EQ(read(kCr), 0x503U) << "MSI range 0 is written, too";
  EXPECT_EQ(hz("hsi16"), 16 * kMega);
  write(kCr, 0x61);
  EXPECT_EQ(read(kCr) & (kHsiOn | kHsiReady), 0U);
  EXPECT_EQ(hz("hsi16"), 0U);
  write(kBdcr, 1);
  EXPECT_EQ(read(kBdcr), 3U);
  EXPECT_EQ(hz("lse"), 32'768U);
  write(kCsr, 1);
  EXPECT_EQ(read(kCsr) & 3, 3U);
  EXPECT_EQ(hz("lsi"), 32'000U);
}

TEST_F(Stm32Rcc, MsiHasItsRangeFromOneOfTwoRegisters) {
  write(kCr, 0x61 | 0x40);
  EXPECT_EQ(hz("msi"), 4 * kMega) << "the range of CSR";
  write(kCr, 0xb9);
  EXPECT_EQ(hz("msi"), 48 * kMega);
  write(kCr, 0xc9);
  EXPECT_EQ(hz("msi"), 48 * kMega) << "there is no range 12";
  EXPECT_EQ(read(kCr) & 0xf8, 0xb8U);
  write(kCr, 0x01);
  EXPECT_EQ(hz("msi"), 100'000U) << "the choice of the register is for good";
  write(kCsr, 0x0700);
  EXPECT_EQ(read(kCsr) & 0xf00, 0x700U);
}

TEST_F(Stm32Rcc, TheSystemSwitchesToWhatIsReady) {
  write(kCfgr, 1);
  EXPECT_EQ(read(kCfgr), 1U) << "HSI is off: still MSI";
  EXPECT_EQ(hz("sysclk"), 4 * kMega);
  write(kCr, 0x61 | kHsiOn);
  EXPECT_EQ(read(kCfgr), 5U);
  EXPECT_EQ(hz("sysclk"), 16 * kMega);
  write(kCr, 0);
  EXPECT_EQ(read(kCr) & (kHsiOn | kMsiOn), kHsiOn) << "what runs the system stays on";
  write(kCfgr, 0);
  EXPECT_EQ(read(kCfgr), 4U) << "MSI is off now";
  write(kCr, kMsiOn);
  EXPECT_EQ(read(kCfgr), 0U);
}

TEST_F(Stm32Rcc, ThePllMultipliesAndRunsTheSystem) {
  start_pll();
  EXPECT_NE(read(kCr) & kPllReady, 0U);
  EXPECT_EQ(read(kCfgr), 0xfU);
  EXPECT_EQ(hz("sysclk"), 80 * kMega);
  EXPECT_EQ(rcc_.clock("sysclk").period(), (std::uint64_t{25} << 32) / 2);
  write(kCr, 0);
  EXPECT_EQ(read(kCr) & (kPllOn | kPllReady | 3), kPllOn | kPllReady | 3) << "and what it runs by";
  write(kPllCfgr, 0);
  EXPECT_EQ(read(kPllCfgr), kPllTo80);
}

TEST_F(Stm32Rcc, APllWithoutAClockOrWithAWrongFactorNeverLocks) {
  write(kCr, 0x61 | kPllOn);
  EXPECT_EQ(read(kCr) & kPllReady, 0U) << "it comes from nowhere";
  write(kCr, 0x61);
  write(kPllCfgr, 1U << 24 | 7U << 8 | 1);
  write(kCr, 0x61 | kPllOn);
  EXPECT_EQ(read(kCr) & kPllReady, 0U) << "times 7";
  write(kCr, 0x61);
  write(kPllCfgr, 1U << 24 | 8U << 8 | 1);
  write(kCr, 0x61 | kPllOn);
  EXPECT_EQ(hz("pllclk"), 16 * kMega);
}

TEST_F(Stm32Rcc, ThePllsHaveTheirDividers) {
  write(kCr, 0x61 | kHsiOn);
  write(kPllCfgr, 2U | 1U << 4 | 20U << 8 | 1U << 16 | 1U << 20 | 1U << 21 | 1U << 24 | 3U << 25);
  write(kPllSai1Cfgr, 12U << 8 | 1U << 16 | 1U << 17 | 1U << 20);
  write(kPllSai2Cfgr, 10U << 8 | 1U << 24 | 1U << 25);
  write(kCr, 0x61 | kHsiOn | 0x1500'0000);
  EXPECT_EQ(hz("pll-vco"), 160 * kMega);
  EXPECT_EQ(hz("pllsai3clk"), 160 * kMega / 7);
  EXPECT_EQ(hz("pll48m1clk"), 40 * kMega);
  EXPECT_EQ(hz("pllclk"), 20 * kMega);
  EXPECT_EQ(hz("pllsai1clk"), 96 * kMega / 17);
  EXPECT_EQ(hz("pll48m2clk"), 48 * kMega);
  EXPECT_EQ(hz("plladc1clk"), 0U) << "not switched on";
  EXPECT_EQ(hz("plladc2clk"), 20 * kMega);
}

TEST_F(Stm32Rcc, BusesAreDivided) {
  start_pll();
  write(kCfgr, 3 | 0x9U << 4 | 0x4U << 8 | 0x6U << 11);
  EXPECT_EQ(hz("hclk"), 20 * kMega);
  EXPECT_EQ(hz("pclk1"), 10 * kMega);
  EXPECT_EQ(hz("pclk2"), 2'500'000U);
  EXPECT_EQ(hz("timclk1"), 20 * kMega) << "twice the bus that is divided";
  EXPECT_EQ(hz("timclk2"), 5 * kMega);
  EXPECT_EQ(hz("systick"), 2'500'000U);
  write(kCfgr, 3 | 0xfU << 4);
  EXPECT_EQ(hz("hclk"), 80 * kMega / 512);
  EXPECT_EQ(hz("timclk1"), hz("pclk1"));
}

TEST_F(Stm32Rcc, APeripheralHasItsClockWhenItIsEnabled) {
  EXPECT_EQ(hz("gpiob"), 0U);
  EXPECT_EQ(hz("flash"), 4 * kMega);
  write(kAhb2Enr, 2);
  EXPECT_EQ(hz("gpiob"), 4 * kMega);
  EXPECT_EQ(hz("gpioa"), 0U);
  write(kApb2Enr, 1U << 14 | 1);
  EXPECT_EQ(hz("usart1"), 4 * kMega);
  EXPECT_EQ(hz("syscfg"), 4 * kMega);
  write(kApb1Enr2, 1);
  EXPECT_EQ(hz("lpuart1"), 4 * kMega);
  write(kApb2Enr, 0);
  EXPECT_EQ(hz("usart1"), 0U);
}

TEST_F(Stm32Rcc, KernelClocksAreSelected) {
  start_pll();
  write(kCfgr, 3 | 0x4U << 11);
  write(kCr, read(kCr) | kHsiOn);
  write(kBdcr, 1);
  write(kApb2Enr, 1U << 14);
  const std::uint64_t expected[]{40 * kMega, 80 * kMega, 16 * kMega, 32'768};
  for (std::uint32_t select = 0; select < 4; ++select) {
    write(kCcipr, select);
    EXPECT_EQ(hz("usart1"), expected[select]) << select;
  }
  write(kCcipr, 3U << 26);
  EXPECT_EQ(hz("clk48"), 4 * kMega) << "MSI";
}

TEST_F(Stm32Rcc, WhatGetsReadyInterruptsIfItMay) {
  write(kCier, 1);
  write(kCsr, 1);
  EXPECT_TRUE(irq());
  EXPECT_EQ(read(kCifr), 1U);
  write(kCicr, 1);
  EXPECT_FALSE(irq());
  write(kCsr, 1);
  EXPECT_FALSE(irq()) << "it was ready already";
  write(kBdcr, 1);
  EXPECT_FALSE(irq()) << "it may not";
  EXPECT_EQ(read(kCifr), 0U);
}

TEST_F(Stm32Rcc, LseGetsReadyAnewWithAnotherDrive) {
  write(kBdcr, 3U << 3 | 1);
  write(kCier, 2);
  write(kBdcr, 3U << 3 | 1);
  EXPECT_EQ(read(kCifr), 0U);
  write(kBdcr, 1);
  EXPECT_EQ(read(kCifr), 2U);
  EXPECT_EQ(read(kBdcr), 3U);
}

TEST_F(Stm32Rcc, EachOscillatorHasItsInterrupt) {
  write(kPllCfgr, kPllTo80);
  write(kCr, 0x60);  // MSI runs the system and stays on
  write(kCier, 0x2ff);
  const auto comes = [&](std::uint64_t at, std::uint32_t bits, std::uint32_t flag) {
    write(at, read(at) | bits);
    EXPECT_EQ(read(kCifr), flag);
    write(kCicr, flag);
    EXPECT_FALSE(irq());
  };
  comes(kBdcr, 1, 2);
  comes(kCr, kHsiOn, 8);
  comes(kCr, kHseOn, 0x10);
  comes(kCr, kPllOn, 0x20);
  comes(kCr, 1U << 26, 0x40);
  comes(kCr, 1U << 28, 0x80);
}

TEST_F(Stm32Rcc, TheBackupDomainKeepsTheSourceOfTheRtc) {
  write(kBdcr, 1U | 1U << 8 | 1U << 15);
  EXPECT_EQ(hz("rtc"), 32'768U);
  write(kBdcr, 1U | 3U << 8 | 1U << 15);
  EXPECT_EQ(read(kBdcr), 0x8103U);
  write(kBdcr, 1U << 16 | 0x8103U);
  EXPECT_EQ(read(kBdcr), 1U << 16) << "reset, and held there";
  write(kBdcr, 0);
  write(kCr, 0x61 | kHseOn);
  write(kBdcr, 3U << 8 | 1U << 15);
  EXPECT_EQ(hz("rtc"), 8 * kMega / 32);
}

TEST_F(Stm32Rcc, ResetCausesAreForgottenOnRequest) {
  write(kCsr, 1U << 23);
  EXPECT_EQ(read(kCsr), 0x600U);
}

TEST(Stm32RccWithoutACrystal, NeverHasAnHse) {
  testing::DeviceBench bench;
  auto& rcc = bench.add<Stm32l4x5Rcc>("rcc", kBase, Stm32l4x5Rcc::Config{.hse_hz = 0});
  bench.write32(kBase, 0x61 | kHseOn);
  EXPECT_EQ(bench.read32(kBase), 0x63 | kHseOn);
  EXPECT_EQ(rcc.clock("hse").period(), 0U);
}

}  // namespace
}  // namespace holdfast::devices
