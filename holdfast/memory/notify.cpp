// SPDX-License-Identifier: Apache-2.0
// Tells listeners what changed for them: in each space all deletions first, then all additions.
// What shows through links is translated. Deletions are what the old trees held, additions what the
// new ones hold.
#include <algorithm>

#include "holdfast/memory/link_range.hpp"
#include "holdfast/memory/map.hpp"

namespace holdfast::memory {
namespace {

enum class When { kBefore, kAfter };

FlatTree::Root root_at(const View* view, When when) {
  const auto* state = static_cast<const ViewState*>(view);
  return when == When::kBefore ? state->old_root() : state->new_root();
}

Section section_of(const FlatRange& range) {
  return {{range.first, range.last}, range.control(), range.offset, range.flags};
}

/// The sections that a range of a view stands for.
void expand(const FlatRange& range, When when, std::vector<Section>& sections) {
  if (!range.is_link()) return sections.push_back(section_of(range));
  FlatTree::for_each(root_at(range.view(), when), seen_through(range),
                     [&](const FlatRange& there) {
                       sections.push_back(section_of(through_link(range, there)));
                     });
}

/// Of what changed in the view behind a link, the part that shows through it.
void translate(const FlatRange& link, const std::vector<FlatRange>& there,
               std::vector<Section>& sections) {
  const Extent seen = seen_through(link);
  for (const FlatRange& range : there)
    if (seen.meets({range.first, range.last}))
      sections.push_back(section_of(through_link(link, range)));
}

bool by_address(const Section& a, const Section& b) { return a.extent.first < b.extent.first; }

/// Sorts both lists and takes out of both what is in both.
void make_exact(std::vector<Section>& deletions, std::vector<Section>& additions) {
  std::sort(deletions.begin(), deletions.end(), by_address);
  std::sort(additions.begin(), additions.end(), by_address);
  std::vector<Section> gone;
  std::vector<Section> come;
  auto a = additions.begin();
  for (const Section& deletion : deletions) {
    for (; a != additions.end() && a->extent.first < deletion.extent.first; ++a)
      come.push_back(*a);
    if (a != additions.end() && *a == deletion)
      ++a;
    else
      gone.push_back(deletion);
  }
  come.insert(come.end(), a, additions.end());
  deletions = std::move(gone);
  additions = std::move(come);
}

/// Ascending and disjoint: where anything changed.
std::vector<Extent> windows_of(const std::vector<Section>& deletions,
                               const std::vector<Section>& additions) {
  std::vector<Extent> all;
  for (const Section& section : deletions) all.push_back(section.extent);
  for (const Section& section : additions) all.push_back(section.extent);
  std::sort(all.begin(), all.end(), [](Extent a, Extent b) { return a.first < b.first; });
  std::vector<Extent> windows;
  for (const Extent extent : all) {
    if (!windows.empty() && extent.first <= windows.back().last)
      windows.back().last = std::max(windows.back().last, extent.last);
    else
      windows.push_back(extent);
  }
  return windows;
}

}  // namespace

void Map::notify() {
  for (const Rebound& rebound : rebound_)
    if (!rebound.space->subscriptions_.empty()) notify_rebound(*rebound.space, rebound.before);
  std::vector<ViewState*> views;
  const auto note = [&](ViewState& view) {
    if (view.listening.empty() || view.notified) return;
    view.notified = true;
    views.push_back(&view);
  };
  for (ViewState* view : changed_) {
    note(*view);
    if (view->listening_incoming == 0) continue;
    for (const auto& incoming : view->incoming) note(*incoming.from);
  }
  for (ViewState* view : views) {
    view->notified = false;
    notify(*view);
  }
}

void Map::notify(ViewState& view) {
  const Change change = change_of(view);
  if (change.empty()) return;
  for (SpaceControl* space : view.listening)
    if (!space->rebound_) tell(*space, change);
}

void Map::notify_rebound(SpaceControl& space, const ViewState* before) {
  if (before == space.bound_) {  // there and back again: like a view that stayed
    if (before != nullptr) tell(space, change_of(*before));
    return;
  }
  Change change;
  if (before != nullptr)
    FlatTree::for_each(before->old_root(), Extent::everything(), [&](const FlatRange& range) {
      expand(range, When::kBefore, change.deletions);
    });
  change.additions = contents(space.bound_).additions;
  make_exact(change.deletions, change.additions);
  tell(space, change);
}

/// Everything, as additions.
Map::Change Map::contents(const ViewState* view) {
  Change change;
  if (view != nullptr)
    FlatTree::for_each(view->new_root(), Extent::everything(), [&](const FlatRange& range) {
      expand(range, When::kAfter, change.additions);
    });
  return change;
}

Map::Change Map::change_of(const ViewState& view) const {
  Change change;
  if (view.changed) {
    for (const FlatRange& range : view.deletions) expand(range, When::kBefore, change.deletions);
    for (const FlatRange& range : view.additions) expand(range, When::kAfter, change.additions);
  }
  bool linked = false;
  for (const MapNode* alias : view.links) {
    FlatTree::for_each(view.new_root(), alias->placed(), [&](const FlatRange& range) {
      // A link range that stayed: what changed behind it changes here. Of the others all is told.
      if (!range.is_link()) return;
      const auto* behind = static_cast<const ViewState*>(range.view());
      if (!behind->changed) return;
      if (view.changed &&
          std::find(view.additions.begin(), view.additions.end(), range) != view.additions.end())
        return;
      linked = true;
      translate(range, behind->deletions, change.deletions);
      translate(range, behind->additions, change.additions);
    });
  }
  if (linked || view.has_links() || !view.links.empty())
    make_exact(change.deletions, change.additions);
  return change;
}

void Map::tell(SpaceControl& space, const Change& change) {
  if (change.empty()) return;
  const auto windows = windows_of(change.deletions, change.additions);
  const auto& subscriptions = space.subscriptions_;
  for (auto it = subscriptions.rbegin(); it != subscriptions.rend(); ++it)
    (*it)->delete_sections(change.deletions);
  for (const auto& subscription : subscriptions)
    subscription->add_sections(change.additions, windows);
}

void Map::subscribe(const Ref<SubscriptionControl>& subscription) {
  SpaceControl& space = subscription->space();
  // Begun inside a gate, it may have ended before the thread was out.
  if (space.gone_ || subscription->has_ended()) return;
  if (space.subscriptions_.empty() && space.bound_ != nullptr)
    set_listening(*space.bound_, space, true);
  const auto after = std::find_if(
      space.subscriptions_.begin(), space.subscriptions_.end(),
      [&](const auto& other) { return other->priority() > subscription->priority(); });
  space.subscriptions_.insert(after, subscription);
  const Change change = contents(space.bound_);
  if (change.empty()) return;
  subscription->delete_sections({});
  subscription->add_sections(change.additions, windows_of(change.deletions, change.additions));
}

void Map::unsubscribe(SubscriptionControl& subscription) {
  SpaceControl& space = subscription.space();
  const auto at = std::find_if(space.subscriptions_.begin(), space.subscriptions_.end(),
                               [&](const auto& one) { return one.get() == &subscription; });
  if (at == space.subscriptions_.end()) return;  // the space went first
  const Change change = contents(space.bound_);
  if (!change.empty()) {
    subscription.delete_sections(change.additions);
    subscription.add_sections({}, windows_of(change.additions, {}));
  }
  space.subscriptions_.erase(at);
  if (space.subscriptions_.empty() && space.bound_ != nullptr)
    set_listening(*space.bound_, space, false);
}

}  // namespace holdfast::memory
