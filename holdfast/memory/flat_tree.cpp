// SPDX-License-Identifier: Apache-2.0
// The readers of the flat tree.
#include "holdfast/memory/flat_tree.hpp"

#include <algorithm>

#include "holdfast/memory/key_search_avx2.hpp"

namespace holdfast::memory {
namespace {

using detail::as_inner;
using detail::as_leaf;
using detail::count_at_most;
using detail::FlatLeaf;
using detail::FlatNode;
using detail::from_key;
using detail::Key;
using detail::kPadKey;
using detail::to_key;

/// The used slots whose keys are at most the needle.
template <unsigned Fanout>
unsigned slots_at_most(const FlatNode<Fanout>& node, Key needle) {
  return std::min<unsigned>(count_at_most<Fanout>(node.keys, needle), node.count);
}

/// The child that is responsible for a needle, given how many keys are at most it. The first child
/// is responsible for what lies below the tree as well.
constexpr unsigned child_slot(unsigned at_most) { return at_most - (at_most != 0 ? 1 : 0); }

/// A place in a leaf. `at_most` ranges of the leaf begin at or below the address.
template <unsigned Fanout>
struct Place {
  const FlatLeaf<Fanout>* leaf;
  unsigned at_most;
};

// A needle below kPadKey never counts padding, so these do not read the nodes' counts.

template <unsigned Fanout>
Place<Fanout> descend_scalar(const FlatNode<Fanout>* node, unsigned height, Key needle) {
  for (; height != 0; --height)
    node = as_inner(node)->children[child_slot(
        detail::count_at_most_scalar<Fanout>(node->keys, needle))];
  return {as_leaf(node), detail::count_at_most_scalar<Fanout>(node->keys, needle)};
}

/// The address 2^64 - 1, whose key is that of the padding.
template <unsigned Fanout>
Place<Fanout> descend_to_end(const FlatNode<Fanout>* node, unsigned height) {
  for (; height != 0; --height) node = as_inner(node)->children[node->count - 1];
  return {as_leaf(node), node->count};
}

template <unsigned Fanout>
[[gnu::always_inline]] inline bool take_range(Place<Fanout> place, std::uint64_t address,
                                              FlatRange& out) {
  if (place.at_most == 0) return false;
  const unsigned i = place.at_most - 1;
  if (place.leaf->slots[i].last < address) return false;
  out = place.leaf->range(i);
  return true;
}

#ifdef HOLDFAST_HAS_AVX2_PATH
template <unsigned Fanout>
HF_AVX2 bool find_avx2(const FlatNode<Fanout>* node, unsigned height, std::uint64_t address,
                       FlatRange& out) {
  const __m256i needle = _mm256_set1_epi64x(to_key(address));
  for (; height != 0; --height)
    node = as_inner(node)
               ->children[child_slot(detail::count_at_most_avx2<Fanout>(node->keys, needle))];
  return take_range<Fanout>(
      {as_leaf(node), detail::count_at_most_avx2<Fanout>(node->keys, needle)}, address, out);
}
#endif

}  // namespace

template <unsigned Fanout>
BasicFlatTree<Fanout>::BasicFlatTree(Census* census) : census_{census} {}

template <unsigned Fanout>
bool BasicFlatTree<Fanout>::find(Root root, std::uint64_t address, FlatRange& out) {
  if (root.empty()) return false;
  if (address == kAddressMax) [[unlikely]]
    return take_range(descend_to_end<Fanout>(root.node(), root.height()), address, out);
#ifdef HOLDFAST_HAS_AVX2_PATH
  if (detail::use_avx2()) [[likely]]
    return find_avx2<Fanout>(root.node(), root.height(), address, out);
#endif
  return take_range(descend_scalar<Fanout>(root.node(), root.height(), to_key(address)), address,
                    out);
}

template <unsigned Fanout>
FindResult BasicFlatTree<Fanout>::find_or_hole(Root root, std::uint64_t address) {
  FindResult result{.found = false, .range = {}, .hole = Extent::everything()};
  if (root.empty()) return result;
  const Key needle = to_key(address);
  const Node* node = root.node();
  // The key beyond the hole's end; separators are exact, so none lies nearer than the last one met.
  const auto bound = [&](unsigned at_most) {
    if (at_most < node->count) result.hole.last = from_key(node->keys[at_most]) - 1;
  };
  for (unsigned height = root.height(); height != 0; --height) {
    const unsigned at_most = slots_at_most<Fanout>(*node, needle);
    bound(at_most);
    node = as_inner(node)->children[child_slot(at_most)];
  }
  const unsigned at_most = slots_at_most<Fanout>(*node, needle);
  if (take_range<Fanout>({as_leaf(node), at_most}, address, result.range)) {
    result.found = true;
    return result;
  }
  bound(at_most);
  if (at_most != 0) result.hole.first = as_leaf(node)->slots[at_most - 1].last + 1;
  return result;
}

template <unsigned Fanout>
BasicFlatTree<Fanout>::Cursor::Cursor(Root root, std::uint64_t address) : height{root.height()} {
  if (root.empty()) return;
  const Key needle = to_key(address);
  const Node* node = root.node();
  for (unsigned level = height; level != 0; --level) {
    const unsigned slot = child_slot(slots_at_most<Fanout>(*node, needle));
    path[level] = {as_inner(node), slot};
    node = path[level].node->children[slot];
  }
  leaf = as_leaf(node);
  const unsigned at_most = slots_at_most<Fanout>(*node, needle);
  index = at_most != 0 && leaf->slots[at_most - 1].last >= address ? at_most - 1 : at_most;
  if (index == leaf->count) next_leaf();
}

template <unsigned Fanout>
void BasicFlatTree<Fanout>::Cursor::next_leaf() {
  unsigned level = 1;
  while (level <= height && path[level].index + 1 == path[level].node->count) ++level;
  if (level > height) {
    leaf = nullptr;
    return;
  }
  ++path[level].index;
  for (; level > 1; --level)
    path[level - 1] = {as_inner(path[level].node->children[path[level].index]), 0};
  leaf = as_leaf(path[1].node->children[path[1].index]);
  index = 0;
}

template <unsigned Fanout>
std::size_t BasicFlatTree<Fanout>::size(Root root) {
  return footprint(root).ranges;
}

template <unsigned Fanout>
std::optional<FlatRange> BasicFlatTree<Fanout>::first(Root root) {
  if (root.empty()) return std::nullopt;
  const Node* node = root.node();
  for (unsigned height = root.height(); height != 0; --height) node = as_inner(node)->children[0];
  return as_leaf(node)->range(0);
}

template <unsigned Fanout>
std::optional<FlatRange> BasicFlatTree<Fanout>::last(Root root) {
  if (root.empty()) return std::nullopt;
  const auto [leaf, count] = descend_to_end<Fanout>(root.node(), root.height());
  return leaf->range(count - 1);
}

namespace {

template <unsigned Fanout>
void measure(const FlatNode<Fanout>& node,
             typename BasicFlatTree<Fanout>::Footprint& sum) {
  if (node.height == 0) {
    ++sum.leaves;
    sum.ranges += node.count;
    return;
  }
  ++sum.inners;
  for (unsigned i = 0; i < node.count; ++i) measure<Fanout>(*as_inner(&node)->children[i], sum);
}

/// What check() carries from one leaf to the next.
struct Previous {
  bool any = false;
  std::uint64_t last = 0;
};

template <unsigned Fanout>
Result<void> check_node(const FlatNode<Fanout>& node, unsigned height, Previous& previous) {
  if (node.height != height) return fail("a node of height {} at height {}", node.height, height);
  if (node.count == 0 || node.count > Fanout) return fail("a node with {} entries", node.count);
  for (unsigned i = node.count; i < Fanout; ++i)
    if (node.keys[i] != kPadKey) return fail("slot {} of {} is not padded", i, node.count);
  for (unsigned i = 0; i < node.count; ++i) {
    const std::uint64_t key = from_key(node.keys[i]);
    if (height != 0) {
      const FlatNode<Fanout>& child = *as_inner(&node)->children[i];
      if (child.keys[0] != node.keys[i])
        return fail("separator {:#x} over a child that begins at {:#x}", key,
                    from_key(child.keys[0]));
      TRY(check_node<Fanout>(child, height - 1, previous));
      continue;
    }
    const std::uint64_t last = as_leaf(&node)->slots[i].last;
    if (last < key) return fail("range {:#x} ends at {:#x}", key, last);
    if (previous.any && key <= previous.last)
      return fail("range {:#x} begins within one that ends at {:#x}", key, previous.last);
    previous = {true, last};
  }
  return {};
}

}  // namespace

template <unsigned Fanout>
auto BasicFlatTree<Fanout>::footprint(Root root) -> Footprint {
  Footprint sum;
  if (root.empty()) return sum;
  measure<Fanout>(*root.node(), sum);
  sum.bytes = sum.leaves * sizeof(Leaf) + sum.inners * sizeof(Inner);
  return sum;
}

template <unsigned Fanout>
Result<void> BasicFlatTree<Fanout>::check(Root root) {
  if (root.empty()) return {};
  if (root.height() != 0 && root.node()->count == 1) return fail("a root with one child");
  Previous previous;
  return check_node<Fanout>(*root.node(), root.height(), previous);
}

template class BasicFlatTree<4>;
template class BasicFlatTree<8>;
template class BasicFlatTree<32>;

}  // namespace holdfast::memory
