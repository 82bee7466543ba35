// SPDX-License-Identifier: Apache-2.0
// The course of a program: make, populate, edit and check, take down.
#include <gtest/gtest.h>

#include "tests/property/memory/map_program.hpp"

namespace holdfast::memory::test {

void MapProgram::run() {
  large_ = random_.one_in(200);
  const std::size_t regions = large_ ? 80 + random_.below(300) : 4 + random_.below(24);
  const int steps = large_ ? 12 : 4 + random_.index(8);
  for (std::size_t i = 0; i < regions; ++i) make_region();
  if (random_.one_in(3)) make_overlays();
  const std::size_t spaces = 1 + random_.below(large_ ? 5 : 3);
  for (std::size_t i = 0; i < spaces; ++i) make_viewer();
  check();
  populate();
  check();
  for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
    step();
    check();
  }
  report();
  tear_down();
}

MapTuning MapProgram::some_tuning() {
  if (random_.one_in(3)) return {};
  return {.links = !random_.one_in(4),
          .link_children = 1 + random_.below(3),
          .many_windows = 1 + random_.below(3),
          .windows_per_leaf = 1 + random_.below(3),
          .prune_from = 1 + random_.below(3)};
}

void MapProgram::report() {
  statistics_.regions.count(regions_.size());
  statistics_.spaces.count(viewers_.size());
  for (const auto& viewer : viewers_) {
    if (viewer->root == kNone) continue;
    statistics_.depths.count(static_cast<std::size_t>(model_.depth(viewer->root)));
    statistics_.ranges.count(viewer->flat.size());
  }
}

void MapProgram::tear_down() {
  const bool spaces_first = random_.one_in(2);
  if (spaces_first) viewers_.clear();
  while (!regions_.empty()) {
    std::swap(regions_[random_.below(regions_.size())], regions_.back());
    regions_.pop_back();
  }
  for (const auto& viewer : viewers_) {
    EXPECT_TRUE(viewer->space->view().root().empty());
    EXPECT_TRUE(viewer->shadow.sections().empty());
  }
  viewers_.clear();
  EXPECT_EQ(fabric_.footprint().views, 0U);
}

}  // namespace holdfast::memory::test
