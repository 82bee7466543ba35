// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/rtc/goldfish_rtc.hpp"

#include <gtest/gtest.h>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x10'1000;
constexpr std::uint64_t kStart = hw::HostClock::kDayOfSteppedMachines * 1'000'000'000;

class GoldfishRtcTest : public ::testing::Test {
 protected:
  std::uint64_t time() {
    const std::uint64_t low = bench_.read32(kBase);
    return low | (std::uint64_t{bench_.read32(kBase + 4)} << 32);
  }
  void set_alarm(std::uint64_t ns) {
    bench_.write32(kBase + 0x0c, ns >> 32);
    bench_.write32(kBase + 0x08, ns & 0xffff'ffff);
  }
  void enable(bool on) { bench_.write32(kBase + 0x10, on ? 1 : 0); }
  std::uint32_t alarm_status() { return bench_.read32(kBase + 0x18); }
  bool irq() { return testing::DeviceBench::level(rtc_, "irq"); }

  testing::DeviceBench bench_;
  GoldfishRtc& rtc_ = bench_.add<GoldfishRtc>("rtc", kBase, GoldfishRtc::Config{});
};

TEST_F(GoldfishRtcTest, ShowsTheTimeOfDay) {
  EXPECT_EQ(time(), kStart);
  bench_.step_to(1'500);
  EXPECT_EQ(time(), kStart + 1'500);
}

TEST_F(GoldfishRtcTest, MayBeAheadAndGoWithTheMachine) {
  constexpr std::uint64_t kOther = 0x20'0000;
  bench_.step_to(500);
  bench_.add<GoldfishRtc>("other", kOther,
                          GoldfishRtc::Config{.ahead_ns = -7,
                                              .driver = GoldfishRtc::Config::Driver::kMachine});
  bench_.step_to(1'500);
  EXPECT_EQ(bench_.read32(kOther), (kStart + 1'500 - 7) & 0xffff'ffff);
}

TEST_F(GoldfishRtcTest, TheHighHalfIsLatchedWithTheLowOne) {
  const std::uint64_t to_carry = 0x1'0000'0000 - (kStart & 0xffff'ffff);
  bench_.step_to(to_carry - 1);
  EXPECT_EQ(bench_.read32(kBase), 0xffff'ffffU);
  bench_.step_to(to_carry);
  EXPECT_EQ(bench_.read32(kBase + 4), kStart >> 32);
  EXPECT_EQ(bench_.read32(kBase), 0U);
  EXPECT_EQ(bench_.read32(kBase + 4), (kStart >> 32) + 1);
}

TEST_F(GoldfishRtcTest, TakesWordsAndTwoOfThemTheLowerOneFirst) {
  EXPECT_EQ(bench_.refused(kBase), 1U | 2U);
  EXPECT_EQ(bench_.refused(kBase + 0x1c), 1U | 2U);
  EXPECT_EQ(bench_.read64(kBase), kStart);
  bench_.write64(kBase + 0x08, kStart + 500);  // the low half sets the alarm: the high one comes late
  EXPECT_EQ(bench_.read64(kBase + 0x08), kStart + 500);
}

TEST_F(GoldfishRtcTest, CanBeSet) {
  bench_.write32(kBase + 4, 7);
  bench_.write32(kBase, 9);
  EXPECT_EQ(time(), 0x7'0000'0009U);
  bench_.step_to(10);
  EXPECT_EQ(time(), 0x7'0000'0013U);
}

TEST_F(GoldfishRtcTest, TheAlarmRingsOnce) {
  enable(true);
  set_alarm(kStart + 1'000);
  EXPECT_EQ(alarm_status(), 1U);
  bench_.step_to(999);
  EXPECT_FALSE(irq());
  bench_.step_to(1'000);
  EXPECT_TRUE(irq());
  EXPECT_EQ(alarm_status(), 0U);
  bench_.write32(kBase + 0x1c, 1);
  EXPECT_FALSE(irq());
  bench_.step_to(10'000);
  EXPECT_FALSE(irq());
}

TEST_F(GoldfishRtcTest, AnAlarmInThePastRingsAtOnce) {
  enable(true);
  set_alarm(kStart);
  EXPECT_TRUE(irq());
}

TEST_F(GoldfishRtcTest, AnAlarmThatIsNotEnabledIsPendingUntilItIs) {
  set_alarm(kStart + 10);
  bench_.step_to(10);
  EXPECT_FALSE(irq());
  enable(true);
  EXPECT_TRUE(irq());
  enable(false);
  EXPECT_FALSE(irq());
}

TEST_F(GoldfishRtcTest, AnAlarmCanBeCleared) {
  enable(true);
  set_alarm(kStart + 10);
  bench_.write32(kBase + 0x14, 1);
  EXPECT_EQ(alarm_status(), 0U);
  bench_.step_to(20);
  EXPECT_FALSE(irq());
}

TEST_F(GoldfishRtcTest, SettingTheClockMovesTheAlarm) {
  enable(true);
  set_alarm(kStart + 1'000);
  bench_.write32(kBase, (kStart + 900) & 0xffff'ffff);
  bench_.step_to(99);
  EXPECT_FALSE(irq());
  bench_.step_to(100);
  EXPECT_TRUE(irq());
}

TEST_F(GoldfishRtcTest, ResetForgetsTheAlarm) {
  enable(true);
  set_alarm(kStart + 10);
  bench_.reset(rtc_);
  EXPECT_EQ(alarm_status(), 0U);
  EXPECT_EQ(bench_.read32(kBase + 0x10), 0U);
  bench_.step_to(20);
  EXPECT_FALSE(irq());
}

}  // namespace
}  // namespace holdfast::devices
