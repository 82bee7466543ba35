// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/armv7m/nvic.hpp"

#include <gtest/gtest.h>

#include "holdfast/hw/machine_requests.hpp"
#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0xe000'e000;

enum Register : std::uint64_t {
  kIctr = 0x004, kIser = 0x100, kIcer = 0x180, kIspr = 0x200, kIcpr = 0x280, kIabr = 0x300,
  kIpr = 0x400, kCpuid = 0xd00, kIcsr = 0xd04, kVtor = 0xd08, kAircr = 0xd0c, kScr = 0xd10,
  kCcr = 0xd14, kShpr1 = 0xd18, kShpr3 = 0xd20, kShcsr = 0xd24, kCfsr = 0xd28, kStir = 0xf00
};

class NvicTest : public ::testing::Test {
 protected:
  std::uint32_t read(std::uint64_t at) { return bench_.read32(kBase + at); }
  void write(std::uint64_t at, std::uint32_t value) { bench_.write32(kBase + at, value); }
  void drive(unsigned line, bool level) { bench_.drive(nvic_, "in", line, level); }
  void share(unsigned line, bool level) { bench_.drive(nvic_, "shared", line, level); }
  unsigned vector() { return read(kIcsr) >> 12 & 0x1ff; }

  testing::DeviceBench bench_;
  Nvic& nvic_ = bench_.add<Nvic>("nvic", kBase, Nvic::Config{.interrupts = 82});
};

TEST_F(NvicTest, HasTheInterruptsItWasGiven) {
  EXPECT_EQ(read(kIctr), 2U);
  EXPECT_EQ(read(kCpuid), 0x410f'c241U);
  for (std::uint64_t word = 0; word < 32; word += 4) write(kIser + word, 0xffff'ffff);
  EXPECT_EQ(read(kIser), 0xffff'ffffU);
  EXPECT_EQ(read(kIser + 8), 0x0003'ffffU);
  EXPECT_EQ(read(kIser + 12), 0U);
  write(kIspr + 8, 0xffff'ffff);
  EXPECT_EQ(read(kIspr + 8), 0x0003'ffffU);
  write(kIpr + 80, 0xffff'ffff);
  EXPECT_EQ(read(kIpr + 80), 0x0000'f0f0U) << "81 is the last, and priorities have four bits";
}

TEST_F(NvicTest, EnablesAndDisablesByOnes) {
  write(kIser, 0x0f);
  write(kIcer, 0x05);
  EXPECT_EQ(read(kIser), 0x0aU);
  EXPECT_EQ(read(kIcer), 0x0aU);
  bench_.write8(kBase + kIcer + 1, 0xff);
  EXPECT_EQ(read(kIser), 0x0aU) << "the byte that was not written disables nothing";
}

TEST_F(NvicTest, ARisingInputIsPendingWhetherItIsEnabledOrNot) {
  drive(40, true);
  EXPECT_EQ(read(kIspr + 4), 1U << 8);
  drive(40, false);
  EXPECT_EQ(read(kIspr + 4), 1U << 8) << "and stays so";
  write(kIcpr + 4, 1U << 8);
  EXPECT_EQ(read(kIspr + 4), 0U);
}

TEST_F(NvicTest, WhatStillAsksStaysPending) {
  drive(5, true);
  write(kIcpr, 1U << 5);
  EXPECT_EQ(read(kIspr), 1U << 5);
  drive(5, false);
  write(kIcpr, 1U << 5);
  EXPECT_EQ(read(kIspr), 0U);
  drive(5, true);
  EXPECT_EQ(read(kIspr), 1U << 5);
}

TEST_F(NvicTest, TwoMayShareAnInterrupt) {
  drive(37, true);
  share(37, true);
  drive(37, false);
  write(kIcpr + 4, 1U << 5);
  EXPECT_EQ(read(kIspr + 4), 1U << 5) << "the other one still asks";
  share(37, false);
  write(kIcpr + 4, 1U << 5);
  EXPECT_EQ(read(kIspr + 4), 0U);
}

TEST_F(NvicTest, SoftwareMakesPending) {
  write(kIspr, 2);
  write(kStir, 33);
  write(kStir, 200);
  EXPECT_EQ(read(kIspr), 2U);
  EXPECT_EQ(read(kIspr + 4), 2U);
  EXPECT_EQ(read(kIabr), 0U) << "nothing runs";
}

TEST_F(NvicTest, TheMostUrgentOneWouldBeTaken) {
  EXPECT_EQ(vector(), 0U);
  write(kIspr, 1U << 3 | 1U << 7);
  EXPECT_EQ(read(kIcsr), 1U << 22) << "pending, but not enabled";
  write(kIser, 1U << 3 | 1U << 7);
  EXPECT_EQ(vector(), 19U) << "of equals the lowest";
  write(kIpr, 0x8000'0000);
  EXPECT_EQ(vector(), 23U);
  write(kIcsr, 1U << 31);
  EXPECT_EQ(vector(), 2U) << "NMI goes before all";
}

TEST_F(NvicTest, ExceptionsAreSetAndClearedByBits) {
  write(kShpr3, 0x4080'0000);
  EXPECT_EQ(read(kShpr3), 0x4080'0000U);
  write(kIcsr, 1U << 28 | 1U << 26);
  EXPECT_EQ(read(kIcsr) & 0x1400'0000, 0x1400'0000U);
  EXPECT_EQ(vector(), 15U) << "SysTick is more urgent here";
  write(kIcsr, 1U << 25);
  EXPECT_EQ(vector(), 14U);
  write(kIcsr, 1U << 27);
  EXPECT_EQ(read(kIcsr), 0U);
  bench_.drive(nvic_, "systick", 0, true);
  EXPECT_EQ(vector(), 15U);
  write(kShpr1, 0xffff'ffff);
  EXPECT_EQ(read(kShpr1), 0x00f0'f0f0U) << "there is no exception 7";
}

TEST_F(NvicTest, TheControlBlockKeepsWhatItHas) {
  write(kVtor, 0xffff'ffff);
  EXPECT_EQ(read(kVtor), 0x3fff'fe00U);
  write(kScr, 0xff);
  EXPECT_EQ(read(kScr), 0x16U);
  EXPECT_EQ(read(kCcr), 0x200U);
  write(kShcsr, 0xffff'ffff);
  EXPECT_EQ(read(kShcsr), 0x7'fd8bU);
  write(kCfsr, 0xffff'ffff);
  EXPECT_EQ(read(kCfsr), 0U);
}

TEST_F(NvicTest, TheApplicationRegisterTakesItsKeyAlone) {
  EXPECT_EQ(read(kAircr), 0xfa05'0000U);
  write(kAircr, 0x0000'0700);
  EXPECT_EQ(read(kAircr), 0xfa05'0000U);
  write(kAircr, 0x05fa'0300);
  EXPECT_EQ(read(kAircr), 0xfa05'0300U);
}

TEST_F(NvicTest, TheApplicationRegisterResetsTheMachine) {
  struct Asked final : hw::MachineRequests {
    void request_reset() override { ++resets; }
    void request_quit(int) override { ADD_FAILURE(); }
    int resets = 0;
  } asked;
  write(kAircr, 0x05fa'0004);  // a bench has nobody to ask
  bench_.context().requests = &asked;
  write(kAircr, 0x0000'0004);
  EXPECT_EQ(asked.resets, 0);
  write(kAircr, 0x05fa'0004);
  EXPECT_EQ(asked.resets, 1);
  bench_.context().requests = nullptr;
}

TEST_F(NvicTest, AResetForgetsAllButWhoStillAsks) {
  write(kIser, 0xff);
  write(kIspr, 0xff);
  write(kIcsr, 1U << 31);
  drive(70, true);
  bench_.reset(nvic_);
  EXPECT_EQ(read(kIser), 0U);
  EXPECT_EQ(read(kIspr), 0U);
  EXPECT_EQ(read(kIcsr), 1U << 22);
  EXPECT_EQ(read(kIspr + 8), 1U << 6);
}

TEST(NvicOfAnotherSize, RefusesWhatCannotBe) {
  testing::DeviceBench bench;
  for (const Nvic::Config& config :
       {Nvic::Config{.interrupts = 241}, Nvic::Config{.priority_bits = 2},
        Nvic::Config{.priority_bits = 9}}) {
    const auto nvic = hw::make_device<Nvic>(bench.context(), "nvic", config);
    EXPECT_FALSE(nvic->prepare());
  }
}

}  // namespace
}  // namespace holdfast::devices
