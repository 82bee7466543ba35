// SPDX-License-Identifier: Apache-2.0
// A timer that the clock has popped and that is cancelled, set anew or made void before it runs.
#include <gtest/gtest.h>

#include <vector>

#include "holdfast/hw/listening.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;

class TimerRace : public ::testing::Test {
 protected:
  void SetUp() override {
    plug_probe(machine, "it", kHole, {.on_timer = [&](Probe& self) {
      runs.push_back(self.timer.now_ns());
    }});
    it = &probe(machine, "it");
    machine.write32(kHole + Probe::kArm, 10);
  }
  template <class Action>
  void at(const char* point, Action action) {
    Schedule schedule;
    Stop& there = schedule.stop_at(point, "clock");
    Thread clock{"clock", [&] { machine->clock().step_to(10); }};
    there.wait_reached();
    action();
    there.release();
  }

  TestMachine machine;
  Probe* it = nullptr;
  std::vector<std::uint64_t> runs;
};

TEST_F(TimerRace, CancelledWhenItIsPopped) {
  at("hw.timer.popped", [&] { it->timer.cancel(); });
  EXPECT_TRUE(runs.empty());
  EXPECT_FALSE(it->timer.armed());
}

TEST_F(TimerRace, CancelledWhenItIsInTheGateButHasNotLooked) {
  at("hw.timer.inside", [&] { it->timer.cancel(); });
  EXPECT_TRUE(runs.empty());
}

TEST_F(TimerRace, SetAnewWhenItIsPoppedRunsOnceAndThen) {
  at("hw.timer.popped", [&] { it->timer.arm(20); });
  EXPECT_TRUE(runs.empty());
  machine->clock().step_to(30);
  EXPECT_EQ(runs, std::vector<std::uint64_t>{20});
}

TEST_F(TimerRace, SetAnewToTheSameInstantWhenItIsPoppedRunsOnce) {
  at("hw.timer.popped", [&] { it->timer.arm(10); });
  machine->clock().step_to(30);
  EXPECT_EQ(runs, std::vector<std::uint64_t>{10});
}

TEST_F(TimerRace, ResetWhenItIsPopped) {
  at("hw.timer.popped", [&] { machine->reset(); });
  EXPECT_TRUE(runs.empty());
}

TEST_F(TimerRace, SetByItsDeviceWhileItWaitsForTheGate) {
  at("gate.before_enter", [&] { machine.write32(kHole + Probe::kArm, 15); });
  machine->clock().step_to(30);
  EXPECT_EQ(runs, std::vector<std::uint64_t>{15});
}

/// Sets its timer in a listener's call, which comes after the map is in force and before the timer is
/// told of it.
class EarlyBird final : public hw::Device, private memory::LayoutListener {
 public:
  static constexpr object::Type kType{
      .name = "test-early-bird", .parent = &hw::Device::kType, .docs = "Sets a timer early."};
  struct Config {
    std::function<void()> meanwhile;
    int* runs;
  };
  EarlyBird(const hw::DeviceInit& init, Config config) : Device{init}, config_{std::move(config)} {
    regs_.add(0, inner_);
    space_.set_root(regs_);
  }

 private:
  void region_del(const memory::Section&) override {}
  void region_add(const memory::Section&) override {
    if (std::exchange(done_, true)) return;
    timer_.arm(10);
    config_.meanwhile();
  }
  void expired() { ++*config_.runs; }

  const Config config_;
  bool done_ = false;
  hw::Container regs_{*this, "regs", kRegsSize};
  hw::Space space_{*this, "space"};
  hw::Reservation inner_{*this, "inner", 0x100};
  hw::Listening<memory::LayoutListener> listening_{
      *this, "listening", space_, static_cast<memory::LayoutListener&>(*this)};
  hw::Timer timer_{*this, "timer", &EarlyBird::expired};
};

TEST_F(TimerRace, PoppedBeforeItsDeviceIsQuitePublished) {
  const auto before = machine.census();
  int early = 0;
  {
    Schedule schedule;
    Stop& popped = schedule.stop_at("hw.timer.popped", "clock", 1);  // the first is of "it"
    std::optional<Thread> clock;
    ASSERT_TRUE(machine->plug<EarlyBird>("bird", kHole + 0x1000, EarlyBird::Config{
        .meanwhile = [&] {
          clock.emplace("clock", [&] { machine->clock().step_to(10); });
          popped.wait_reached();
        },
        .runs = &early}));
    popped.release();
    clock->join();
  }
  machine->clock().step_to(20);
  EXPECT_EQ(early, 1);
  EXPECT_TRUE(machine->unplug("bird")->wait());
  machine->clock().step_to(30);
  EXPECT_EQ(machine.census(), before);
}

/// Due from its first reset on.
class Impatient final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-impatient", .parent = &hw::Device::kType, .docs = "Sets a timer in reset."};
  struct Config {
    int* runs;
  };
  Impatient(const hw::DeviceInit& init, Config config) : Device{init}, runs_{config.runs} {}

 private:
  void on_reset(hw::ResetPhase phase) override {
    if (phase == hw::ResetPhase::kExit) timer_.arm(0);
  }
  void expired() { ++*runs_; }

  int* const runs_;
  hw::Reservation regs_{*this, "regs", kRegsSize};
  hw::Timer timer_{*this, "timer", &Impatient::expired};
};

TEST_F(TimerRace, SetByTheFirstResetWaitsUntilTheDeviceIsPublished) {
  int early = 0;
  {
    Schedule schedule;
    schedule.run_at("memory.commit.before_publish", "main", [&] {
      Thread{"clock", [&] { machine->clock().step_to(5); }}.join();
      EXPECT_EQ(early, 0) << "nobody comes in before publish";
    });
    ASSERT_TRUE(machine->plug<Impatient>("it too", kHole + 0x1000, Impatient::Config{&early}));
  }
  machine->clock().step_to(5);
  EXPECT_EQ(early, 1);
}

}  // namespace
}  // namespace holdfast::test
