// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/syscfg.hpp"

#include <gtest/gtest.h>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x4001'0000;
enum Register : std::uint64_t {
  kMemrmp = 0x00,
  kCfgr1 = 0x04,
  kExticr1 = 0x08,
  kExticr4 = 0x14,
  kScsr = 0x18,
  kCfgr2 = 0x1c,
  kSwpr = 0x20,
  kSkr = 0x24,
  kSwpr2 = 0x28,
};

class Stm32SyscfgTest : public ::testing::Test {
 protected:
  std::uint32_t in(std::uint64_t reg) { return bench_.read32(kBase + reg); }
  void out(std::uint64_t reg, std::uint32_t value) { bench_.write32(kBase + reg, value); }
  void pin(unsigned port, unsigned number, bool level) {
    testing::DeviceBench::drive(syscfg_, "in", 16 * port + number, level);
  }
  bool line(unsigned number) { return testing::DeviceBench::level(syscfg_, "out", number); }

  testing::DeviceBench bench_;
  Stm32l4x5Syscfg& syscfg_ = bench_.add<Stm32l4x5Syscfg>("syscfg", kBase);
};

TEST_F(Stm32SyscfgTest, RegistersAfterReset) {
  EXPECT_EQ(in(kCfgr1), 0x7c00'0001U);
  for (const std::uint64_t reg : {kMemrmp, kExticr1, kExticr4, kScsr, kCfgr2, kSwpr, kSkr, kSwpr2})
    EXPECT_EQ(in(reg), 0U) << reg;
}

TEST_F(Stm32SyscfgTest, OnlyImplementedBitsAreKept) {
  out(kMemrmp, ~0U);
  EXPECT_EQ(in(kMemrmp), 0x107U);
  out(kCfgr1, ~0U);
  EXPECT_EQ(in(kCfgr1), 0xfcff'0101U);
  for (std::uint64_t reg = kExticr1; reg <= kExticr4; reg += 4) {
    out(reg, ~0U);
    EXPECT_EQ(in(reg), 0xffffU);
    out(reg, 0);
    EXPECT_EQ(in(reg), 0U);
  }
  out(kScsr, ~0U);
  EXPECT_EQ(in(kScsr), 0U);
  out(kSkr, ~0U);
  EXPECT_EQ(in(kSkr), 0xffU);
}

TEST_F(Stm32SyscfgTest, TheFirewallIsSwitchedOnOnce) {
  out(kCfgr1, 0);
  EXPECT_EQ(in(kCfgr1), 0U);
  out(kCfgr1, 0x101);
  EXPECT_EQ(in(kCfgr1), 0x100U);
  bench_.reset(syscfg_);
  EXPECT_EQ(in(kCfgr1), 0x7c00'0001U);
}

TEST_F(Stm32SyscfgTest, LocksAndProtectionAreSetForGood) {
  out(kCfgr2, 0x5);
  out(kCfgr2, 0xffff'fff0);
  EXPECT_EQ(in(kCfgr2), 0x5U);
  out(kCfgr2, 0x2);
  EXPECT_EQ(in(kCfgr2), 0x7U);
  out(kSwpr, 0x8000'0001);
  out(kSwpr, 0x2);
  EXPECT_EQ(in(kSwpr), 0x8000'0003U);
  out(kSwpr2, 0x10);
  out(kSwpr2, 0);
  EXPECT_EQ(in(kSwpr2), 0x10U);
  bench_.reset(syscfg_);
  EXPECT_EQ(in(kCfgr2), 0U);
  EXPECT_EQ(in(kSwpr), 0U);
}

TEST_F(Stm32SyscfgTest, PortALeadsToTheLinesUntilAnotherIsChosen) {
  pin(0, 3, true);
  EXPECT_TRUE(line(3));
  pin(0, 3, false);
  EXPECT_FALSE(line(3));
  pin(1, 3, true);
  EXPECT_FALSE(line(3));
  out(kExticr1, 0x1000);
  EXPECT_TRUE(line(3)) << "as the pin is that was chosen";
  pin(0, 3, true);
  pin(1, 3, false);
  EXPECT_FALSE(line(3));
}

TEST_F(Stm32SyscfgTest, EachLineIsChosenForItself) {
  for (unsigned number = 0; number < 16; ++number) {
    const unsigned port = number % 8;
    const std::uint64_t reg = kExticr1 + number / 4 * 4;
    out(reg, in(reg) | port << number % 4 * 4);
    pin(port, number, true);
    for (unsigned other = 0; other < 16; ++other)
      EXPECT_EQ(line(other), other == number) << number << " " << other;
    pin(port, number, false);
  }
}

TEST_F(Stm32SyscfgTest, APortThatDoesNotExistIsLow) {
  pin(0, 15, true);
  out(kExticr4, 0x8000);
  EXPECT_FALSE(line(15));
}

TEST_F(Stm32SyscfgTest, AfterAResetTheLinesArePortAsPins) {
  out(kExticr1, 0x1);
  pin(0, 0, true);
  EXPECT_FALSE(line(0));
  bench_.reset(syscfg_);
  EXPECT_TRUE(line(0));
}

}  // namespace
}  // namespace holdfast::devices
