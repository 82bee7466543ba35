// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/render.hpp"

#include <algorithm>

#include "holdfast/memory/child_index.hpp"
#include "holdfast/memory/region_control.hpp"
#include "holdfast/memory/view_state.hpp"

namespace holdfast::memory {

std::span<const FlatRange> Renderer::render(const ViewState& view, Extent window) {
  out_.clear();
  if (const auto local = intersect(window, view.node->whole()))
    node(*view.node, *local, {0, view.flags, &view});
  return out_;
}

void Renderer::node(MapNode& node, Extent local, Place place) {
  if (!node.enabled) return;
  if (node.is_alias()) return alias(node, local, place);
  const std::size_t from = out_.size();
  if (node.children && !node.children->empty()) {
    Place inside = place;
    inside.inherited |= node.flags;
    if (node.kind != RegionKind::kContainer) inside.linking = nullptr;
    children(node, local, inside);
  }
  if (!terminates(node.kind)) return;
  if (from == out_.size())
    leaf(node, local, place);
  else
    fill_gaps(from, node, local, place);
}

void Renderer::leaf(MapNode& node, Extent local, Place place) {
  out_.push_back({local.first + place.delta, local.last + place.delta, &node.control(),
                  local.first, place.inherited | node.flags});
}

void Renderer::alias(MapNode& node, Extent local, Place place) {
  MapNode* const target = node.target;
  if (target == nullptr) return;
  const auto shifted = shift_up(local, node.target_offset);
  if (!shifted) return;
  if (const auto inside = intersect(*shifted, target->whole()))
    this->node(*target, *inside,
               {place.delta - node.target_offset, place.inherited | node.flags, nullptr});
}

void Renderer::children(MapNode& node, Extent local, Place place) {
  const std::size_t base = children_.size();
  node.children->meeting(local, [&](const ChildIndex::Entry& entry) {
    MapNode& member = entry.child->node();
    if (member.enabled)
      children_.push_back({{std::max(entry.first, local.first), std::min(entry.last, local.last)},
                           &member});
  });
  const std::size_t end = children_.size();
  for (std::size_t i = base; i < end;) {
    std::uint64_t reach = children_[i].extent.last;
    std::size_t next = i + 1;
    for (; next < end && children_[next].extent.first <= reach; ++next)
      reach = std::max(reach, children_[next].extent.last);
    if (next - i == 1)
      child(children_[i], place);
    else
      cluster(i, next, place);
    i = next;
  }
  children_.resize(base);
}

void Renderer::child(Child child, Place place) {
  MapNode& member = *child.node;
  const Extent local{child.extent.first - member.offset, child.extent.last - member.offset};
  place.delta += member.offset;
  if (place.linking != nullptr && link(member, local, place)) return;
  place.linking = nullptr;
  node(member, local, place);
}

bool Renderer::link(MapNode& alias, Extent local, Place place) {
  if (!alias.watchers) return false;
  for (const Link& link : alias.watchers->links) {
    if (link.from != place.linking) continue;
    if (const auto there = shift_up(local, alias.target_offset))
      out_.push_back({local.first + place.delta,
                      local.first + place.delta + there->span(), static_cast<View*>(link.to),
                      there->first, place.inherited | alias.flags | RangeFlags::kLink});
    return true;
  }
  return false;
}

void Renderer::cluster(std::size_t from, std::size_t to, Place place) {
  if (to - from >= tuning_.prune_from) to = prune(from, to);
  const std::size_t first_run = runs_.size();
  for (std::size_t i = from; i < to; ++i) {
    const Child member = children_[i];
    const std::size_t start = out_.size();
    child(member, place);
    if (out_.size() != start) runs_.push_back({start, out_.size(), member.node});
  }
  if (runs_.size() - first_run > 1) merge(first_run);
  runs_.resize(first_run);
}

/// Drops the children below the highest one that covers the whole cluster and has no holes.
std::size_t Renderer::prune(std::size_t from, std::size_t to) {
  Extent whole = children_[from].extent;
  for (std::size_t i = from + 1; i < to; ++i)
    whole.last = std::max(whole.last, children_[i].extent.last);
  const MapNode* cover = nullptr;
  for (std::size_t i = from; i < to; ++i) {
    const Child& member = children_[i];
    if (member.extent == whole && terminates(member.node->kind) &&
        (cover == nullptr || member.node->outranks(*cover)))
      cover = member.node;
  }
  if (cover == nullptr) return to;
  const auto begin = children_.begin() + static_cast<std::ptrdiff_t>(from);
  const auto end = children_.begin() + static_cast<std::ptrdiff_t>(to);
  const auto kept =
      std::remove_if(begin, end, [&](const Child& c) { return cover->outranks(*c.node); });
  return from + static_cast<std::size_t>(kept - begin);
}

/// Replaces the runs by what shows of them.
void Renderer::merge(std::size_t first_run) {
  const std::size_t base = runs_[first_run].from;
  starts_.clear();
  for (std::size_t r = first_run; r < runs_.size(); ++r)
    for (std::size_t piece = runs_[r].from; piece < runs_[r].to; ++piece)
      starts_.push_back({out_[piece].first, piece, runs_[r].node});
  const auto by_first = [](const Start& a, const Start& b) { return a.first < b.first; };
  if (!std::is_sorted(starts_.begin(), starts_.end(), by_first))
    std::sort(starts_.begin(), starts_.end(), by_first);
  merge_into_result();
  out_.resize(base);
  out_.insert(out_.end(), result_.begin(), result_.end());
}

void Renderer::merge_into_result() {
  const auto below = [](const Start& a, const Start& b) { return b.node->outranks(*a.node); };
  result_.clear();
  heap_.clear();
  std::size_t next = 0;
  std::size_t shown = out_.size();  // the piece emitted last
  std::uint64_t position = starts_.front().first;
  for (;;) {
    for (; next < starts_.size() && starts_[next].first <= position; ++next) {
      heap_.push_back(starts_[next]);
      std::push_heap(heap_.begin(), heap_.end(), below);
    }
    while (!heap_.empty() && out_[heap_.front().piece].last < position) {
      std::pop_heap(heap_.begin(), heap_.end(), below);
      heap_.pop_back();
    }
    if (heap_.empty()) {
      if (next == starts_.size()) return;
      position = starts_[next].first;
      continue;
    }
    const std::size_t top = heap_.front().piece;
    const FlatRange& piece = out_[top];
    std::uint64_t last = piece.last;
    if (next < starts_.size()) last = std::min(last, starts_[next].first - 1);
    if (top == shown && result_.back().last + 1 == position) {
      result_.back().last = last;
    } else {
      result_.push_back({position, last, piece.target, piece.offset_of(position), piece.flags});
      shown = top;
    }
    if (last == kAddressMax) return;
    position = last + 1;
  }
}

/// Of a region with callbacks and children: it serves what they leave uncovered.
void Renderer::fill_gaps(std::size_t from, MapNode& node, Extent local, Place place) {
  result_.assign(out_.begin() + static_cast<std::ptrdiff_t>(from), out_.end());
  out_.resize(from);
  std::uint64_t position = local.first;
  for (const FlatRange& piece : result_) {
    const Extent covered{piece.first - place.delta, piece.last - place.delta};
    if (position < covered.first) leaf(node, {position, covered.first - 1}, place);
    out_.push_back(piece);
    if (covered.last == local.last) return;
    position = covered.last + 1;
  }
  leaf(node, {position, local.last}, place);
}

}  // namespace holdfast::memory
