// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/armv7m/systick.hpp"

#include <gtest/gtest.h>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0xe000'e010;
constexpr std::uint64_t kCsr = 0, kRvr = 4, kCvr = 8, kCalib = 12;
constexpr std::uint32_t kEnable = 1, kInterrupt = 2, kCpuClock = 4, kWasZero = 1U << 16;

/// Where its clocks come from.
class Oscillators final : public hw::Device {
 public:
  static const object::Type kType;
  explicit Oscillators(const hw::DeviceInit& init) : Device{init} {}

  std::uint32_t nothing() { return 0; }
  void set_hz(std::uint32_t hz) { cpu.set_hz(hz); }

  hw::Mmio regs{*this, "regs",
                hw::register_map<Oscillators>(4, {{.at = 0, .name = "hz", .read = &Oscillators::nothing,
                                                   .write = &Oscillators::set_hz}})};
  hw::ClockSource cpu{*this, "cpu", hw::period_of_hz(100'000'000)};        // 10 ns
  hw::ClockSource reference{*this, "reference", hw::period_of_hz(10'000'000)};  // 100 ns
};
constinit const object::Type Oscillators::kType{
    .name = "oscillators", .parent = &hw::Device::kType, .docs = "test"};

class SysTickTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(hw::connect(oscillators_.cpu, timer_.cpu_clock()));
    ASSERT_TRUE(hw::connect(oscillators_.reference, timer_.reference_clock()));
  }
  std::uint32_t read(std::uint64_t at) { return bench_.read32(kBase + at); }
  void write(std::uint64_t at, std::uint32_t value) { bench_.write32(kBase + at, value); }

  testing::DeviceBench bench_;
  Oscillators& oscillators_ = bench_.add<Oscillators>("oscillators", 0x1000);
  SysTick& timer_ = bench_.add<SysTick>("systick", kBase);
  const std::string& ticks_ = bench_.watch(timer_, "tick");
};

TEST_F(SysTickTest, CountsDownByTheClockThatIsChosen) {
  write(kRvr, 0xff00'0063);
  EXPECT_EQ(read(kRvr), 99U) << "24 bits";
  write(kCsr, kEnable | kCpuClock);
  EXPECT_EQ(read(kCvr), 0U);
  bench_.step_to(10);
  EXPECT_EQ(read(kCvr), 99U);
  bench_.step_to(1'000);
  EXPECT_EQ(read(kCvr), 0U);
  bench_.step_to(1'010);
  EXPECT_EQ(read(kCvr), 99U);
  write(kCsr, kEnable);
  bench_.step_to(1'210);
  EXPECT_EQ(read(kCvr), 97U) << "100 ns a tick now";
  write(kCsr, 0);
  bench_.step_to(5'000);
  EXPECT_EQ(read(kCvr), 97U);
  EXPECT_EQ(read(kCalib), 0x0100'270fU);
}

TEST_F(SysTickTest, SaysOnceThatItWasZero) {
  write(kRvr, 9);
  write(kCsr, kEnable | kCpuClock);
  bench_.step_to(99);
  EXPECT_EQ(read(kCsr), kEnable | kCpuClock);
  bench_.step_to(100);
  EXPECT_EQ(read(kCsr), kEnable | kCpuClock | kWasZero);
  EXPECT_EQ(read(kCsr), kEnable | kCpuClock);
  bench_.step_to(250);
  write(kRvr, 19);
  EXPECT_EQ(read(kCsr), kEnable | kCpuClock | kWasZero) << "before the change";
  bench_.step_to(400);
  write(kCvr, 5);
  EXPECT_EQ(read(kCsr), kEnable | kCpuClock) << "to write the value forgets it";
  EXPECT_EQ(read(kCvr), 0U);
}

TEST_F(SysTickTest, InterruptsAtEachZero) {
  write(kRvr, 9);
  write(kCsr, kEnable | kInterrupt | kCpuClock);
  bench_.step_to(99);
  EXPECT_EQ(ticks_, "");
  bench_.step_to(100);
  EXPECT_EQ(ticks_, "10");
  bench_.step_to(350);
  EXPECT_EQ(ticks_, "101010");
  write(kCsr, kEnable | kCpuClock);
  bench_.step_to(1'000);
  EXPECT_EQ(ticks_, "101010");
}

TEST_F(SysTickTest, AValueOfZeroToStartOverFromStopsIt) {
  write(kRvr, 9);
  write(kCsr, kEnable | kInterrupt | kCpuClock);
  bench_.step_to(50);
  write(kRvr, 0);
  bench_.step_to(1'000);
  EXPECT_EQ(ticks_, "10");
  EXPECT_EQ(read(kCvr), 0U);
}

TEST_F(SysTickTest, AChangeOfItsClockIsFollowed) {
  write(kRvr, 9);
  write(kCsr, kEnable | kInterrupt | kCpuClock);
  bench_.step_to(50);
  bench_.write32(0x1000, 10'000'000);
  EXPECT_EQ(read(kCvr), 5U);
  bench_.step_to(549);
  EXPECT_EQ(ticks_, "");
  bench_.step_to(550);
  EXPECT_EQ(ticks_, "10");
  bench_.write32(0x1000, 0);
  bench_.step_to(10'000);
  EXPECT_EQ(ticks_, "10") << "it stands still";
  EXPECT_EQ(read(kCvr), 0U);
}

TEST_F(SysTickTest, AResetStopsIt) {
  write(kRvr, 9);
  write(kCsr, kEnable | kInterrupt | kCpuClock);
  bench_.step_to(50);
  bench_.reset(timer_);
  bench_.step_to(1'000);
  EXPECT_EQ(ticks_, "");
  EXPECT_EQ(read(kCsr), 0U);
  EXPECT_EQ(read(kRvr), 0U);
}

}  // namespace
}  // namespace holdfast::devices
