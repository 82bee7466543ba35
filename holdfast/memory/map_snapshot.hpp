// SPDX-License-Identifier: Apache-2.0
// The map as it was at one moment, in values: what is in what, what shows what, what each address
// space sees. For people and tools; nothing in it refers to the map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/memory/flat_range.hpp"
#include "holdfast/memory/region_kind.hpp"

namespace holdfast::memory {

struct MapSnapshot {
  using Index = std::size_t;  // in `regions` or `views`

  struct Region {
    std::string name;
    RegionKind kind{};
    std::uint64_t last = 0;  // size - 1
    bool enabled = true;
    RangeFlags flags = RangeFlags::kNone;  // its own
    std::int32_t priority = 0;
    std::uint64_t offset = 0;       // in its container
    std::vector<Index> children{};  // by offset; of several at one place the one that shows comes first
    std::optional<Index> target{};  // an alias: of what
    std::uint64_t target_offset = 0;
    std::string owner{};  // the path of its device; "" if it has none
  };
  struct Range {
    Extent extent;
    Index region{};
    std::uint64_t offset{};  // of extent.first in the region
    RangeFlags flags{};
  };
  struct View {
    Index root;  // what was rendered
    std::vector<Range> ranges{};  // links followed
    // The tree that readers search.
    std::size_t leaves = 0;
    std::size_t inners = 0;
    std::size_t bytes = 0;
  };
  struct Space {
    std::string name;
    std::optional<Index> root{};
    std::optional<Index> view{};  // none: it sees nothing
  };

  std::vector<Region> regions;
  std::vector<View> views;
  std::vector<Space> spaces;  // as they were asked for
};

}  // namespace holdfast::memory
