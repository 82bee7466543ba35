// SPDX-License-Identifier: Apache-2.0
// A gate closing against threads that come, wait, or leave.
#include <gtest/gtest.h>

#include <atomic>

#include "holdfast/gate/gate.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::gate {
namespace {

using holdfast::testing::Schedule;
using holdfast::testing::Stop;
using holdfast::testing::Thread;

constexpr Use kUse{"test"};

class ClosingGate : public ::testing::TestWithParam<Locking> {
 protected:
  ClosingGate() { gate_->open(); }
  void close() {
    gate_->close([this] { ++drained_; });
  }
  Realm realm_{"test"};
  Ref<Gate> gate_ = Gate::make(realm_, "device", GetParam());
  std::atomic<int> drained_{0};
  Schedule schedule_;
};
INSTANTIATE_TEST_SUITE_P(Lockings, ClosingGate,
                         ::testing::Values(Locking::kExclusive, Locking::kCounted),
                         [](const auto& locking) {
                           return locking.param == Locking::kExclusive ? "Exclusive" : "Counted";
                         });

TEST_P(ClosingGate, TurnsAwayWhoStandsBeforeIt) {
  Stop& before = schedule_.stop_at("gate.before_enter", "cpu");
  Entry entry{};
  Thread cpu{"cpu", [&] { entry = gate_->try_enter(kUse, Reentry::kRefuse); }};
  before.wait_reached();
  close();
  EXPECT_EQ(drained_, 1);
  before.release();
  cpu.join();
  EXPECT_EQ(entry, Entry::kClosed);
  EXPECT_EQ(drained_, 1);
}

TEST_P(ClosingGate, IsDrainedByTheInsiderThatLeavesAfterTheBitIsSet) {
  Stop& leaving = schedule_.stop_at("gate.before_leave", "cpu");
  Thread cpu{"cpu", [&] { const Pass pass{*gate_, kUse}; }};
  leaving.wait_reached();
  close();
  EXPECT_EQ(drained_, 0);
  EXPECT_FALSE(gate_->is_drained());
  leaving.release();
  cpu.join();
  EXPECT_EQ(drained_, 1);
  EXPECT_TRUE(gate_->is_drained());
}

TEST_P(ClosingGate, IsDrainedByTheCloserIfTheInsiderLeavesBeforeTheBitIsSet) {
  Stop& inside = schedule_.stop_at("gate.before_leave", "cpu");
  Stop& closing = schedule_.stop_at("gate.before_close", "control");
  Thread cpu{"cpu", [&] { const Pass pass{*gate_, kUse}; }};
  inside.wait_reached();
  Thread control{"control", [&] { close(); }};
  closing.wait_reached();
  inside.release();
  cpu.join();
  EXPECT_EQ(drained_, 0);
  closing.release();
  control.join();
  EXPECT_EQ(drained_, 1);
}

TEST_P(ClosingGate, IsDrainedOnceThoughTheInsiderLeavesBeforeTheCloserHasLooked) {
  Stop& inside = schedule_.stop_at("gate.before_leave", "cpu");
  Stop& closed = schedule_.stop_at("gate.closed", "control");
  Thread cpu{"cpu", [&] { const Pass pass{*gate_, kUse}; }};
  inside.wait_reached();
  Thread control{"control", [&] { close(); }};
  closed.wait_reached();
  inside.release();
  cpu.join();
  EXPECT_EQ(drained_, 1);
  closed.release();
  control.join();
  EXPECT_EQ(drained_, 1);
}

TEST_P(ClosingGate, MayBeLetGoByWhoWaitsForItWhileTheLastInsiderIsStillOnItsWayOut) {
  Stop& leaving = schedule_.stop_at("gate.before_leave", "cpu");
  Thread cpu{"cpu", [&] {
               // Not a Pass: nothing but being inside keeps the gate.
               ASSERT_EQ(gate_->try_enter(kUse, Reentry::kRefuse), Entry::kEntered);
               gate_->leave();
             }};
  leaving.wait_reached();
  Thread control{"control", [&] {
                   gate_->close();
                   gate_->wait_drained();
                   gate_ = {};
                   realm_.domain().barrier();
                 }};
  leaving.release();
  control.join();
  cpu.join();
  EXPECT_EQ(realm_.census().take().to_string(), "nothing");
}

class ExclusiveGate : public ::testing::Test {
 protected:
  ExclusiveGate() { gate_->open(); }
  Realm realm_{"test"};
  Ref<Gate> gate_ = Gate::make(realm_, "device");
  Schedule schedule_;
};

TEST_F(ExclusiveGate, TurnsAwayWhoWaitsForItWhenItCloses) {
  Stop& waiting = schedule_.stop_at("gate.waiting", "cpu");
  Entry entry{};
  {
    const Pass pass{*gate_, kUse};
    Thread cpu{"cpu", [&] { entry = gate_->enter(kUse, Reentry::kRefuse); }};
    waiting.wait_reached();
    // The waiter stands on its list with the lock of the list held: the closer comes after it.
    Thread control{"control", [&] { gate_->close(); }};
    waiting.release();
    control.join();
    cpu.join();  // though this thread is still inside
  }
  EXPECT_EQ(entry, Entry::kClosed);
  EXPECT_TRUE(gate_->is_drained());
}

TEST_F(ExclusiveGate, IsHandedOnToWhoWaits) {
  Stop& waiting = schedule_.stop_at("gate.waiting", "cpu");
  Stop& leaving = schedule_.stop_at("gate.before_leave", "other");
  Thread other{"other", [&] { const Pass pass{*gate_, kUse}; }};
  leaving.wait_reached();
  Entry entry{};
  Thread cpu{"cpu", [&] {
               entry = gate_->enter(kUse, Reentry::kRefuse);
               gate_->leave();
             }};
  waiting.wait_reached();
  leaving.release();
  waiting.release();
  cpu.join();
  EXPECT_EQ(entry, Entry::kEntered);
}

}  // namespace
}  // namespace holdfast::gate
