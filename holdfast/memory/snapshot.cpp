// SPDX-License-Identifier: Apache-2.0
// Copies of the map for those who want to look at it.
#include <algorithm>
#include <map>

#include "holdfast/memory/fabric_write.hpp"
#include "holdfast/memory/map.hpp"
#include "holdfast/memory/map_snapshot.hpp"

namespace holdfast::memory {
namespace {

using Index = MapSnapshot::Index;

/// Everything that is below some regions or shown by them, each once.
class Regions {
 public:
  explicit Regions(std::vector<MapSnapshot::Region>& out) : out_{out} {}

  Index index_of(const MapNode& node) {
    const auto [at, is_new] = indexes_.try_emplace(&node, nodes_.size());
    if (is_new) nodes_.push_back(&node);
    return at->second;
  }
  /// Until nothing new turns up. Not by recursion: nesting is as deep as somebody made it.
  void copy_all() {
    for (; out_.size() < nodes_.size();) out_.push_back(copy(*nodes_[out_.size()]));
  }

 private:
  MapSnapshot::Region copy(const MapNode& node) {
    const RegionControl& control = node.control();
    MapSnapshot::Region region{.name = control.name(),
                               .kind = node.kind,
                               .last = node.last,
                               .enabled = node.enabled,
                               .flags = node.flags,
                               .priority = node.priority,
                               .offset = node.offset,
                               .target_offset = node.target_offset};
    if (control.has_gate() && !control.has_own_gate()) region.owner = control.gate().name();
    if (node.target != nullptr) region.target = index_of(*node.target);
    if (!node.children) return region;
    std::vector<const MapNode*> children;
    node.children->meeting(Extent::everything(), [&](const ChildIndex::Entry& entry) {
      children.push_back(&entry.child->node());
    });
    std::ranges::sort(children, [](const MapNode* a, const MapNode* b) {
      return a->offset != b->offset ? a->offset < b->offset : a->outranks(*b);
    });
    for (const MapNode* child : children) region.children.push_back(index_of(*child));
    return region;
  }

  std::vector<MapSnapshot::Region>& out_;
  std::vector<const MapNode*> nodes_;
  std::map<const MapNode*, Index> indexes_;
};

}  // namespace

MapSnapshot Map::snapshot(std::span<const Ref<SpaceControl>> spaces) const {
  MapSnapshot all;
  Regions regions{all.regions};
  std::map<const ViewState*, Index> views;
  const auto view_index = [&](const ViewState& state) {
    const auto [at, is_new] = views.try_emplace(&state, all.views.size());
    if (!is_new) return at->second;
    MapSnapshot::View view{.root = regions.index_of(*state.node)};
    const auto footprint = FlatTree::footprint(state.root());
    view.leaves = footprint.leaves;
    view.inners = footprint.inners;
    view.bytes = footprint.bytes;
    for (const Section& section : contents(&state).additions)
      view.ranges.push_back({.extent = section.extent,
                             .region = regions.index_of(section.region->node()),
                             .offset = section.offset,
                             .flags = section.flags});
    all.views.push_back(std::move(view));
    return at->second;
  };
  for (const auto& space : spaces) {
    MapSnapshot::Space copy{.name = space->name()};
    if (space->root_ != nullptr) copy.root = regions.index_of(*space->root_);
    if (space->bound_ != nullptr) copy.view = view_index(*space->bound_);
    all.spaces.push_back(std::move(copy));
  }
  regions.copy_all();
  return all;
}

MapSnapshot Fabric::snapshot(std::span<const Ref<SpaceControl>> spaces) {
  return write([&](const Map& map) { return map.snapshot(spaces); });
}

}  // namespace holdfast::memory
