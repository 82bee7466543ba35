// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/child_index.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace holdfast::memory {

using detail::from_key;
using detail::to_key;

template <unsigned Fanout>
BasicChildIndex<Fanout>::~BasicChildIndex() {
  if (root_ != nullptr) free_subtree(root_);
}

template <unsigned Fanout>
void BasicChildIndex<Fanout>::free_subtree(Node* node) {
  for (unsigned i = 0; node->height != 0 && i < node->count; ++i) free_subtree(node->child(i));
  pool_.release(node);
}

template <unsigned Fanout>
auto BasicChildIndex<Fanout>::make(unsigned height) -> Node* {
  Node* node = ::new (pool_.allocate()) Node;
  std::fill_n(node->keys, Fanout, detail::kPadKey);
  std::fill_n(node->lasts, Fanout, to_key(0));
  node->count = 0;
  node->height = static_cast<std::uint16_t>(height);
  return node;
}

template <unsigned Fanout>
auto BasicChildIndex<Fanout>::largest_last(const Node& node) -> Key {
  return *std::max_element(node.lasts, node.lasts + node.count);
}

/// The last child that begins at or below the key, else the first.
template <unsigned Fanout>
unsigned BasicChildIndex<Fanout>::child_for(const Node& node, Key first) {
  const unsigned at_most =
      std::min<unsigned>(detail::count_at_most<Fanout>(node.keys, first), node.count);
  return at_most == 0 ? 0 : at_most - 1;
}

template <unsigned Fanout>
void BasicChildIndex<Fanout>::open_slot(Node& node, unsigned at) {
  const std::size_t after = node.count - at;
  std::memmove(node.keys + at + 1, node.keys + at, after * sizeof node.keys[0]);
  std::memmove(node.lasts + at + 1, node.lasts + at, after * sizeof node.lasts[0]);
  std::memmove(node.slots + at + 1, node.slots + at, after * sizeof node.slots[0]);
  ++node.count;
}

template <unsigned Fanout>
void BasicChildIndex<Fanout>::close_slot(Node& node, unsigned at) {
  --node.count;
  const std::size_t after = node.count - at;
  std::memmove(node.keys + at, node.keys + at + 1, after * sizeof node.keys[0]);
  std::memmove(node.lasts + at, node.lasts + at + 1, after * sizeof node.lasts[0]);
  std::memmove(node.slots + at, node.slots + at + 1, after * sizeof node.slots[0]);
  node.keys[node.count] = detail::kPadKey;
}

/// Takes over what a child's entries have become.
template <unsigned Fanout>
void BasicChildIndex<Fanout>::refresh(Node& parent, unsigned at) {
  parent.keys[at] = parent.child(at)->keys[0];
  parent.lasts[at] = largest_last(*parent.child(at));
}

/// Moves the upper part of a full node into a new one. What grows at its end keeps 7/8.
template <unsigned Fanout>
auto BasicChildIndex<Fanout>::split(Node& node, unsigned at) -> Node* {
  Node* right = make(node.height);
  const unsigned keep = at == Fanout ? kFill : Fanout / 2;
  const unsigned moved = Fanout - keep;
  std::copy_n(node.keys + keep, moved, right->keys);
  std::copy_n(node.lasts + keep, moved, right->lasts);
  std::copy_n(node.slots + keep, moved, right->slots);
  std::fill_n(node.keys + keep, moved, detail::kPadKey);
  right->count = static_cast<std::uint16_t>(moved);
  node.count = static_cast<std::uint16_t>(keep);
  return right;
}

/// Puts an entry in a slot; returns the new right sibling if the node had to be split.
template <unsigned Fanout>
auto BasicChildIndex<Fanout>::put(Node& node, unsigned at, Key first, Key last, void* slot)
    -> Node* {
  Node* right = node.count == Fanout ? split(node, at) : nullptr;
  Node* target = &node;
  if (right != nullptr && at > node.count) {
    at -= node.count;
    target = right;
  }
  open_slot(*target, at);
  target->keys[at] = first;
  target->lasts[at] = last;
  target->slots[at] = slot;
  return right;
}

template <unsigned Fanout>
auto BasicChildIndex<Fanout>::insert_below(Node& node, Key first, Key last, RegionControl* child)
    -> Node* {
  if (node.height == 0) {
    const unsigned at =
        std::min<unsigned>(detail::count_at_most<Fanout>(node.keys, first), node.count);
    return put(node, at, first, last, child);
  }
  const unsigned at = child_for(node, first);
  Node* right = insert_below(*node.child(at), first, last, child);
  if (right == nullptr) {
    node.keys[at] = std::min(node.keys[at], first);
    node.lasts[at] = std::max(node.lasts[at], last);
    return nullptr;
  }
  refresh(node, at);
  return put(node, at + 1, right->keys[0], largest_last(*right), right);
}

template <unsigned Fanout>
void BasicChildIndex<Fanout>::insert(Extent extent, RegionControl* child) {
  if (root_ == nullptr) root_ = make(0);
  Node* right = insert_below(*root_, to_key(extent.first), to_key(extent.last), child);
  if (right != nullptr) {
    Node* root = make(root_->height + 1U);
    put(*root, 0, root_->keys[0], largest_last(*root_), root_);
    put(*root, 1, right->keys[0], largest_last(*right), right);
    root_ = root;
  }
  ++size_;
}

template <unsigned Fanout>
auto BasicChildIndex<Fanout>::erase_below(Node& node, Key first, RegionControl* child)
    -> std::optional<Key> {
  if (node.height == 0) {
    for (unsigned i = child_for(node, first); node.keys[i] == first; --i) {
      if (node.slots[i] == child) {
        const Key last = node.lasts[i];
        close_slot(node, i);
        return last;
      }
      if (i == 0) break;
    }
    return std::nullopt;
  }
  // Equal firsts may begin in the subtrees to the left: while this one begins with such, try on.
  unsigned at = child_for(node, first);
  std::optional<Key> last = erase_below(*node.child(at), first, child);
  while (!last) {
    if (at == 0 || node.keys[at] < first) return std::nullopt;
    last = erase_below(*node.child(--at), first, child);
  }
  Node& below = *node.child(at);
  if (below.count == 0) {
    pool_.recycle(&below);
    close_slot(node, at);
    return last;
  }
  node.keys[at] = below.keys[0];
  if (node.lasts[at] == *last) node.lasts[at] = largest_last(below);
  if (thin(below.count)) join_thin(node, at);
  return last;
}

/// Joins a thin child with a neighbour if both fit in one.
template <unsigned Fanout>
void BasicChildIndex<Fanout>::join_thin(Node& parent, unsigned at) {
  const auto fits = [&](unsigned i) {
    return i + 1 < parent.count && parent.child(i)->count + parent.child(i + 1)->count <= kFill;
  };
  if (at > 0 && fits(at - 1))
    --at;
  else if (!fits(at))
    return;
  Node& left = *parent.child(at);
  Node& right = *parent.child(at + 1);
  std::copy_n(right.keys, right.count, left.keys + left.count);
  std::copy_n(right.lasts, right.count, left.lasts + left.count);
  std::copy_n(right.slots, right.count, left.slots + left.count);
  left.count = static_cast<std::uint16_t>(left.count + right.count);
  pool_.recycle(&right);
  close_slot(parent, at + 1);
  refresh(parent, at);
}

template <unsigned Fanout>
bool BasicChildIndex<Fanout>::erase(std::uint64_t first, RegionControl* child) {
  if (root_ == nullptr || !erase_below(*root_, to_key(first), child)) return false;
  --size_;
  while (root_->height != 0 && root_->count == 1) {
    Node* only = root_->child(0);
    pool_.recycle(root_);
    root_ = only;
  }
  if (root_->count == 0) {
    pool_.recycle(root_);
    root_ = nullptr;
  }
  return true;
}

template <unsigned Fanout>
Result<void> BasicChildIndex<Fanout>::check_below(const Node& node, std::size_t& entries) {
  if (node.count == 0 || node.count > Fanout) return fail("a node with {} entries", node.count);
  for (unsigned i = node.count; i < Fanout; ++i)
    if (node.keys[i] != detail::kPadKey) return fail("slot {} of {} is not padded", i, node.count);
  for (unsigned i = 0; i < node.count; ++i) {
    if (i != 0 && node.keys[i] < node.keys[i - 1])
      return fail("{:#x} follows a greater key", from_key(node.keys[i]));
    if (node.height == 0) {
      if (node.lasts[i] < node.keys[i])
        return fail("{:#x} ends at {:#x}", from_key(node.keys[i]), from_key(node.lasts[i]));
      ++entries;
      continue;
    }
    const Node& child = *node.child(i);
    if (child.height + 1 != node.height)
      return fail("a child of height {} below height {}", child.height, node.height);
    TRY(check_below(child, entries));
    if (child.keys[0] != node.keys[i])
      return fail("separator {:#x} over a child that begins at {:#x}", from_key(node.keys[i]),
                  from_key(child.keys[0]));
    if (largest_last(child) != node.lasts[i])
      return fail("largest last {:#x} over a child with {:#x}", from_key(node.lasts[i]),
                  from_key(largest_last(child)));
    if (i + 1 < node.count && child.keys[child.count - 1] > node.keys[i + 1])
      return fail("a child reaches beyond {:#x}", from_key(node.keys[i + 1]));
  }
  return {};
}

template <unsigned Fanout>
Result<void> BasicChildIndex<Fanout>::check() const {
  std::size_t entries = 0;
  if (root_ != nullptr) {
    if (root_->height != 0 && root_->count == 1) return fail("a root with one child");
    TRY(check_below(*root_, entries));
  }
  if (entries != size_) return fail("{} entries counted as {}", entries, size_);
  return {};
}

template class BasicChildIndex<4>;
template class BasicChildIndex<8>;
template class BasicChildIndex<32>;

}  // namespace holdfast::memory
