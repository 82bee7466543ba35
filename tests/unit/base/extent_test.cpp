// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/extent.hpp"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Extent, OfSizeRefusesEmptyAndTooLong) {
  EXPECT_FALSE(Extent::of_size(0, 0));
  EXPECT_FALSE(Extent::of_size(kAddressMax, 2));
  EXPECT_EQ(Extent::of_size(kAddressMax, 1), (Extent{kAddressMax, kAddressMax}));
  EXPECT_EQ(Extent::of_size(1, kAddressMax), (Extent{1, kAddressMax}));
}

TEST(Extent, ShiftUpDropsWhatLeavesAndClampsTheLast) {
  EXPECT_EQ(shift_up({0, kAddressMax}, 16), (Extent{16, kAddressMax}));
  EXPECT_FALSE(shift_up({kAddressMax - 1, kAddressMax}, 2));
}

TEST(Extent, ShiftDownDropsWhatLeavesAndClampsTheFirst) {
  EXPECT_EQ(shift_down({0, 100}, 16), (Extent{0, 84}));
  EXPECT_FALSE(shift_down({0, 15}, 16));
}

TEST(Extent, IntersectOfNeighboursIsNothing) {
  EXPECT_FALSE(intersect({0, 9}, {10, 19}));
  EXPECT_EQ(intersect({0, 10}, {10, 19}), (Extent{10, 10}));
}

}  // namespace
}  // namespace holdfast
