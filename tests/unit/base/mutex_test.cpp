// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/mutex.hpp"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Mutex, AscendingRanksAreAllowedAndCounted) {
  Mutex outer{LockRank::kWriter, "outer"};
  Mutex inner{LockRank::kLeaf, "inner"};
  LockGuard a{outer};
  LockGuard b{inner};
  EXPECT_EQ(lock_order::held_count(), 2);
  EXPECT_STREQ(lock_order::innermost(), "inner");
}

void lock_in_the_wrong_order() {
  Mutex outer{LockRank::kWriter, "outer"};
  Mutex inner{LockRank::kLeaf, "inner"};
  LockGuard a{inner};
  LockGuard b{outer};
}

TEST(MutexDeathTest, DescendingRanksEndTheProcessWithBothNames) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(lock_in_the_wrong_order(), "'outer' is wanted while 'inner' is held");
}

}  // namespace
}  // namespace holdfast
