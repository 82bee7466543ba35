// SPDX-License-Identifier: Apache-2.0
// The writer's side of a fabric: the regions' places, the views, and the steps of a commit.
//
//   edits.cpp    applies a transaction edit by edit, with undo
//   climb.cpp    which windows of which views an edit touches
//   resolve.cpp  which view a space sees; views come and go
//   links.cpp    which aliases are shown as link ranges
//   commit.cpp   renders the windows and splices them into the trees
//   publish.cpp  makes it visible to readers
//   notify.cpp   tells listeners
//   snapshot.cpp copies it for those who look at it
//
// LOCK: the fabric's writer lock guards all of it, the MapNode of every region and every ViewState.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/child_index.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/flat_tree.hpp"
#include "holdfast/memory/map_node.hpp"
#include "holdfast/memory/map_snapshot.hpp"
#include "holdfast/memory/map_tuning.hpp"
#include "holdfast/memory/region_control.hpp"
#include "holdfast/memory/render.hpp"
#include "holdfast/memory/subscription.hpp"
#include "holdfast/memory/transaction.hpp"
#include "holdfast/memory/view_state.hpp"

namespace holdfast::memory {

/// What a step of the writer dropped; to be retired when its lock is released.
struct Dropped {
  std::vector<FlatTree::Retired> nodes;
  std::vector<std::unique_ptr<ViewState>> views;
  std::vector<std::unique_ptr<const LinkSet>> link_sets;
  bool empty() const { return nodes.empty() && views.empty() && link_sets.empty(); }
};

class Map {
 public:
  using Published = Fabric::Published;

  Map(Fabric& fabric, const MapTuning& tuning);
  ~Map();

  Result<Published> commit(Transaction& transaction);

  void set_root(SpaceControl& space, RegionControl* root);
  void drop_space(SpaceControl& space);
  void subscribe(const Ref<SubscriptionControl>& subscription);
  void unsubscribe(SubscriptionControl& subscription);

  void take_dropped(Dropped& into) {
    if (!dropped_.empty()) into = std::exchange(dropped_, {});
  }
  FlatTree& tree() { return tree_; }
  Fabric::Footprint footprint() const;
  // snapshot.cpp
  MapSnapshot snapshot(std::span<const Ref<SpaceControl>> spaces) const;

 private:
  // edits.cpp
  /// A node as it was, to be put back if the transaction fails.
  struct Saved {
    MapNode* node;
    std::uint64_t last;
    MapNode* parent;
    std::uint64_t offset;
    std::uint64_t sequence;
    MapNode* target;
    std::uint64_t target_offset;
    std::int32_t priority;
    RangeFlags flags;
    bool enabled;
    bool severed;
  };
  Result<void> apply(std::span<const MapEdit> edits);
  Result<void> apply(const MapEdit& edit);
  Result<void> add(MapNode& child, MapNode& container, std::uint64_t offset, int priority);
  Result<void> move(MapNode& child, std::uint64_t offset, int priority);
  Result<void> resize(MapNode& node, std::uint64_t last);
  Result<void> set_alias(MapNode& alias, MapNode& target, std::uint64_t target_offset);
  void set_enabled(MapNode& node, bool enabled);
  void set_flag(MapNode& node, RangeFlags flag, bool on);
  void sever(MapNode& node);
  void keep(MapNode& node);
  void undo();
  void forget_commit();
  void place(MapNode& child, MapNode& container);
  void displace(MapNode& child);
  void retarget(MapNode& alias, MapNode* target);
  bool is_inside(MapNode& node, const MapNode& outer);

  // climb.cpp
  /// What shows of the node now may change, or has changed: wherever it shows.
  void touch(MapNode& node);
  void climb(MapNode& node, Extent window);
  void add_pending(ViewState& view, Extent window);
  void list(ViewState& view);
  /// Spaces whose path leads through the node are resolved anew.
  void touch_paths(MapNode& node);

  // resolve.cpp
  void resolve_touched();
  void resolve(SpaceControl& space);
  void bind(SpaceControl& space, ViewState* view);
  ViewState& view_of(MapNode& root, RangeFlags flags);
  ViewState* existing_view(const MapNode& root, RangeFlags flags) const;
  void use(ViewState& view) { ++view.users; }
  void release(ViewState& view);
  void bury_unused();
  void leave_path(SpaceControl& space);
  static void put_on_path(PathStep& step, SpaceControl& space, MapNode& node);
  void set_listening(ViewState& view, SpaceControl& space, bool listening);

  // links.cpp
  void note_links_near(MapNode& node);
  void note_link(MapNode& alias);
  void settle_links();
  void settle_links_of(MapNode& alias);
  ViewState* link_target(const ViewState& from, MapNode& alias);
  static bool shows_below(const MapNode& alias);
  void make_link(MapNode& alias, ViewState& from, ViewState& to);
  void drop_link(MapNode& alias, Link link);
  void dissolve_links(ViewState& view);
  void enlist(MapNode& alias, bool linked_only);
  void delist(MapNode& alias);
  void file(MapNode& alias);
  static bool seen_only_through_links(const MapNode& alias);
  void unlink_only(MapNode& alias);
  void unlink_only_below(MapNode& container);

  // commit.cpp
  Published finish();
  void rebuild(ViewState& view);
  void tidy_windows(std::vector<Extent>& windows);
  void replace_window(ViewState& view, FlatTree::Edit& edit, Extent window);
  bool widen(Extent& window, std::span<const FlatRange> rendered) const;
  void record(ViewState& view, std::span<const FlatRange> gone, std::span<const FlatRange> come);

  // publish.cpp
  void publish();
  void publish(ViewState& view);
  void publish_links(ViewState& view);
  void rebind_spaces();
  void drop_severed();
  void discard();

  // notify.cpp
  struct Change {
    std::vector<Section> deletions;
    std::vector<Section> additions;
    bool empty() const { return deletions.empty() && additions.empty(); }
  };
  void notify();
  void notify(ViewState& view);
  void notify_rebound(SpaceControl& space, const ViewState* before);
  void tell(SpaceControl& space, const Change& change);
  Change change_of(const ViewState& view) const;
  static Change contents(const ViewState* view);

  Fabric& fabric_;  // which this is a part of
  const MapTuning tuning_;
  NodePool index_pool_{ChildIndex::kNodeBytes};
  FlatTree tree_;
  Renderer renderer_{tuning_};
  std::uint64_t sequence_ = 0;  // of attachments
  std::uint32_t visit_ = 0;     // of walks
  std::size_t views_ = 0;

  // The commit under way.
  bool undoable_ = false;
  std::vector<Saved> undo_;
  std::vector<RegionControl*> severed_;
  std::vector<ViewState*> listed_;       // with windows to render
  std::vector<MapNode*> touched_paths_;
  std::vector<MapNode*> noted_links_;
  std::vector<ViewState*> unused_;       // whose last user may be gone
  std::vector<std::unique_ptr<ViewState>> buried_;
  struct Rebound {
    SpaceControl* space;  // its handle, or whoever drops it, has a reference
    ViewState* before;
  };
  std::vector<Rebound> rebound_;
  std::vector<ViewState*> changed_;
  Dropped dropped_;

  // Scratch of replace_window.
  std::vector<FlatRange> old_;
  std::vector<FlatRange> new_;
};

}  // namespace holdfast::memory
