// SPDX-License-Identifier: Apache-2.0
// Timers, bottom halves and interrupt lines as parts of devices.
#include <gtest/gtest.h>

#include "holdfast/hw/bottom_half.hpp"
#include "holdfast/hw/host_clock.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/ticks.hpp"
#include "holdfast/hw/timer.hpp"
#include "tests/support/device_bench.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::hw {
namespace {

using testing::DeviceBench;
using testing::Schedule;

/// Does on a write what the test says.
class Probe final : public Device {
 public:
  static const object::Type kType;
  explicit Probe(const DeviceInit& init, gate::Locking locking = gate::Locking::kExclusive)
      : Device{init, locking} {}

  std::function<void(std::uint32_t)> on_write;
  std::function<void()> on_timer;
  std::function<void()> on_bottom_half;
  std::function<void(unsigned, bool)> on_input;
  std::string seen;

  void write(std::uint32_t value) {
    if (on_write) on_write(value);
  }
  void expired() {
    EXPECT_TRUE(gate().entered_by_me());
    seen += 't';
    if (on_timer) on_timer();
  }
  void half() {
    EXPECT_TRUE(gate().entered_by_me());
    seen += 'b';
    if (on_bottom_half) on_bottom_half();
  }
  void input(unsigned line, bool level) {
    EXPECT_TRUE(gate().entered_by_me());
    seen += static_cast<char>((level ? 'A' : 'a') + static_cast<int>(line));
    if (on_input) on_input(line, level);
  }

  Mmio regs{*this, "regs", register_map<Probe>(4, {{.at = 0, .name = "go", .write = &Probe::write}})};
  Timer timer{*this, "timer", &Probe::expired};
  BottomHalf bottom_half{*this, "half", &Probe::half};
  IrqOut irq{*this, "irq"};
  IrqOutArray outs{*this, "outs", 2};
  IrqInArray in{*this, "in", 3, &Probe::input};
};
constinit const object::Type Probe::kType{.name = "probe", .parent = &Device::kType, .docs = "test"};

class PartsTest : public ::testing::Test {
 protected:
  DeviceBench bench_;
  Probe& a_ = bench_.add<Probe>("a", 0x1000);
  Probe& b_ = bench_.add<Probe>("b", 0x2000);
  void run_loop() {
    while (bench_.services().loop().run_ready() != 0) {
    }
  }
  void go(std::function<void(std::uint32_t)> what) {
    a_.on_write = std::move(what);
    bench_.write32(0x1000, 0);
  }
};

TEST_F(PartsTest, ATimerCallsItsDevice) {
  go([&](auto) { a_.timer.arm(100); });
  bench_.step_to(99);
  EXPECT_EQ(a_.seen, "");
  bench_.step_to(100);
  EXPECT_EQ(a_.seen, "t");
}

TEST_F(PartsTest, ResetCancelsTimersAndBottomHalvesAndLowersLines) {
  go([&](auto) {
    a_.timer.arm(100);
    a_.bottom_half.schedule();
    a_.irq.set(true);
  });
  bench_.reset(a_);
  bench_.step_to(200);
  run_loop();
  EXPECT_EQ(a_.seen, "");
  EXPECT_FALSE(a_.irq.level());
}

TEST_F(PartsTest, ADeviceThatGoesTakesItsTimerAlong) {
  go([&](auto) { a_.timer.arm(100); });
  bench_.remove(a_);
  EXPECT_EQ(bench_.services().clock().next_deadline_ns(), std::nullopt);
}

TEST_F(PartsTest, ABottomHalfRunsOnceOnTheLoop) {
  go([&](auto) {
    a_.bottom_half.schedule();
    a_.bottom_half.schedule();
    EXPECT_TRUE(a_.bottom_half.is_scheduled());
  });
  EXPECT_EQ(a_.seen, "");
  run_loop();
  EXPECT_EQ(a_.seen, "b");
}

TEST_F(PartsTest, ABottomHalfThatSchedulesItselfRunsInTheNextTurn) {
  int left = 3;
  a_.on_bottom_half = [&] {
    if (--left > 0) a_.bottom_half.schedule();
  };
  go([&](auto) { a_.bottom_half.schedule(); });
  run_loop();
  EXPECT_EQ(a_.seen, "bbb");
}

TEST_F(PartsTest, ABottomHalfThatIsCancelledIsDroppedAtTheGate) {
  go([&](auto) { a_.bottom_half.schedule(); });
  Schedule schedule;
  schedule.run_at("hw.bottom_half.popped", "main", [&] { a_.bottom_half.cancel(); });
  run_loop();
  EXPECT_EQ(a_.seen, "");
}

TEST_F(PartsTest, ABottomHalfCancelledAndScheduledAgainRunsOnce) {
  go([&](auto) {
    a_.bottom_half.schedule();
    a_.bottom_half.cancel();
    a_.bottom_half.schedule();
  });
  run_loop();
  EXPECT_EQ(a_.seen, "b");
}

TEST_F(PartsTest, ABottomHalfArrivingAsItsDeviceGoesIsDropped) {
  std::string seen;
  a_.on_bottom_half = [&] { seen += 'b'; };
  go([&](auto) { a_.bottom_half.schedule(); });
  Schedule schedule;
  schedule.run_at("hw.bottom_half.popped", "main", [&] { bench_.remove(a_); });
  run_loop();
  EXPECT_EQ(seen, "");
}

TEST_F(PartsTest, LinesLeadFromDeviceToDevice) {
  ASSERT_TRUE(connect(a_.outs, 1, b_.in, 2));
  go([&](auto) { a_.outs.set(1, true); });
  EXPECT_EQ(b_.seen, "C");
  go([&](auto) { a_.outs.set(1, false); });
  EXPECT_EQ(b_.seen, "Cc");
}

TEST_F(PartsTest, LineNumbersAreChecked) {
  const auto out = connect(a_.outs, 2, b_.in, 0);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().message, "/machine/a:outs: line 2 of 2 lines");
  EXPECT_FALSE(connect(a_.irq, 0, b_.in, 3));
}

TEST_F(PartsTest, AnUnpluggedSenderBringsItsLinesToRest) {
  ASSERT_TRUE(connect(a_.irq, 0, b_.in, 0));
  go([&](auto) { a_.irq.set(true); });
  bench_.remove(a_);
  EXPECT_EQ(b_.seen, "Aa");
}

TEST_F(PartsTest, AnUnpluggedReceiverLeavesTheSenderWhole) {
  ASSERT_TRUE(connect(a_.irq, 0, b_.in, 0));
  bench_.remove(b_);
  go([&](auto) { a_.irq.set(true); });
  EXPECT_TRUE(a_.irq.level());
}

TEST_F(PartsTest, AReceiverThatAnswersOnItsOwnLineIsHeardInTheSameAccess) {
  ASSERT_TRUE(connect(a_.irq, 0, b_.in, 0));
  ASSERT_TRUE(connect(b_.irq, 0, a_.in, 0));
  b_.on_input = [&](unsigned, bool level) { b_.irq.set(level); };
  go([&](auto) { a_.irq.set(true); });
  EXPECT_EQ(a_.seen, "A");
}

TEST_F(PartsTest, TimerIntroducedByMakePartLivesAndDiesAlone) {
  auto timer = make_part<Timer>(a_, "extra", [&] { a_.seen += 'x'; }).value();
  timer->arm(10);
  bench_.step_to(10);
  EXPECT_EQ(a_.seen, "x");
  timer->arm(20);
  timer.reset();
  bench_.step_to(20);
  EXPECT_EQ(a_.seen, "x");
}

TEST_F(PartsTest, ATimerDroppedInItsOwnCallback) {
  OwnedPart<Timer> timer;
  timer = make_part<Timer>(a_, "extra", [&] {
            a_.seen += 'x';
            timer.reset();
            a_.seen += 'y';
          }).value();
  timer->arm(10);
  bench_.step_to(10);
  EXPECT_EQ(a_.seen, "xy");
  EXPECT_EQ(a_.find_part("extra"), nullptr);
}

TEST_F(PartsTest, DevicesThatWereNeverRealizedLeaveNothing) {
  const auto before = bench_.services().census();
  {
    auto device = make_device<Probe>(bench_.context(), "c");
    device->timer.arm(10);
    device->bottom_half.schedule();
    device->irq.set(true);
  }
  bench_.services().settle(2);
  run_loop();
  bench_.step_to(20);
  EXPECT_EQ(bench_.services().census(), before);
}

TEST(Ticks, ConvertBothWays) {
  EXPECT_EQ(ticks_at(99, 10'000'000), 0U);
  EXPECT_EQ(ticks_at(100, 10'000'000), 1U);
  EXPECT_EQ(ns_of_tick(1, 10'000'000), 100U);
  EXPECT_EQ(ns_of_tick(1, 3), 333'333'334U);
  EXPECT_EQ(ticks_at(ns_of_tick(1, 3), 3), 1U);
  EXPECT_EQ(ticks_at(ns_of_tick(1, 3) - 1, 3), 0U);
  EXPECT_EQ(ns_of_tick(~std::uint64_t{0}, 10'000'000), VirtualClock::kNever);
}

TEST(HostClock, GoesWithASteppedClock) {
  auto loop = EventLoop::make().value();
  VirtualClock stepped{*loop, VirtualClock::Pace::kStepped};
  const HostClock clock{stepped};
  EXPECT_EQ(clock.now_ns(), 946'684'800'000'000'000U);
  stepped.step_to(5);
  EXPECT_EQ(clock.now_ns(), 946'684'800'000'000'005U);
}

TEST(HostClock, IsTheHostsElse) {
  auto loop = EventLoop::make().value();
  VirtualClock host{*loop, VirtualClock::Pace::kHost};
  const HostClock clock{host};
  EXPECT_GT(clock.now_ns(), 1'700'000'000'000'000'000U);  // 2023
}

}  // namespace
}  // namespace holdfast::hw
