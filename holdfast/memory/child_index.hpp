// SPDX-License-Identifier: Apache-2.0
// Where a container's children lie: a B+ tree ordered by child offset that answers "who meets this
// extent". Duplicate offsets and overlaps are the ordinary case. Each inner entry knows the largest
// last address of its subtree, so the walk enters only subtrees that can hold an answer.
//
// LOCK: the map's writer lock. Never shared with readers: nodes are changed in place.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/memory/fanout.hpp"
#include "holdfast/memory/key_search.hpp"
#include "holdfast/memory/node_pool.hpp"

namespace holdfast::memory {

class RegionControl;

/// A member of its container. Low fan-outs exist so that tests reach every case.
template <unsigned Fanout>
class BasicChildIndex {
 public:
  struct Entry {
    std::uint64_t first;  // the child's offset in the container
    std::uint64_t last;   // clamped by whoever attaches it
    RegionControl* child;
    Extent extent() const { return {first, last}; }
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  /// What the pool of all indexes of one map is made for: `NodePool pool{ChildIndex::kNodeBytes}`.
  static const std::size_t kNodeBytes;

  explicit BasicChildIndex(NodePool& pool) : pool_{pool} {}
  /// Any thread: a container's control block goes in a reclamation callback.
  ~BasicChildIndex();
  BasicChildIndex(const BasicChildIndex&) = delete;
  BasicChildIndex& operator=(const BasicChildIndex&) = delete;

  void insert(Extent extent, RegionControl* child);
  /// Takes out the entry of this child at this offset; false if there is none.
  bool erase(std::uint64_t first, RegionControl* child);
  /// Calls `visit(const Entry&)` for the entries that meet the extent, ascending by first. If it
  /// returns a bool, false stops the walk. The index must not be changed meanwhile.
  template <typename Visit>
  void meeting(Extent extent, Visit&& visit) const;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Whether the tree keeps its invariants; the error names the first one broken. For tests.
  Result<void> check() const;

 private:
  using Key = detail::Key;
  static_assert(Fanout <= 32, "a node's entries are a bit mask");

  struct alignas(NodePool::kAlignment) Node {
    Key keys[Fanout];   // firsts, ascending; unused slots hold detail::kPadKey
    Key lasts[Fanout];  // the entry's last, or the largest of the subtree
    void* slots[Fanout];  // Node* or, in a leaf, RegionControl*
    std::uint16_t count;
    std::uint16_t height;  // 0: a leaf

    Node* child(unsigned i) const { return static_cast<Node*>(slots[i]); }
  };

  /// Nodes this full are made by joining two.
  static constexpr unsigned kFill = Fanout * 7 / 8;

  static bool thin(unsigned count) { return count * 5 < Fanout * 2; }
  static Key largest_last(const Node& node);
  static unsigned child_for(const Node& node, Key first);
  static void open_slot(Node& node, unsigned at);
  static void close_slot(Node& node, unsigned at);
  static void refresh(Node& parent, unsigned at);

  Node* make(unsigned height);
  Node* split(Node& node, unsigned at);
  Node* put(Node& node, unsigned at, Key first, Key last, void* slot);
  Node* insert_below(Node& node, Key first, Key last, RegionControl* child);
  /// The last address of the entry that was erased.
  std::optional<Key> erase_below(Node& node, Key first, RegionControl* child);
  void join_thin(Node& parent, unsigned at);
  void free_subtree(Node* node);
  template <typename Visit>
  static bool walk(const Node& node, Key first, Key last, Visit& visit);
  static Result<void> check_below(const Node& node, std::size_t& entries);

  NodePool& pool_;  // the map's, which outlives every container
  Node* root_ = nullptr;
  std::size_t size_ = 0;
};

template <unsigned Fanout>
const std::size_t BasicChildIndex<Fanout>::kNodeBytes = sizeof(Node);

template <unsigned Fanout>
template <typename Visit>
bool BasicChildIndex<Fanout>::walk(const Node& node, Key first, Key last, Visit& visit) {
  std::uint32_t mask = detail::meet_mask<Fanout>(node.keys, node.lasts, first, last) &
                       (~std::uint32_t{0} >> (32 - node.count));
  for (; mask != 0; mask &= mask - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(mask));
    if (node.height != 0) {
      if (!walk(*node.child(i), first, last, visit)) return false;
      continue;
    }
    const Entry entry{detail::from_key(node.keys[i]), detail::from_key(node.lasts[i]),
                      static_cast<RegionControl*>(node.slots[i])};
    if constexpr (std::is_void_v<std::invoke_result_t<Visit&, const Entry&>>) {
      visit(entry);
    } else {
      if (!visit(entry)) return false;
    }
  }
  return true;
}

template <unsigned Fanout>
template <typename Visit>
void BasicChildIndex<Fanout>::meeting(Extent extent, Visit&& visit) const {
  if (root_ != nullptr)
    walk(*root_, detail::to_key(extent.first), detail::to_key(extent.last), visit);
}

using ChildIndex = BasicChildIndex<kMapFanout>;

extern template class BasicChildIndex<4>;
extern template class BasicChildIndex<8>;
extern template class BasicChildIndex<32>;

}  // namespace holdfast::memory
