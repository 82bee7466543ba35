// SPDX-License-Identifier: Apache-2.0
// The nodes of a flat tree. Immutable once published, but for `next_dropped`, which readers do not
// look at. Keys come first: a search that does not reach the end of the address space touches
// nothing of the header.
#pragma once

#include <cstdint>

#include "holdfast/memory/flat_range.hpp"
#include "holdfast/memory/key_search.hpp"

namespace holdfast::memory::detail {

template <unsigned Fanout>
struct alignas(64) FlatNode {
  Key keys[Fanout];           // firsts, ascending; unused slots hold kPadKey
  std::uint64_t transaction;  // the edit that made it, and that alone may change it in place
  FlatNode* next_dropped;     // the chain of a retired batch
  std::uint16_t count;        // used slots, never 0
  std::uint16_t height;       // 0: a leaf
};

struct FlatSlot {
  std::uint64_t last;
  const void* target;
  std::uint64_t offset;
};

template <unsigned Fanout>
struct FlatLeaf : FlatNode<Fanout> {
  FlatSlot slots[Fanout];
  RangeFlags flags[Fanout];

  FlatRange range(unsigned i) const {
    return {from_key(this->keys[i]), slots[i].last, slots[i].target, slots[i].offset, flags[i]};
  }
  void put(unsigned i, const FlatRange& range) {
    this->keys[i] = to_key(range.first);
    slots[i] = {range.last, range.target, range.offset};
    flags[i] = range.flags;
  }
};

/// keys[i] is exactly the first address of what children[i] holds.
template <unsigned Fanout>
struct FlatInner : FlatNode<Fanout> {
  FlatNode<Fanout>* children[Fanout];
};

template <unsigned Fanout>
const FlatLeaf<Fanout>* as_leaf(const FlatNode<Fanout>* node) {
  return static_cast<const FlatLeaf<Fanout>*>(node);
}
template <unsigned Fanout>
FlatLeaf<Fanout>* as_leaf(FlatNode<Fanout>* node) {
  return static_cast<FlatLeaf<Fanout>*>(node);
}
template <unsigned Fanout>
const FlatInner<Fanout>* as_inner(const FlatNode<Fanout>* node) {
  return static_cast<const FlatInner<Fanout>*>(node);
}
template <unsigned Fanout>
FlatInner<Fanout>* as_inner(FlatNode<Fanout>* node) {
  return static_cast<FlatInner<Fanout>*>(node);
}

}  // namespace holdfast::memory::detail
