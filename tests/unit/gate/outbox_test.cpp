// SPDX-License-Identifier: Apache-2.0
#include "holdfast/gate/outbox.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "holdfast/gate/gate.hpp"

namespace holdfast::gate {
namespace {

constexpr Use kOutboxUse{"test"};

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() { gate_->open(); }
  Outbox& outbox() { return Activity::current().outbox(); }
  void note(int what, Outbox::Kind kind = Outbox::Kind::kOther) {
    outbox().post(kind, [this, what] { done_.push_back(what); });
  }
  Realm realm_{"test"};
  Ref<Gate> gate_ = Gate::make(realm_, "dev");
  std::vector<int> done_;
};

TEST_F(OutboxTest, OutsideOfAllGatesAnActionIsPerformedAtOnce) {
  note(1);
  EXPECT_EQ(done_, (std::vector{1}));
}

TEST_F(OutboxTest, InsideItWaitsUntilTheOutermostGateIsLeftAndKeepsItsOrder) {
  auto inner = Gate::make(realm_, "inner");
  inner->open();
  {
    Pass outer_pass{*gate_, kOutboxUse};
    note(1);
    {
      Pass inner_pass{*inner, kOutboxUse};
      note(2);
    }
    EXPECT_TRUE(done_.empty());
    note(3);
  }
  EXPECT_EQ(done_, (std::vector{1, 2, 3}));
}

TEST_F(OutboxTest, WhatAnActionCausesIsPerformedBeforeTheFlushEnds) {
  {
    Pass pass{*gate_, kOutboxUse};
    outbox().post(Outbox::Kind::kOther, [this] {
      done_.push_back(1);
      note(2);
      done_.push_back(3);
    });
  }
  EXPECT_EQ(done_, (std::vector{1, 3, 2}));
  EXPECT_TRUE(outbox().empty());
}

TEST_F(OutboxTest, ActionsInheritTheGatesOfTheirMakerAlsoThroughAChain) {
  std::vector<bool> inside;
  {
    Pass pass{*gate_, kOutboxUse};
    outbox().post(Outbox::Kind::kOther, [&] {
      inside.push_back(Activity::current().inside(*gate_));
      outbox().post(Outbox::Kind::kOther,
                    [&] { inside.push_back(Activity::current().inside(*gate_)); });
    });
  }
  EXPECT_EQ(inside, (std::vector{true, true}));
  EXPECT_FALSE(Activity::current().inside(*gate_));
}

TEST_F(OutboxTest, PostedWritesCanBePerformedInsideAndTheRestStays) {
  {
    Pass pass{*gate_, kOutboxUse};
    note(1);
    note(2, Outbox::Kind::kPostedWrite);
    EXPECT_TRUE(outbox().has_posted_writes());
    outbox().perform_posted_writes();
    EXPECT_EQ(done_, (std::vector{2}));
    EXPECT_FALSE(outbox().has_posted_writes());
  }
  EXPECT_EQ(done_, (std::vector{2, 1}));
}

TEST_F(OutboxTest, ADeferralHoldsItBackUntilTheLastOneEnds) {
  {
    Outbox::Deferral outer{outbox()};
    {
      Outbox::Deferral inner{outbox()};
      note(1);
    }
    EXPECT_TRUE(done_.empty());
  }
  EXPECT_EQ(done_, (std::vector{1}));
}

}  // namespace
}  // namespace holdfast::gate
