// SPDX-License-Identifier: Apache-2.0
// The writer's side of the flat tree.
#include <algorithm>
#include <cstring>
#include <new>

#include "holdfast/base/check.hpp"
#include "holdfast/memory/flat_tree.hpp"

namespace holdfast::memory {

using detail::as_inner;
using detail::as_leaf;
using detail::kPadKey;
using detail::to_key;

namespace {

template <unsigned Fanout>
unsigned used_at_most(const detail::FlatNode<Fanout>& node, detail::Key needle) {
  return std::min<unsigned>(detail::count_at_most<Fanout>(node.keys, needle), node.count);
}

template <unsigned Fanout>
unsigned child_for(const detail::FlatNode<Fanout>& node, std::uint64_t address) {
  const unsigned at_most = used_at_most<Fanout>(node, to_key(address));
  return at_most == 0 ? 0 : at_most - 1;
}

template <unsigned Fanout>
void set_count(detail::FlatNode<Fanout>& node, std::size_t count) {
  for (std::size_t i = count; i < node.count; ++i) node.keys[i] = kPadKey;
  node.count = static_cast<std::uint16_t>(count);
}

/// Moves entries [from, count) so that they begin at `to`.
template <typename T>
void shift(T* entries, std::size_t from, std::size_t count, std::size_t to) {
  std::memmove(entries + to, entries + from, (count - from) * sizeof(T));
}

[[maybe_unused]] bool ascending(std::span<const FlatRange> items, std::uint64_t lo,
                                std::uint64_t hi) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].first < lo || items[i].first > hi || items[i].last < items[i].first) return false;
    if (i != 0 && items[i].first <= items[i - 1].last) return false;
  }
  return true;
}

}  // namespace

// ---- nodes ------------------------------------------------------------------------------------

template <unsigned Fanout>
BasicFlatEdit<Fanout>::BasicFlatEdit(Tree& tree, Root base)
    : tree_{&tree}, base_{base}, root_{base}, transaction_{++tree.last_transaction_} {}

template <unsigned Fanout>
auto BasicFlatEdit<Fanout>::make_leaf() -> Leaf* {
  ++made_;
  Leaf* leaf = ::new (tree_->leaves_.allocate()) Leaf;
  std::fill_n(leaf->keys, Fanout, kPadKey);
  leaf->transaction = transaction_;
  leaf->count = 0;
  leaf->height = 0;
  return leaf;
}

template <unsigned Fanout>
auto BasicFlatEdit<Fanout>::make_inner(unsigned height) -> Inner* {
  ++made_;
  Inner* inner = ::new (tree_->inners_.allocate()) Inner;
  std::fill_n(inner->keys, Fanout, kPadKey);
  inner->transaction = transaction_;
  inner->count = 0;
  inner->height = static_cast<std::uint16_t>(height);
  return inner;
}

/// The node itself if this edit made it, else a copy in its place.
template <unsigned Fanout>
auto BasicFlatEdit<Fanout>::open(Leaf* leaf) -> Leaf* {
  if (is_private(leaf)) return leaf;
  ++made_;
  Leaf* copy = ::new (tree_->leaves_.allocate()) Leaf;
  std::memcpy(copy->keys, leaf->keys, sizeof copy->keys);
  std::memcpy(copy->slots, leaf->slots, leaf->count * sizeof copy->slots[0]);
  std::memcpy(copy->flags, leaf->flags, sizeof copy->flags);
  copy->transaction = transaction_;
  copy->count = leaf->count;
  copy->height = 0;
  drop(leaf);
  return copy;
}

template <unsigned Fanout>
auto BasicFlatEdit<Fanout>::open(Inner* inner) -> Inner* {
  if (is_private(inner)) return inner;
  ++made_;
  Inner* copy = ::new (tree_->inners_.allocate()) Inner;
  std::memcpy(copy->keys, inner->keys, sizeof copy->keys);
  std::memcpy(copy->children, inner->children, inner->count * sizeof copy->children[0]);
  copy->transaction = transaction_;
  copy->count = inner->count;
  copy->height = inner->height;
  drop(inner);
  return copy;
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::recycle(Node* node) {
  --made_;
  (node->height == 0 ? tree_->leaves_ : tree_->inners_).recycle(node);
}

/// The new version does without this node.
template <unsigned Fanout>
void BasicFlatEdit<Fanout>::drop(Node* node) {
  if (is_private(node)) return recycle(node);
  node->next_dropped = dropped_;
  dropped_ = node;
  ++dropped_count_;
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::drop_subtree(Node* node) {
  for (unsigned i = 0; node->height != 0 && i < node->count; ++i)
    drop_subtree(as_inner(node)->children[i]);
  drop(node);
}

/// A private node hangs below private nodes only.
template <unsigned Fanout>
void BasicFlatEdit<Fanout>::free_private(Node* node) {
  if (!is_private(node)) return;
  for (unsigned i = 0; node->height != 0 && i < node->count; ++i)
    free_private(as_inner(node)->children[i]);
  recycle(node);
}

// ---- replacing --------------------------------------------------------------------------------

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::replace(std::uint64_t lo, std::uint64_t hi, Ranges items) {
  HF_CHECK(tree_ != nullptr, "an edit of a flat tree goes on after its end");
  HF_DCHECK(lo <= hi && ascending(items, lo, hi), "items out of order or outside [{:#x}, {:#x}]",
            lo, hi);
  tree_->pieces_.clear();
  if (!root_.empty()) {
    splice(root_.node(), {lo, hi}, items);
  } else if (!items.empty()) {
    emit_leaves(items, Split::kEven);
  }
  set_root(root_.height());
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::splice(Node* node, Extent firsts, Ranges items) {
  if (node->height == 0)
    splice_leaf(as_leaf(node), firsts, items);
  else
    splice_inner(as_inner(node), firsts, items);
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::splice_leaf(Leaf* leaf, Extent firsts, Ranges items) {
  const unsigned count = leaf->count;
  const Slots old{
      std::min(detail::count_below<Fanout>(leaf->keys, to_key(firsts.first)), count),
      used_at_most<Fanout>(*leaf, to_key(firsts.last))};
  const std::size_t total = count - (old.to - old.from) + items.size();
  if (total == 0) return drop(leaf);
  if (old.from == old.to && items.empty())
    return tree_->pieces_.push_back({leaf->keys[0], leaf});

  if (total <= Fanout) {
    Leaf* mine = open(leaf);
    const std::size_t end = old.from + items.size();
    shift(mine->keys, old.to, count, end);
    shift(mine->slots, old.to, count, end);
    shift(mine->flags, old.to, count, end);
    for (unsigned i = 0; i < items.size(); ++i) mine->put(old.from + i, items[i]);
    set_count<Fanout>(*mine, total);
    return tree_->pieces_.push_back({mine->keys[0], mine});
  }

  std::vector<FlatRange>& all = tree_->ranges_;
  all.clear();
  all.reserve(total);
  for (unsigned i = 0; i < old.from; ++i) all.push_back(leaf->range(i));
  all.insert(all.end(), items.begin(), items.end());
  for (unsigned i = old.to; i < count; ++i) all.push_back(leaf->range(i));
  drop(leaf);
  emit_leaves(all, split_for(old, count));
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::splice_inner(Inner* inner, Extent firsts, Ranges items) {
  Slots old{child_for<Fanout>(*inner, firsts.first), child_for<Fanout>(*inner, firsts.last) + 1};
  const std::size_t start = tree_->pieces_.size();
  splice(inner->children[old.from], firsts, items);
  for (unsigned i = old.from + 1; i + 1 < old.to; ++i) drop_subtree(inner->children[i]);
  if (old.to - old.from > 1) splice(inner->children[old.to - 1], firsts, {});

  // A child that is still itself was either not changed or changed in place; so it is with this.
  const auto& pieces = tree_->pieces_;
  if (old.to - old.from == 1 && pieces.size() == start + 1 &&
      pieces[start].node == inner->children[old.from] &&
      pieces[start].key == inner->keys[old.from] &&
      !(Tree::thin(pieces[start].node->count) && is_private(pieces[start].node))) {
    tree_->pieces_[start] = {inner->keys[0], inner};
    return;
  }
  join_thin(inner, old, start);
  put_children(inner, old, start);
}

/// Puts the pieces from `start` on in place of the slots, and this node in place of the pieces.
template <unsigned Fanout>
void BasicFlatEdit<Fanout>::put_children(Inner* inner, Slots slots, std::size_t start) {
  auto& pieces = tree_->pieces_;
  const unsigned count = inner->count;
  const std::size_t added = pieces.size() - start;
  const std::size_t total = count - (slots.to - slots.from) + added;
  if (total == 0) return drop(inner);

  if (total <= Fanout) {
    Inner* mine = open(inner);
    const std::size_t end = slots.from + added;
    shift(mine->keys, slots.to, count, end);
    shift(mine->children, slots.to, count, end);
    for (std::size_t i = 0; i < added; ++i) {
      mine->keys[slots.from + i] = pieces[start + i].key;
      mine->children[slots.from + i] = pieces[start + i].node;
    }
    set_count<Fanout>(*mine, total);
    pieces.resize(start);
    return pieces.push_back({mine->keys[0], mine});
  }

  auto& all = tree_->joined_;
  all.clear();
  all.reserve(total);
  for (unsigned i = 0; i < slots.from; ++i) all.push_back({inner->keys[i], inner->children[i]});
  all.insert(all.end(), pieces.begin() + static_cast<std::ptrdiff_t>(start), pieces.end());
  for (unsigned i = slots.to; i < count; ++i) all.push_back({inner->keys[i], inner->children[i]});
  pieces.resize(start);
  const unsigned height = inner->height;
  drop(inner);
  emit_inners(all, height, split_for(slots, count));
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::set_root(unsigned height) {
  auto& pieces = tree_->pieces_;
  while (pieces.size() > 1) {
    tree_->joined_.assign(pieces.begin(), pieces.end());
    pieces.clear();
    HF_CHECK(++height <= Tree::kMaxHeight, "a flat tree grows beyond {} levels", Tree::kMaxHeight);
    emit_inners(tree_->joined_, height, Split::kEven);
  }
  if (pieces.empty()) {
    root_ = {};
    return;
  }
  Node* node = pieces[0].node;
  while (node->height != 0 && node->count == 1) {
    Node* only = as_inner(node)->children[0];
    drop(node);
    node = only;
  }
  root_ = Root{node, node->height};
}

// ---- sharing out ------------------------------------------------------------------------------

template <unsigned Fanout>
auto BasicFlatEdit<Fanout>::split_for(Slots slots, unsigned count) -> Split {
  if (slots.to == count) return Split::kTail;
  return slots.from == 0 ? Split::kHead : Split::kEven;
}

/// Calls emit(span) for consecutive groups that each fit a node.
template <unsigned Fanout>
template <typename Entry, typename Emit>
void BasicFlatEdit<Fanout>::share_out(std::span<const Entry> entries, Split split, Emit emit) {
  constexpr std::size_t kFill = Tree::kFill;
  const std::size_t total = entries.size();
  if (total <= Fanout) return emit(entries);
  const std::size_t groups = (total + kFill - 1) / kFill;
  std::size_t done = 0;
  for (std::size_t group = 0; group < groups; ++group) {
    std::size_t end = total * (group + 1) / groups;
    if (split == Split::kTail) end = std::min(total, (group + 1) * kFill);
    if (split == Split::kHead) end = total - (groups - 1 - group) * kFill;
    emit(entries.subspan(done, end - done));
    done = end;
  }
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::emit_leaves(Ranges ranges, Split split) {
  share_out<FlatRange>(ranges, split, [this](Ranges group) {
    Leaf* leaf = make_leaf();
    for (unsigned i = 0; i < group.size(); ++i) leaf->put(i, group[i]);
    leaf->count = static_cast<std::uint16_t>(group.size());
    tree_->pieces_.push_back({leaf->keys[0], leaf});
  });
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::emit_inners(std::span<const Piece> children, unsigned height,
                                        Split split) {
  share_out<Piece>(children, split, [this, height](std::span<const Piece> group) {
    Inner* inner = make_inner(height);
    for (unsigned i = 0; i < group.size(); ++i) {
      inner->keys[i] = group[i].key;
      inner->children[i] = group[i].node;
    }
    inner->count = static_cast<std::uint16_t>(group.size());
    tree_->pieces_.push_back({inner->keys[0], inner});
  });
}

// ---- joining ----------------------------------------------------------------------------------

template <unsigned Fanout>
bool BasicFlatEdit<Fanout>::worth_joining(const Node* a, const Node* b) {
  return (Tree::thin(a->count) || Tree::thin(b->count)) && a->count + b->count <= Tree::kFill;
}

/// Joins thin pieces with each other and with the neighbours of the slots, which then grow.
template <unsigned Fanout>
void BasicFlatEdit<Fanout>::join_thin(const Inner* inner, Slots& slots, std::size_t start) {
  auto& pieces = tree_->pieces_;
  for (std::size_t i = start; i + 1 < pieces.size();) {
    if (worth_joining(pieces[i].node, pieces[i + 1].node)) {
      pieces[i] = join(pieces[i].node, pieces[i + 1].node);
      pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i + 1));
    } else {
      ++i;
    }
  }
  if (pieces.size() == start) return;
  if (slots.from > 0 && Tree::thin(pieces[start].node->count) &&
      worth_joining(inner->children[slots.from - 1], pieces[start].node)) {
    --slots.from;
    pieces[start] = join(inner->children[slots.from], pieces[start].node);
  }
  if (slots.to < inner->count && Tree::thin(pieces.back().node->count) &&
      worth_joining(pieces.back().node, inner->children[slots.to])) {
    pieces.back() = join(pieces.back().node, inner->children[slots.to]);
    ++slots.to;
  }
}

/// Moves the entries of two nodes of one height, which fit in one, into one.
template <unsigned Fanout>
auto BasicFlatEdit<Fanout>::join(Node* left, Node* right) -> Piece {
  const std::size_t l = left->count;
  const std::size_t r = right->count;
  if (left->height == 0) {
    Leaf* mine = open(as_leaf(left));
    std::copy_n(right->keys, r, mine->keys + l);
    std::copy_n(as_leaf(right)->slots, r, mine->slots + l);
    std::copy_n(as_leaf(right)->flags, r, mine->flags + l);
    left = mine;
  } else {
    Inner* mine = open(as_inner(left));
    std::copy_n(right->keys, r, mine->keys + l);
    std::copy_n(as_inner(right)->children, r, mine->children + l);
    left = mine;
  }
  left->count = static_cast<std::uint16_t>(l + r);
  drop(right);
  return {left->keys[0], left};
}

// ---- the end of an edit -----------------------------------------------------------------------

template <unsigned Fanout>
std::uint64_t BasicFlatEdit<Fanout>::leaf_last(std::uint64_t address) const {
  std::uint64_t last = kAddressMax;
  if (root_.empty()) return last;
  const Node* node = root_.node();
  for (; node->height != 0;) {
    const unsigned slot = child_for<Fanout>(*node, address);
    if (slot + 1 < node->count) last = detail::from_key(node->keys[slot + 1]) - 1;
    node = as_inner(node)->children[slot];
  }
  return last;
}

template <unsigned Fanout>
auto BasicFlatEdit<Fanout>::finish() -> Retired {
  HF_CHECK(tree_ != nullptr, "an edit of a flat tree is finished twice");
  Retired retired;
  retired.tree_ = tree_;
  retired.first_ = std::exchange(dropped_, nullptr);
  retired.count_ = std::exchange(dropped_count_, 0);
  if (tree_->census_ != nullptr && made_ != 0)
    tree_->census_->add(Census::Kind::kFlatNode, made_);
  tree_ = nullptr;
  return retired;
}

template <unsigned Fanout>
void BasicFlatEdit<Fanout>::abandon() {
  if (tree_ == nullptr) return;
  if (!root_.empty()) free_private(root_.node());
  root_ = base_;
  dropped_ = nullptr;  // the base keeps them
  dropped_count_ = 0;
  tree_ = nullptr;
}

template <unsigned Fanout>
void BasicFlatRetired<Fanout>::run() noexcept {
  if (first_ == nullptr) return;
  NodePool::Chain leaves{tree_->leaves_};
  NodePool::Chain inners{tree_->inners_};
  for (detail::FlatNode<Fanout>* node = std::exchange(first_, nullptr); node != nullptr;) {
    detail::FlatNode<Fanout>* next = node->next_dropped;
    (node->height == 0 ? leaves : inners).add(node);
    node = next;
  }
  if (tree_->census_ != nullptr)
    tree_->census_->remove(Census::Kind::kFlatNode, static_cast<std::int64_t>(count_));
  count_ = 0;
}

template <unsigned Fanout>
auto BasicFlatTree<Fanout>::bulk(std::span<const FlatRange> ranges) -> Root {
  Edit edit{*this, Root{}};
  edit.replace(0, kAddressMax, ranges);
  const Retired none = edit.finish();
  return edit.root();
}

template <unsigned Fanout>
auto BasicFlatTree<Fanout>::retire_all(Root root) -> Retired {
  Edit edit{*this, root};
  edit.replace(0, kAddressMax, {});
  return edit.finish();
}

template BasicFlatTree<4>::Root BasicFlatTree<4>::bulk(std::span<const FlatRange>);
template BasicFlatTree<8>::Root BasicFlatTree<8>::bulk(std::span<const FlatRange>);
template BasicFlatTree<32>::Root BasicFlatTree<32>::bulk(std::span<const FlatRange>);
template BasicFlatTree<4>::Retired BasicFlatTree<4>::retire_all(Root);
template BasicFlatTree<8>::Retired BasicFlatTree<8>::retire_all(Root);
template BasicFlatTree<32>::Retired BasicFlatTree<32>::retire_all(Root);
template class BasicFlatEdit<4>;
template class BasicFlatEdit<8>;
template class BasicFlatEdit<32>;
template class BasicFlatRetired<4>;
template class BasicFlatRetired<8>;
template class BasicFlatRetired<32>;

}  // namespace holdfast::memory
