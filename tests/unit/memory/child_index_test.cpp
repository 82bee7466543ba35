// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/child_index.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace holdfast::memory {
namespace {

RegionControl* child(std::uintptr_t n) { return reinterpret_cast<RegionControl*>(n); }

template <unsigned Fanout>
std::vector<std::uintptr_t> meeting(const BasicChildIndex<Fanout>& index, Extent extent) {
  std::vector<std::uintptr_t> met;
  index.meeting(extent, [&](const auto& entry) {
    met.push_back(reinterpret_cast<std::uintptr_t>(entry.child));
  });
  return met;
}

TEST(ChildIndex, AnEmptyOneMeetsNothing) {
  NodePool pool{ChildIndex::kNodeBytes};
  ChildIndex index{pool};
  EXPECT_TRUE(index.empty());
  EXPECT_TRUE(meeting(index, Extent::everything()).empty());
  EXPECT_FALSE(index.erase(0, child(1)));
}

TEST(ChildIndex, FindsWhatOverlapsInAscendingOrder) {
  NodePool pool{ChildIndex::kNodeBytes};
  ChildIndex index{pool};
  index.insert({0x3000, 0x3fff}, child(3));
  index.insert({0, kAddressMax}, child(1));
  index.insert({0x1000, 0x2fff}, child(2));
  index.insert({kAddressMax, kAddressMax}, child(4));
  using List = std::vector<std::uintptr_t>;
  EXPECT_EQ(meeting(index, Extent::everything()), (List{1, 2, 3, 4}));
  EXPECT_EQ(meeting(index, {0x2fff, 0x3000}), (List{1, 2, 3}));
  EXPECT_EQ(meeting(index, {0x4000, 0x4000}), (List{1}));
  EXPECT_EQ(meeting(index, {kAddressMax, kAddressMax}), (List{1, 4}));
}

TEST(ChildIndex, ManyAtOneOffsetAreEachFoundAgain) {
  NodePool pool{BasicChildIndex<4>::kNodeBytes};
  BasicChildIndex<4> index{pool};
  index.insert({0, 1}, child(1000));
  for (std::uintptr_t i = 1; i <= 100; ++i) index.insert({8, 8 + i}, child(i));
  index.insert({16, 17}, child(1001));
  for (std::uintptr_t i = 1; i <= 100; ++i) {
    EXPECT_FALSE(index.erase(9, child(i)));
    EXPECT_TRUE(index.erase(8, child(i)));
    EXPECT_FALSE(index.erase(8, child(i)));
    EXPECT_TRUE(index.check().has_value());
  }
  EXPECT_EQ(index.size(), 2U);
}

TEST(ChildIndex, TheLongestChildGoesAndIsMetNoMore) {
  NodePool pool{BasicChildIndex<4>::kNodeBytes};
  BasicChildIndex<4> index{pool};
  for (std::uintptr_t i = 0; i < 64; ++i) index.insert({16 * i, 16 * i + 7}, child(i + 1));
  index.insert({40, kAddressMax}, child(99));
  EXPECT_EQ(meeting(index, {5000, 6000}), std::vector<std::uintptr_t>{99});
  EXPECT_TRUE(index.erase(40, child(99)));
  EXPECT_TRUE(meeting(index, {5000, 6000}).empty());
  EXPECT_TRUE(index.check().has_value());
}

TEST(ChildIndex, ItsEndGivesItsNodesBack) {
  NodePool pool{ChildIndex::kNodeBytes};
  {
    ChildIndex index{pool};
    for (std::uintptr_t i = 0; i < 5000; ++i) index.insert({i, i}, child(i + 1));
    EXPECT_LE(pool.bytes_in_use(), 5000U * 43);
  }
  EXPECT_EQ(pool.in_use(), 0);
}

}  // namespace
}  // namespace holdfast::memory
