// SPDX-License-Identifier: Apache-2.0
#include "holdfast/gate/gate.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

namespace holdfast::gate {
namespace {

constexpr Use kUse{"test"};

class GateTest : public ::testing::Test {
 protected:
  Ref<Gate> open_gate(const char* name, Locking locking = Locking::kExclusive) {
    auto gate = Gate::make(realm_, name, locking);
    gate->open();
    return gate;
  }
  Realm realm_{"test"};
};

TEST_F(GateTest, AFreshGateLetsOnlyControlIn) {
  auto gate = Gate::make(realm_, "dev");
  EXPECT_EQ(gate->enter(kUse, Reentry::kRefuse), Entry::kNotOpen);
  EXPECT_TRUE(Pass(*gate, kUse, Reentry::kRefuse, Visitor::kControl));
  gate->open();
  EXPECT_TRUE(Pass(*gate, kUse));
}

TEST_F(GateTest, AClosedGateLetsNobodyInAndIsDrainedAtOnceIfEmpty) {
  auto gate = open_gate("dev");
  int drained = 0;
  gate->close([&] { ++drained; });
  EXPECT_EQ(drained, 1);
  EXPECT_TRUE(gate->is_drained());
  EXPECT_EQ(gate->enter(kUse, Reentry::kRefuse), Entry::kClosed);
  EXPECT_EQ(gate->enter(kUse, Reentry::kRefuse, Visitor::kControl), Entry::kClosed);
}

TEST_F(GateTest, TheLastInsiderDrains) {
  for (const Locking locking : {Locking::kExclusive, Locking::kCounted}) {
    auto gate = open_gate("dev", locking);
    int drained = 0;
    {
      Pass inside{*gate, kUse};
      ASSERT_TRUE(inside);
      EXPECT_EQ(gate->insider(), &kUse);
      gate->close([&] { ++drained; });
      EXPECT_EQ(drained, 0);
      EXPECT_FALSE(gate->is_drained());
    }
    EXPECT_EQ(drained, 1);
    EXPECT_TRUE(gate->is_drained());
  }
}

TEST_F(GateTest, ReentryIsRefusedUnlessAllowed) {
  auto gate = open_gate("dev");
  Pass inside{*gate, kUse};
  EXPECT_EQ(gate->enter(kUse, Reentry::kRefuse), Entry::kReentry);
  {
    Pass again{*gate, kUse, Reentry::kAllow};
    EXPECT_TRUE(again);
  }
  EXPECT_TRUE(gate->entered_by_me());
}

TEST_F(GateTest, AnExclusiveGateMakesTheSecondThreadWait) {
  auto gate = open_gate("dev");
  int value = 0;
  std::latch inside{1};
  std::thread other;
  {
    Pass pass{*gate, kUse};
    other = std::thread{[&] {
      inside.count_down();
      Pass mine{*gate, kUse};
      EXPECT_TRUE(mine);
      EXPECT_EQ(value, 1);
    }};
    inside.wait();
    EXPECT_EQ(gate->try_enter(kUse, Reentry::kRefuse), Entry::kReentry);
    value = 1;
  }
  other.join();
}

TEST_F(GateTest, AThreadThatWaitsAtAGateThatClosesIsTurnedAway) {
  auto gate = open_gate("dev");
  std::latch started{1};
  std::thread other;
  {
    Pass pass{*gate, kUse};
    other = std::thread{[&] {
      started.count_down();
      EXPECT_EQ(gate->enter(kUse, Reentry::kRefuse), Entry::kClosed);
    }};
    started.wait();
    gate->close();
  }
  other.join();
}

// Each thread holds one gate and wants the other's: the second to ask is refused.
TEST_F(GateTest, AWaitThatWouldCloseACircleIsRefused) {
  auto a = open_gate("a");
  auto b = open_gate("b");
  std::latch both{2};
  std::atomic<int> refused{0};
  const auto hold_and_want = [&](Gate& mine, Gate& others) {
    Pass holding{mine, kUse};
    both.arrive_and_wait();
    const Entry entry = others.enter(kUse, Reentry::kRefuse);
    if (entry == Entry::kEntered)
      others.leave();
    else
      ++refused;
    EXPECT_TRUE(entry == Entry::kEntered || entry == Entry::kCircle);
  };
  std::thread one{[&] { hold_and_want(*a, *b); }};
  std::thread two{[&] { hold_and_want(*b, *a); }};
  one.join();
  two.join();
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(realm_.circles_refused(), 1U);
}

TEST_F(GateTest, ReferencesKeepTheControlBlockAndNothingElse) {
  const auto before = realm_.census().take();
  {
    auto gate = open_gate("dev");
    EXPECT_EQ(realm_.census().take()[Census::Kind::kGate], 1);
  }
  realm_.domain().barrier();
  EXPECT_EQ(realm_.census().take(), before);
}

#ifdef HOLDFAST_DEBUG
TEST_F(GateTest, WaitingInsideAGateEndsTheProcessWithTheDevicesName) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto gate = open_gate("uart0");
  Pass pass{*gate, kUse};
  EXPECT_DEATH(realm_.domain().synchronize(), "uart0");
}
#endif

}  // namespace
}  // namespace holdfast::gate
