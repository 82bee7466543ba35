// SPDX-License-Identifier: Apache-2.0
// Link ranges. An alias of a container, put into the root of a view (a private overlay over what
// everybody sees), is shown as one range that continues in the container's own view. An edit below
// then costs nothing per overlay.
//
// That is the case if nothing of lower rank lies under the alias (it would show through the holes),
// and if one step is enough: a view that is linked to has no links itself, it is rendered flat.
// The decision is taken anew when the alias, or a sibling that could lie under it, is edited.
#include <algorithm>

#include "holdfast/memory/map.hpp"

namespace holdfast::memory {

/// Before and after a change of the node: which links might it make or break?
void Map::note_links_near(MapNode& node) {
  if (node.is_link_candidate() || (node.watchers && !node.watchers->links.empty()))
    note_link(node);
  const MapNode* const container = node.parent;
  if (container == nullptr || !node.enabled || !container->watchers ||
      container->watchers->link_candidates == 0 || container->watchers->views.empty())
    return;
  container->children->meeting(node.placed(), [&](const ChildIndex::Entry& entry) {
    MapNode& sibling = entry.child->node();
    if (sibling.is_link_candidate() && sibling.outranks(node)) note_link(sibling);
  });
}

void Map::note_link(MapNode& alias) {
  if (alias.links_noted) return;
  alias.links_noted = true;
  noted_links_.push_back(&alias);
}

void Map::settle_links() {
  for (std::size_t i = 0; i < noted_links_.size(); ++i) settle_links_of(*noted_links_[i]);
  for (MapNode* alias : noted_links_) {
    alias->links_noted = false;
    file(*alias);
  }
  noted_links_.clear();
}

void Map::settle_links_of(MapNode& alias) {
  if (alias.watchers) {
    const auto links = alias.watchers->links;
    for (const Link& link : links)
      if (link_target(*link.from, alias) != link.to) drop_link(alias, link);
  }
  if (alias.parent == nullptr || !alias.parent->watchers) return;
  const auto views = alias.parent->watchers->views;
  for (ViewState* view : views) {
    if (alias.watchers && std::any_of(alias.watchers->links.begin(), alias.watchers->links.end(),
                                      [&](const Link& link) { return link.from == view; }))
      continue;
    if (ViewState* const target = link_target(*view, alias)) make_link(alias, *view, *target);
  }
}

/// The view that `from` should continue in where it shows the alias; nullptr: none.
ViewState* Map::link_target(const ViewState& from, MapNode& alias) {
  if (!tuning_.links || !alias.is_link_candidate() || !alias.enabled) return nullptr;
  if (from.node != alias.parent || from.node->kind != RegionKind::kContainer) return nullptr;
  if (from.users == 0 || !from.incoming.empty() || shows_below(alias)) return nullptr;
  MapNode& target = *alias.target;
  ViewState* const view = existing_view(target, RangeFlags::kNone);
  if (view != nullptr) return view;
  const bool deserves = target.children && target.children->size() >= tuning_.link_children;
  return deserves ? &view_of(target, RangeFlags::kNone) : nullptr;
}

/// Whether something lies under the alias that its holes would let through.
bool Map::shows_below(const MapNode& alias) {
  bool found = false;
  alias.parent->children->meeting(alias.placed(), [&](const ChildIndex::Entry& entry) {
    const MapNode& sibling = entry.child->node();
    found = &sibling != &alias && sibling.enabled && alias.outranks(sibling);
    return !found;
  });
  return found;
}

void Map::make_link(MapNode& alias, ViewState& from, ViewState& to) {
  dissolve_links(to);
  alias.watch().links.push_back({&from, &to});
  from.links.push_back(&alias);
  from.links_changed = true;
  to.incoming.push_back({&alias, &from});
  if (!from.listening.empty()) ++to.listening_incoming;
  use(to);
  add_pending(from, alias.placed());
}

void Map::drop_link(MapNode& alias, Link link) {
  std::erase(alias.watchers->links, link);
  ViewState& from = *link.from;
  std::erase(from.links, &alias);
  from.links_changed = true;
  auto& incoming = link.to->incoming;
  const auto entry = std::find_if(incoming.begin(), incoming.end(), [&](const auto& in) {
    return in.alias == &alias && in.from == &from;
  });
  *entry = incoming.back();
  incoming.pop_back();
  if (!from.listening.empty()) --link.to->listening_incoming;
  unlink_only(alias);
  if (!from.dead && alias.parent == from.node)
    add_pending(from, alias.placed());
  else if (!from.dead)
    list(from);
  release(*link.to);
}

/// A view that is linked to shows everything itself.
void Map::dissolve_links(ViewState& view) {
  while (!view.links.empty()) {
    MapNode& alias = *view.links.back();
    const auto& links = alias.watchers->links;
    drop_link(alias, *std::find_if(links.begin(), links.end(),
                                   [&](const Link& link) { return link.from == &view; }));
  }
}

void Map::enlist(MapNode& alias, bool linked_only) {
  Watchers& watchers = alias.target->watch();
  auto& list = linked_only ? watchers.linked_aliases : watchers.aliases;
  alias.linked_only = linked_only;
  alias.alias_index = static_cast<std::uint32_t>(list.size());
  list.push_back(&alias);
}

void Map::delist(MapNode& alias) {
  Watchers& watchers = *alias.target->watchers;
  auto& list = alias.linked_only ? watchers.linked_aliases : watchers.aliases;
  list[alias.alias_index] = list.back();
  list[alias.alias_index]->alias_index = alias.alias_index;
  list.pop_back();
  alias.linked_only = false;
}

/// Puts the alias into the right one of its target's lists.
void Map::file(MapNode& alias) {
  if (alias.target == nullptr) return;
  const bool linked_only = seen_only_through_links(alias);
  if (linked_only == alias.linked_only) return;
  delist(alias);
  enlist(alias, linked_only);
}

bool Map::seen_only_through_links(const MapNode& alias) {
  const MapNode* const root = alias.parent;
  if (root == nullptr || root->parent != nullptr || !root->watchers || !alias.watchers)
    return false;
  const Watchers& above = *root->watchers;
  const Watchers& own = *alias.watchers;
  return own.aliases.empty() && own.linked_aliases.empty() && own.views.empty() &&
         above.aliases.empty() && above.linked_aliases.empty() &&
         !own.links.empty() && own.links.size() == above.views.size();
}

/// The alias may be seen otherwise from now on: edits climb through it again.
void Map::unlink_only(MapNode& alias) {
  if (!alias.linked_only) return;
  delist(alias);
  enlist(alias, false);
  note_link(alias);
}

void Map::unlink_only_below(MapNode& container) {
  if (!container.watchers) return;
  for (const ViewState* view : container.watchers->views)
    for (MapNode* alias : view->links) unlink_only(*alias);
}

}  // namespace holdfast::memory
