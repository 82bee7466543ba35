// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/timer/riscv_clint.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x0200'0000;
constexpr std::uint64_t kTime = kBase + 0xbff8;
constexpr std::uint64_t msip(unsigned hart) { return kBase + 4 * hart; }
constexpr std::uint64_t mtimecmp(unsigned hart) { return kBase + 0x4000 + 8 * hart; }

class RiscvClintTest : public ::testing::Test {
 protected:
  bool timer(unsigned hart) { return testing::DeviceBench::level(clint_, "timer", hart); }
  bool software(unsigned hart) { return testing::DeviceBench::level(clint_, "software", hart); }

  testing::DeviceBench bench_;
  RiscvClint& clint_ = bench_.add<RiscvClint>("clint", kBase, RiscvClint::Config{.harts = 2});
};

TEST_F(RiscvClintTest, TheCounterRunsAtTenMegahertz) {
  EXPECT_EQ(bench_.read64(kTime), 0U);
  bench_.step_to(1'000);
  EXPECT_EQ(bench_.read64(kTime), 10U);
  EXPECT_EQ(clint_.ticks(), 10U);
}

TEST_F(RiscvClintTest, TheTimerInterruptsAtItsTickAndNotBefore) {
  bench_.write64(mtimecmp(1), 10);
  bench_.step_to(999);
  EXPECT_FALSE(timer(1));
  bench_.step_to(1'000);
  EXPECT_TRUE(timer(1));
  EXPECT_FALSE(timer(0));
  bench_.write64(mtimecmp(1), 11);
  EXPECT_FALSE(timer(1));
  bench_.step_to(1'100);
  EXPECT_TRUE(timer(1));
}

TEST_F(RiscvClintTest, AComparisonThatIsReachedInterruptsAtOnce) {
  bench_.step_to(5'000);
  bench_.write64(mtimecmp(0), 50);
  EXPECT_TRUE(timer(0));
}

TEST_F(RiscvClintTest, NeverIsNeverArmed) {
  EXPECT_EQ(bench_.read64(mtimecmp(0)), ~std::uint64_t{0});
  bench_.write64(mtimecmp(0), ~std::uint64_t{0});
  EXPECT_EQ(bench_.services().clock().next_deadline_ns(), std::nullopt);
}

TEST_F(RiscvClintTest, HalvesAreWrittenAndReadByThemselves) {
  bench_.write32(mtimecmp(0), 0x1234'5678);
  bench_.write32(mtimecmp(0) + 4, 0x9abc);
  EXPECT_EQ(bench_.read64(mtimecmp(0)), 0x9abc'1234'5678U);
  bench_.write64(kTime, 0x1'0000'0000);
  EXPECT_EQ(bench_.read32(kTime + 4), 1U);
  EXPECT_EQ(bench_.read32(kTime), 0U);
}

TEST_F(RiscvClintTest, TheCounterCanBeSetAndTimersFollow) {
  bench_.write64(mtimecmp(0), 1'000);
  bench_.write64(kTime, 999);
  EXPECT_FALSE(timer(0));
  bench_.step_to(100);
  EXPECT_TRUE(timer(0));
  bench_.write64(kTime, 0);
  EXPECT_FALSE(timer(0));
  bench_.write64(kTime, 1'000);
  EXPECT_TRUE(timer(0));
}

TEST_F(RiscvClintTest, ACounterSetToItsEndWrapsAround) {
  bench_.write64(mtimecmp(0), 5);
  bench_.write64(kTime, ~std::uint64_t{0});
  EXPECT_TRUE(timer(0));
  bench_.step_to(100);
  EXPECT_EQ(bench_.read64(kTime), 0U);
}

TEST_F(RiscvClintTest, SoftwareInterruptsAreOneBit) {
  bench_.write32(msip(1), 0xffff'ffff);
  EXPECT_EQ(bench_.read32(msip(1)), 1U);
  EXPECT_TRUE(software(1));
  EXPECT_FALSE(software(0));
  bench_.write32(msip(1), 0xffff'fffe);
  EXPECT_FALSE(software(1));
}

TEST_F(RiscvClintTest, SoftwareInterruptsTakeWordsAndTimesHalvesToo) {
  EXPECT_EQ(bench_.refused(msip(0)), 1U | 2U | 8U);
  EXPECT_EQ(bench_.refused(msip(1)), 1U | 2U);
  EXPECT_EQ(bench_.refused(kBase + 0x3ff8), 1U | 2U | 8U);
  for (const std::uint64_t at : {mtimecmp(0), mtimecmp(2), kTime - 8, kTime})
    EXPECT_EQ(bench_.refused(at), 1U | 2U) << at;
  EXPECT_EQ(bench_.refused(kTime + 8), 1U | 2U | 4U | 8U);  // behind its last register
}

TEST_F(RiscvClintTest, HartsThatDoNotExistReadZero) {
  bench_.write32(msip(2), 1);
  bench_.write64(mtimecmp(2), 1);
  EXPECT_EQ(bench_.read32(msip(2)), 0U);
  EXPECT_EQ(bench_.read64(mtimecmp(2)), 0U);
}

TEST_F(RiscvClintTest, ResetStartsOver) {
  bench_.step_to(5'000);
  bench_.write64(mtimecmp(0), 1);
  bench_.write32(msip(0), 1);
  bench_.reset(clint_);
  EXPECT_EQ(bench_.read64(kTime), 0U);
  EXPECT_FALSE(timer(0));
  EXPECT_FALSE(software(0));
  EXPECT_EQ(bench_.read32(msip(0)), 0U);
  bench_.write64(mtimecmp(0), 1);
  bench_.step_to(5'100);
  EXPECT_TRUE(timer(0));
}

TEST_F(RiscvClintTest, SaysHowLongUntilATick) {
  EXPECT_EQ(clint_.host_ns_until(0), 0U);
  EXPECT_EQ(clint_.host_ns_until(10), std::nullopt);  // a stepped clock stands still
}

TEST_F(RiscvClintTest, HartsCompareAtTheSameTime) {
  const auto busy = [&](unsigned hart) {
    memory::Port port{bench_.space()};
    for (std::uint64_t i = 0; i < 1000; ++i) {
      std::uint64_t value = 0;
      port.store(mtimecmp(hart), 8, i % 2 == 0 ? 0 : ~std::uint64_t{0}, {});
      port.load(kTime, 8, value, {});
      port.store(msip(1 - hart), 4, i % 2, {});
    }
  };
  std::thread one{[&] { busy(0); }};
  std::thread two{[&] { busy(1); }};
  one.join();
  two.join();
  EXPECT_FALSE(timer(0));
  EXPECT_FALSE(timer(1));
  EXPECT_TRUE(software(0));
  EXPECT_TRUE(software(1));
}

TEST_F(RiscvClintTest, AConfigurationThatCannotBeIsAnErrorOfPrepare) {
  const auto message = [&](RiscvClint::Config config) {
    auto clint = hw::make_device<RiscvClint>(bench_.context(), "bad", config);
    const auto done = clint->prepare();
    return done ? std::string{} : done.error().message;
  };
  EXPECT_EQ(message({.harts = 0}), "/machine/bad: 1 to 4095 harts are possible");
  EXPECT_EQ(message({.harts = 100'000}), "/machine/bad: 1 to 4095 harts are possible");
  EXPECT_NE(message({.hz = 0}), "");
}

}  // namespace
}  // namespace holdfast::devices
