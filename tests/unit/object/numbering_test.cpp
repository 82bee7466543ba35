// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/numbering.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace holdfast::object {
namespace {

TEST(Numbering, FillsTheLowestHoleFirst) {
  Numbering n;
  for (std::uint32_t i : {0U, 1U, 2U, 5U}) n.add(i);
  EXPECT_EQ(n.lowest_free(), 3U);
  n.remove(1);
  EXPECT_EQ(n.lowest_free(), 1U);
  n.add(1);
  n.add(3);
  n.add(4);
  EXPECT_EQ(n.lowest_free(), 6U);
}

TEST(Numbering, TakesTheHighestNumber) {
  Numbering n;
  n.add(0xffff'ffff);
  n.add(0xffff'fffe);
  EXPECT_EQ(n.lowest_free(), 0U);
  n.remove(0xffff'ffff);
  n.remove(0xffff'fffe);
  EXPECT_TRUE(n.empty());
}

TEST(Numbering, AgreesWithASetUnderRandomEdits) {
  std::mt19937 random{20240501};
  Numbering n;
  std::set<std::uint32_t> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t value = random() % 64;
    if (model.erase(value) != 0) {
      n.remove(value);
    } else {
      model.insert(value);
      n.add(value);
    }
    std::uint32_t lowest = 0;
    while (model.contains(lowest)) ++lowest;
    ASSERT_EQ(n.lowest_free(), lowest);
    ASSERT_EQ(n.empty(), model.empty());
  }
}

}  // namespace
}  // namespace holdfast::object
