// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/patience.hpp"

#include <gtest/gtest.h>

namespace holdfast::block {
namespace {

using namespace std::chrono_literals;

class PatienceTest : public ::testing::Test {
 protected:
  /// How often it looks, in vain.
  unsigned looks() {
    unsigned looks = 0;
    EXPECT_FALSE(patience_.look_out([&] {
      ++looks;
      return false;
    }));
    return looks;
  }
  /// Short sleeps until it looks out.
  unsigned rests() {
    for (unsigned rests = 0;; ++rests) {
      if (looks() > 1) return rests;
      patience_.slept(1us);
    }
  }
  /// Whether it looks out, and finds something.
  bool finds() {
    unsigned looks = 0;
    return patience_.look_out([&] { return ++looks == 3; });
  }

  Patience patience_;
};

TEST_F(PatienceTest, OnlyAfterAShortSleep) {
  EXPECT_EQ(looks(), 1U);
  patience_.slept(1s);
  EXPECT_EQ(looks(), 1U);
  patience_.slept(1us);
  EXPECT_GT(looks(), 1U);
}

TEST_F(PatienceTest, WearsOutWithoutSuccess) {
  EXPECT_EQ(rests(), 1U);
  EXPECT_EQ(rests(), 1U);
  EXPECT_EQ(rests(), 3U);
  EXPECT_EQ(rests(), 7U);
  for (int i = 0; i < 10; ++i) rests();
  EXPECT_EQ(rests(), 63U) << "and is never gone";
}

TEST_F(PatienceTest, LastsWhileItPays) {
  EXPECT_FALSE(finds());
  patience_.slept(1us);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(finds());
  EXPECT_GT(looks(), 1U);
  EXPECT_EQ(rests(), 1U);
}

TEST_F(PatienceTest, WhatIsThereIsSeenAtOnce) {
  EXPECT_TRUE(patience_.look_out([] { return true; }));
  EXPECT_EQ(rests(), 1U) << "and has not cost any";
}

}  // namespace
}  // namespace holdfast::block
