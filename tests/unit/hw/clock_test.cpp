// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/clock.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "holdfast/hw/holdback.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::hw {
namespace {

using Pace = VirtualClock::Pace;
constexpr gate::Use kUse{"test"};

class ClockTest : public ::testing::Test {
 protected:
  Ref<TimerControl> timer(char letter) {
    return TimerControl::make(clock_, holdback_, gate_, [this, letter] {
      seen_ += letter;
      times_.push_back(clock_.now_ns());
      EXPECT_TRUE(gate_->entered_by_me());
    });
  }
  void SetUp() override { gate_->open(); }
  void TearDown() override {
    if (!gate_->is_closed()) gate_->close();
  }

  gate::Realm realm_{"test"};
  std::unique_ptr<EventLoop> loop_ = EventLoop::make().value();
  VirtualClock clock_{*loop_, Pace::kStepped};
  Holdback holdback_;
  Ref<gate::Gate> gate_ = gate::Gate::make(realm_, "dev");
  std::string seen_;
  std::vector<std::uint64_t> times_;
};

TEST_F(ClockTest, AStepRunsWhatIsDueInOrderEachAtItsInstant) {
  const auto late = timer('l');
  const auto early = timer('e');
  const auto never = timer('n');
  late->arm(300);
  early->arm(100);
  never->arm(1001);
  clock_.step_to(1000);
  EXPECT_EQ(seen_, "el");
  EXPECT_EQ(times_, (std::vector<std::uint64_t>{100, 300}));
  EXPECT_EQ(clock_.now_ns(), 1000U);
  EXPECT_EQ(clock_.next_deadline_ns(), 1001U);
  never->cancel();
}

TEST_F(ClockTest, TimersOfOneInstantRunInTheOrderOfArming) {
  const auto a = timer('a');
  const auto b = timer('b');
  b->arm(10);
  a->arm(10);
  clock_.step_to(10);
  EXPECT_EQ(seen_, "ba");
}

TEST_F(ClockTest, RearmingReplacesTheDeadline) {
  const auto a = timer('a');
  a->arm(10);
  a->arm(20);
  EXPECT_EQ(a->deadline_ns(), 20U);
  clock_.step_to(15);
  EXPECT_EQ(seen_, "");
  clock_.step_to(20);
  EXPECT_EQ(seen_, "a");
  EXPECT_FALSE(a->armed());
}

TEST_F(ClockTest, ADeadlineThatHasPassedIsDueAtTheNextStep) {
  clock_.step_to(100);
  const auto a = timer('a');
  a->arm(50);
  clock_.step_to(0);
  EXPECT_EQ(seen_, "a");
  EXPECT_EQ(clock_.now_ns(), 100U);
}

TEST_F(ClockTest, AHandlerMayArmItselfAgainWithinTheStep) {
  Ref<TimerControl> self;
  self = TimerControl::make(clock_, holdback_, gate_, [&] {
    times_.push_back(clock_.now_ns());
    self->arm(clock_.now_ns() + 10);
  });
  self->arm(10);
  clock_.step_to(35);
  EXPECT_EQ(times_, (std::vector<std::uint64_t>{10, 20, 30}));
  self->cancel();
}

TEST_F(ClockTest, ATimerThatIsAlwaysDueDoesNotHangTheStep) {
  Ref<TimerControl> self;
  int runs = 0;
  self = TimerControl::make(clock_, holdback_, gate_, [&] {
    ++runs;
    self->arm(clock_.now_ns());
  });
  self->arm(10);
  clock_.step_to(20);
  EXPECT_EQ(clock_.now_ns(), 20U);
  EXPECT_GE(runs, 1000);
  self->cancel();
}

TEST_F(ClockTest, APoppedTimerThatIsCancelledIsDroppedAtTheGate) {
  const auto a = timer('a');
  a->arm(10);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.timer.popped", "main", [&] { a->cancel(); });
    clock_.step_to(10);
  }
  EXPECT_EQ(seen_, "");
}

TEST_F(ClockTest, APoppedTimerThatIsRearmedRunsOnceAtItsNewTime) {
  const auto a = timer('a');
  a->arm(10);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.timer.popped", "main", [&] { a->arm(30); });
    clock_.step_to(20);
  }
  EXPECT_EQ(seen_, "");
  clock_.step_to(30);
  EXPECT_EQ(times_, (std::vector<std::uint64_t>{30}));
}

TEST_F(ClockTest, APoppedTimerThatIsCancelledWhileItWaitsForTheGateIsDropped) {
  const auto a = timer('a');
  a->arm(10);
  std::thread stepper;
  std::latch popped{1};
  testing::Schedule schedule;
  schedule.run_at("hw.timer.popped", "main", [&] { popped.count_down(); });
  {
    gate::Pass inside{*gate_, kUse};
    stepper = std::thread{[&] { clock_.step_to(10); }};
    popped.wait();
    a->cancel();
  }
  stepper.join();
  EXPECT_EQ(seen_, "");
}

TEST_F(ClockTest, ATimerArrivingAsTheGateClosesIsDropped) {
  const auto a = timer('a');
  a->arm(10);
  {
    testing::Schedule schedule;
    schedule.run_at("hw.timer.popped", "main", [&] { gate_->close(); });
    clock_.step_to(10);
  }
  EXPECT_EQ(seen_, "");
  EXPECT_TRUE(gate_->is_drained());
}

TEST_F(ClockTest, NothingIsArmedOnceTheGateIsClosed) {
  const auto a = timer('a');
  gate_->close();
  a->arm(10);
  EXPECT_FALSE(a->armed());
  EXPECT_EQ(clock_.next_deadline_ns(), std::nullopt);
}

TEST_F(ClockTest, WhatWasArmedBeforePublishRunsAfterIt) {
  auto fresh = gate::Gate::make(realm_, "fresh");
  const auto a = TimerControl::make(clock_, holdback_, fresh, [this] { seen_ += 'a'; });
  a->arm(10);
  clock_.step_to(20);
  EXPECT_EQ(seen_, "");
  EXPECT_TRUE(a->armed());
  fresh->open();
  a->opened();
  clock_.step_to(20);
  EXPECT_EQ(seen_, "a");
  fresh->close();
}

TEST_F(ClockTest, ADroppedTimerIsGoneWhenDropReturns) {
  auto counted = gate::Gate::make(realm_, "counted", gate::Locking::kCounted);
  counted->open();
  std::latch inside{1};
  std::latch waited_for{1};
  std::atomic<bool> done{false};
  const auto a = TimerControl::make(clock_, holdback_, counted, [&] {
    inside.count_down();
    waited_for.wait();
    done = true;
  });
  a->arm(10);
  std::thread stepper{[&] { clock_.step_to(10); }};
  inside.wait();
  {
    testing::Schedule schedule;
    schedule.run_at("hw.timer.drop_waits", "main", [&] { waited_for.count_down(); });
    a->drop();
    EXPECT_TRUE(done);
  }
  if (!done) waited_for.count_down();
  stepper.join();
  a->arm(20);
  EXPECT_FALSE(a->armed());
  counted->close();
}

TEST_F(ClockTest, ATimerMayBeDroppedInItsOwnHandler) {
  Ref<TimerControl> self;
  self = TimerControl::make(clock_, holdback_, gate_, [&] {
    seen_ += 'a';
    std::exchange(self, {})->drop();
    seen_ += 'b';
  });
  self->arm(10);
  clock_.step_to(10);
  EXPECT_EQ(seen_, "ab");
}

TEST_F(ClockTest, TheCensusIsAsBefore) {
  const auto before = realm_.census().take();
  {
    const auto a = timer('a');
    a->arm(10);
    EXPECT_EQ(realm_.census().take()[Census::Kind::kTimer], 1);
    a->drop();
  }
  EXPECT_EQ(realm_.census().take(), before);
}

struct CountingFollower final : VirtualClock::Follower {
  void clock_changed() override { ++changes; }
  int changes = 0;
};

TEST_F(ClockTest, FollowersHearOfSteps) {
  CountingFollower follower;
  clock_.follow(follower);
  clock_.step_to(10);
  clock_.step_to(10);
  EXPECT_EQ(follower.changes, 1);
  clock_.unfollow(follower);
  clock_.step_to(20);
  EXPECT_EQ(follower.changes, 1);
}

class HostClockTest : public ClockTest {
 protected:
  VirtualClock host_{*loop_, Pace::kHost};
};

TEST_F(HostClockTest, TimePassesOnlyWhileItRuns) {
  EXPECT_EQ(host_.now_ns(), 0U);
  EXPECT_EQ(host_.host_ns_until(5), std::nullopt);
  host_.start();
  const auto start = EventLoop::now_ns();
  while (EventLoop::now_ns() == start) {
  }
  EXPECT_GT(host_.now_ns(), 0U);
  host_.stop();
  const auto stopped = host_.now_ns();
  const auto later = EventLoop::now_ns();
  while (EventLoop::now_ns() == later) {
  }
  EXPECT_EQ(host_.now_ns(), stopped);
  EXPECT_EQ(host_.host_ns_until(stopped), 0U);
  host_.start();
  EXPECT_GE(host_.now_ns(), stopped);
  EXPECT_GT(host_.host_ns_until(host_.now_ns() + 1'000'000'000).value(), 0U);
  host_.stop();
}

TEST_F(HostClockTest, TheLoopRunsItsTimers) {
  const auto a = TimerControl::make(host_, holdback_, gate_, [&] {
    EXPECT_GE(host_.now_ns(), 1000U);
    loop_->stop();
  });
  host_.start();
  a->arm(1000);
  loop_->run();
  host_.stop();
}

TEST_F(HostClockTest, AStoppedClockRunsNoTimerUntilItGoesOn) {
  const auto a = TimerControl::make(host_, holdback_, gate_, [&] {
    seen_ += 'a';
    loop_->stop();
  });
  a->arm(0);
  loop_->run_ready();
  EXPECT_EQ(seen_, "");
  host_.start();
  loop_->run();
  EXPECT_EQ(seen_, "a");
  host_.stop();
}

TEST_F(HostClockTest, AFarDeadlineOverflowsNothing) {
  const auto a = TimerControl::make(host_, holdback_, gate_, [&] { seen_ += 'a'; });
  host_.start();
  a->arm(VirtualClock::kNever - 1);
  loop_->run_ready();
  EXPECT_EQ(seen_, "");
  a->cancel();
  host_.stop();
}

TEST_F(HostClockTest, TimersArmedAndCancelledByManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> runs{0};
  host_.start();
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      const auto mine = TimerControl::make(host_, holdback_, gate_, [&] { ++runs; });
      for (int i = 0; i < 2000; ++i) {
        mine->arm(host_.now_ns() + static_cast<std::uint64_t>(i % 7) * 100);
        if (i % 3 == 0) mine->cancel();
      }
      mine->drop();
    });
  std::thread loop_thread{[&] { loop_->run(); }};
  for (auto& thread : threads) thread.join();
  loop_->stop();
  loop_thread.join();
  host_.stop();
  EXPECT_EQ(host_.next_deadline_ns(), std::nullopt);
}

}  // namespace
}  // namespace holdfast::hw
