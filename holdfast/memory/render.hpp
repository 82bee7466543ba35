// SPDX-License-Identifier: Apache-2.0
// Renders a window of a view: what each address shows, as disjoint ranges in ascending order.
//
// One contract for everything in here: a function appends to the end of `out_` what its region shows
// in the extent, ascending and disjoint, with holes where it shows nothing. Where children overlap,
// each is rendered on its own and the results are merged by rank, so nothing is ever written into
// the gaps of what somebody else wrote.
//
// LOCK: the fabric's writer lock. Keeps its scratch space between calls.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/memory/flat_range.hpp"
#include "holdfast/memory/map_node.hpp"
#include "holdfast/memory/map_tuning.hpp"

namespace holdfast::memory {

class Renderer {
 public:
  explicit Renderer(const MapTuning& tuning) : tuning_{tuning} {}

  /// What the view shows in the window. Valid until the next call.
  std::span<const FlatRange> render(const ViewState& view, Extent window);

 private:
  /// Where a region is rendered: view address = local address + delta, modulo 2^64.
  struct Place {
    std::uint64_t delta;
    RangeFlags inherited;
    const ViewState* linking;  // the view, while its root's own children are rendered
  };
  struct Child {
    Extent extent;  // in the container, clipped to the window
    MapNode* node = nullptr;
  };
  /// What one child of a cluster shows: out_[from, to).
  struct Run {
    std::size_t from;
    std::size_t to;
    const MapNode* node;  // for its rank
  };
  /// A piece of a run that is waiting for its turn.
  struct Start {
    std::uint64_t first;
    std::size_t piece;  // in out_
    const MapNode* node;
  };

  void node(MapNode& node, Extent local, Place place);
  void leaf(MapNode& node, Extent local, Place place);
  void alias(MapNode& node, Extent local, Place place);
  void children(MapNode& node, Extent local, Place place);
  void child(Child child, Place place);
  bool link(MapNode& alias, Extent local, Place place);
  void cluster(std::size_t from, std::size_t to, Place place);
  std::size_t prune(std::size_t from, std::size_t to);
  void merge(std::size_t first_run);
  void merge_into_result();
  void fill_gaps(std::size_t from, MapNode& node, Extent local, Place place);

  const MapTuning& tuning_;  // the map's
  std::vector<FlatRange> out_;
  std::vector<Child> children_;  // a stack: each call takes its part from the end
  std::vector<Run> runs_;        // the same
  std::vector<Start> starts_;
  std::vector<Start> heap_;
  std::vector<FlatRange> result_;
};

}  // namespace holdfast::memory
