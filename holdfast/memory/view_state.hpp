// SPDX-License-Identifier: Apache-2.0
// The writer's half of a view: what it shows, for whom, and what the commit under way does to it.
//
// LOCK: the fabric's writer lock.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/extent.hpp"
#include "holdfast/memory/flat_tree.hpp"
#include "holdfast/memory/map_node.hpp"
#include "holdfast/memory/view.hpp"

namespace holdfast::memory {

struct ViewState final : View {
  ViewState(Census& census, MapNode& root, RangeFlags inherited)
      : node{&root}, flags{inherited}, counted{census, Census::Kind::kView} {}
  ~ViewState() { delete links_.load(std::memory_order_relaxed); }  // no reader is left

  // The key by which spaces share it.
  MapNode* const node;
  const RangeFlags flags;

  std::uint32_t users = 0;  // spaces, and links into it; at 0 it goes at the end of the commit
  std::vector<SpaceControl*> listening;  // spaces with subscriptions, oldest first

  // Aliases in its root that it shows as links; and who links to it. A view never has both.
  struct Incoming {
    MapNode* alias;
    ViewState* from;
  };
  std::vector<MapNode*> links;
  std::vector<Incoming> incoming;
  std::uint32_t listening_incoming = 0;  // of them from views with subscriptions

  // The commit under way.
  bool listed = false;         // among the views to render
  bool dead = false;
  bool changed = false;        // its tree differs
  bool links_changed = false;  // its set of linked views may differ
  bool notified = false;
  std::vector<Extent> pending;  // windows to render
  FlatTree::Root before;        // if changed: what was published
  FlatTree::Root after;
  FlatTree::Retired dropped;
  std::vector<FlatRange> deletions;  // ascending, and exact: nothing is in both
  std::vector<FlatRange> additions;

  /// What it showed before the commit under way, and what it shows after.
  FlatTree::Root old_root() const { return changed ? before : root(); }
  FlatTree::Root new_root() const { return changed ? after : root(); }

  const Counted counted;
};

}  // namespace holdfast::memory
