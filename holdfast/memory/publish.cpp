// SPDX-License-Identifier: Apache-2.0
// Makes a commit visible. Readers take the generation first and the root second, a space's base
// first and its view second; so the writer stores them the other way round, and nobody ever holds
// something old under a new number.
//
// Stamps never come back to an earlier value, not even for a reader that stands between two of the
// stores. They are sums of numbers that only grow. Where a part of the sum is exchanged, what it had
// reached goes on counting: a set of links holds that itself, so that both change in one store; a
// space's base is odd while its view changes, and readers wait for the end of that.
#include <algorithm>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/map.hpp"

namespace holdfast::memory {
namespace {

constexpr std::size_t kScratch = 4096;

/// What one large transaction needed is not kept for ever.
template <class T>
void empty(std::vector<T>& scratch) {
  if (scratch.capacity() > kScratch)
    scratch = {};
  else
    scratch.clear();
}

}  // namespace

void Map::publish() {
  std::size_t stores = changed_.size();
  bool links = false;
  for (const ViewState* view : listed_) links = links || view->links_changed || view->has_links();
  for (const Rebound& rebound : rebound_) {
    ++stores;
    links = links || (rebound.before != nullptr && rebound.before->has_links()) ||
            (rebound.space->bound_ != nullptr && rebound.space->bound_->has_links());
  }
  const bool together = links && stores > 1;
  auto& publication = fabric_.publication_;
  // Only the writer stores it. A reader that sees one of the new roots sees the odd count, too.
  if (together) publication.store(publication.load(std::memory_order_relaxed) + 1);
  for (ViewState* view : listed_) {
    if (view->dead) continue;
    publish(*view);
    HF_SCHEDULE_POINT("memory.publish.between_views");
  }
  rebind_spaces();
  if (together) publication.store(publication.load(std::memory_order_relaxed) + 1);
  drop_severed();
}

void Map::publish(ViewState& view) {
  if (!view.changed && !view.links_changed) return;
  if (view.changed) view.root_.store(view.after.bits(), std::memory_order_release);
  HF_SCHEDULE_POINT("memory.publish.root_stored");
  if (view.links_changed) publish_links(view);
  const std::uint64_t now = view.generation_.load(std::memory_order_relaxed);  // writer's own
  view.generation_.store(now + 1, std::memory_order_release);
}

void Map::publish_links(ViewState& view) {
  const LinkSet* const before = view.links_.load(std::memory_order_relaxed);  // writer's own
  auto now = std::make_unique<LinkSet>();
  for (const MapNode* alias : view.links)
    for (const Link& link : alias->watchers->links)
      if (link.from == &view && std::find(now->views.begin(), now->views.end(), link.to) ==
                                    now->views.end())
        now->views.push_back(link.to);
  if (before == nullptr && now->views.empty()) return;
  if (before != nullptr) {
    now->dropped = before->dropped;
    for (const View* gone : before->views)
      if (std::find(now->views.begin(), now->views.end(), gone) == now->views.end())
        now->dropped += gone->generation();
    dropped_.link_sets.emplace_back(before);
  }
  view.links_.store(now.release(), std::memory_order_release);
  HF_SCHEDULE_POINT("memory.publish.links_stored");
}

void Map::rebind_spaces() {
  for (const Rebound& rebound : rebound_) {
    SpaceControl& space = *rebound.space;
    const View* const before = rebound.before != nullptr ? rebound.before : &fabric_.nothing();
    const View* const now = space.bound_ != nullptr ? space.bound_ : &fabric_.nothing();
    if (before == now) continue;
    const std::uint64_t base = space.base_.load(std::memory_order_relaxed);  // writer's own
    space.base_.store(base + 1, std::memory_order_release);
    space.view_.store(now, std::memory_order_release);
    HF_SCHEDULE_POINT("memory.publish.view_stored");
    space.base_.store((base + before->stamp() + 3) & ~std::uint64_t{1},
                      std::memory_order_release);
  }
}

/// Whoever comes in through a gate from now on translates again.
void Map::drop_severed() {
  for (RegionControl* control : severed_) control->drop();
  severed_.clear();
}

/// Hands over what readers may still see, and forgets the commit.
void Map::discard() {
  for (ViewState* view : changed_) {
    if (!view->dropped.empty()) dropped_.nodes.push_back(std::move(view->dropped));
    view->changed = false;
    empty(view->deletions);
    empty(view->additions);
  }
  changed_.clear();
  for (ViewState* view : listed_) {
    view->listed = false;
    view->links_changed = false;
    empty(view->pending);
  }
  listed_.clear();
  for (auto& view : buried_) {
    if (auto nodes = tree_.retire_all(view->root()); !nodes.empty())
      dropped_.nodes.push_back(std::move(nodes));
    dropped_.views.push_back(std::move(view));
  }
  buried_.clear();
  for (const Rebound& rebound : rebound_) rebound.space->rebound_ = false;
  rebound_.clear();
  empty(undo_);
  empty(old_);
  empty(new_);
}

}  // namespace holdfast::memory
