// SPDX-License-Identifier: Apache-2.0
// A region's place in the map: where it lies, what lies in it, what shows it. Part of its control
// block; every edge is a plain pointer, severed at both ends before either control block goes.
//
// LOCK: all of it is guarded by the fabric's writer lock.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/memory/fanout.hpp"
#include "holdfast/memory/flat_range.hpp"
#include "holdfast/memory/region_kind.hpp"

namespace holdfast::memory {

template <unsigned Fanout>
class BasicChildIndex;
class RegionControl;
class SpaceControl;
struct MapNode;
struct ViewState;

/// An alias shown as a link range: `from` continues in `to`.
struct Link {
  ViewState* from;
  ViewState* to;
  friend bool operator==(const Link&, const Link&) = default;
};

/// That a space's root was resolved through this node; an element of the node's list.
struct PathStep {
  SpaceControl* space = nullptr;
  MapNode* node = nullptr;
  PathStep* next = nullptr;
  PathStep** link = nullptr;  // what points at this step
};

/// What few regions have: somebody who shows them from outside their container.
struct Watchers {
  std::vector<MapNode*> aliases;         // onto this region; an edit climbs through them
  std::vector<MapNode*> linked_aliases;  // onto it, too, but seen only through links: no climbing
  std::vector<ViewState*> views;         // rooted here
  std::vector<Link> links;               // an alias: the views that show it as a link
  PathStep* spaces = nullptr;            // whose root leads through here
  std::uint32_t link_candidates = 0;     // children that are aliases of containers
};

struct MapNode {
  MapNode(RegionKind what, std::uint64_t last_address, RangeFlags own_flags);
  ~MapNode();
  MapNode(const MapNode&) = delete;
  MapNode& operator=(const MapNode&) = delete;

  RegionControl& control();
  const RegionControl& control() const;

  Watchers& watch() {
    if (!watchers) watchers = std::make_unique<Watchers>();
    return *watchers;
  }
  Extent whole() const { return {0, last}; }
  /// In its container; the last address is clamped to the end of the space.
  Extent placed() const {
    return {offset, last > kAddressMax - offset ? kAddressMax : offset + last};
  }
  /// Whether it shows where both do.
  bool outranks(const MapNode& other) const {
    return priority != other.priority ? priority > other.priority : sequence > other.sequence;
  }
  bool is_alias() const { return kind == RegionKind::kAlias; }
  bool is_link_candidate() const {
    return is_alias() && target != nullptr && target->kind == RegionKind::kContainer;
  }

  std::uint64_t last;  // size - 1
  const RegionKind kind;
  bool enabled = true;
  bool severed = false;       // out of the map for good
  bool linked_only = false;   // an alias: which of its target's lists it is in
  bool links_noted = false;   // an alias: in the commit's list of links to look at
  RangeFlags flags;           // OR-ed into what shows through it
  std::int32_t priority = 0;
  MapNode* parent = nullptr;
  std::uint64_t offset = 0;    // in the parent
  std::uint64_t sequence = 0;  // among equal priorities the highest shows
  std::unique_ptr<BasicChildIndex<kMapFanout>> children;
  std::unique_ptr<Watchers> watchers;
  MapNode* target = nullptr;  // an alias
  std::uint64_t target_offset = 0;
  std::uint32_t alias_index = 0;  // in its target's list
  std::uint32_t visit = 0;        // the last walk that came by
};

}  // namespace holdfast::memory
