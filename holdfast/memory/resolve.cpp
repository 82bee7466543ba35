// SPDX-License-Identifier: Apache-2.0
// Which view a space sees. Spaces share a view if, after enabled aliases of full size are followed,
// they end at the same region with the same attributes; those that end at a region that is switched off
// see nothing and have no view. Every region on that path knows the spaces that came through, so that an
// edit of it resolves them anew.
#include <algorithm>

#include "holdfast/memory/map.hpp"

namespace holdfast::memory {
namespace {

/// The next region on a space's path, or nullptr if it ends here.
MapNode* next_on_path(const MapNode& node) {
  const bool follows = node.is_alias() && node.enabled && node.target != nullptr &&
                       node.target_offset == 0 && node.last >= node.target->last;
  return follows ? node.target : nullptr;
}

}  // namespace

void Map::set_root(SpaceControl& space, RegionControl* root) {
  if (space.gone_) return;
  space.root_ = root == nullptr || root->node().severed ? nullptr : &root->node();
  resolve(space);
  finish();
}

void Map::drop_space(SpaceControl& space) {
  space.gone_ = true;
  space.root_ = nullptr;
  resolve(space);
  finish();  // listeners get their deletions
  space.subscriptions_.clear();
}

void Map::resolve_touched() {
  // Collected first: resolving changes the lists.
  std::vector<SpaceControl*> spaces;
  for (const MapNode* node : touched_paths_)
    for (const PathStep* step = node->watchers->spaces; step != nullptr; step = step->next)
      spaces.push_back(step->space);
  touched_paths_.clear();
  std::sort(spaces.begin(), spaces.end());
  spaces.erase(std::unique(spaces.begin(), spaces.end()), spaces.end());
  for (SpaceControl* space : spaces) {
    if (space->root_->severed) space->root_ = nullptr;
    resolve(*space);
  }
}

void Map::resolve(SpaceControl& space) {
  leave_path(space);
  if (space.root_ == nullptr) return bind(space, nullptr);
  MapNode* node = space.root_;
  put_on_path(space.step_, space, *node);
  RangeFlags flags = RangeFlags::kNone;
  while (MapNode* const next = next_on_path(*node)) {
    flags |= node->flags;
    node = next;
    space.steps_.push_back(std::make_unique<PathStep>());
    put_on_path(*space.steps_.back(), space, *node);
  }
  bind(space, node->enabled ? &view_of(*node, flags) : nullptr);
}

void Map::put_on_path(PathStep& step, SpaceControl& space, MapNode& node) {
  PathStep*& head = node.watch().spaces;
  step = {.space = &space, .node = &node, .next = head, .link = &head};
  if (head != nullptr) head->link = &step.next;
  head = &step;
}

void Map::leave_path(SpaceControl& space) {
  const auto leave = [](PathStep& step) {
    if (step.node == nullptr) return;
    *step.link = step.next;
    if (step.next != nullptr) step.next->link = step.link;
    step.node = nullptr;
  };
  leave(space.step_);
  for (const auto& step : space.steps_) leave(*step);
  space.steps_.clear();
}

void Map::bind(SpaceControl& space, ViewState* view) {
  ViewState* const before = space.bound_;
  if (before == view) return;
  const bool listened = !space.subscriptions_.empty();
  if (view != nullptr) {
    use(*view);
    if (listened) set_listening(*view, space, true);
  }
  space.bound_ = view;
  if (!space.rebound_) {
    space.rebound_ = true;
    rebound_.push_back({&space, before});
  }
  if (before != nullptr) {
    if (listened) set_listening(*before, space, false);
    release(*before);
  }
}

void Map::set_listening(ViewState& view, SpaceControl& space, bool listening) {
  const bool was = !view.listening.empty();
  if (listening)
    view.listening.push_back(&space);
  else
    std::erase(view.listening, &space);
  const bool is = !view.listening.empty();
  if (was == is) return;
  for (const MapNode* alias : view.links)
    for (const Link& link : alias->watchers->links)
      if (link.from == &view) is ? ++link.to->listening_incoming : --link.to->listening_incoming;
}

ViewState* Map::existing_view(const MapNode& root, RangeFlags flags) const {
  if (!root.watchers) return nullptr;
  for (ViewState* view : root.watchers->views)
    if (view->flags == flags) return view;
  return nullptr;
}

ViewState& Map::view_of(MapNode& root, RangeFlags flags) {
  if (ViewState* const view = existing_view(root, flags)) return *view;
  unlink_only(root);
  unlink_only_below(root);
  auto* view = new ViewState{fabric_.realm().census(), root, flags};
  ++views_;
  root.watch().views.push_back(view);
  add_pending(*view, root.whole());
  unused_.push_back(view);  // until somebody uses it
  if (root.watchers->link_candidates != 0)
    root.children->meeting(root.whole(), [&](const ChildIndex::Entry& entry) {
      if (entry.child->node().is_link_candidate()) note_link(entry.child->node());
    });
  return *view;
}

void Map::release(ViewState& view) {
  if (--view.users == 0) unused_.push_back(&view);
}

/// Views that nobody sees and nobody links to, and what only they linked to.
void Map::bury_unused() {
  while (!unused_.empty()) {
    ViewState& view = *unused_.back();
    unused_.pop_back();
    if (view.users != 0 || view.dead) continue;
    view.dead = true;
    while (!view.links.empty()) {
      MapNode& alias = *view.links.back();
      const auto& links = alias.watchers->links;
      drop_link(alias, *std::find_if(links.begin(), links.end(),
                                     [&](const Link& link) { return link.from == &view; }));
    }
    std::erase(view.node->watchers->views, &view);
    buried_.emplace_back(&view);
    --views_;
  }
}

}  // namespace holdfast::memory
