// SPDX-License-Identifier: Apache-2.0
// The flat form of a view: disjoint ranges in ascending order in a persistent B+ tree.
//
// A version of a view is a Root, one machine word that its owner publishes with a release store and
// readers take with an acquire load inside a read section; they then search without waiting for
// anyone. An Edit makes the next version: it copies the nodes on the path it changes and shares the
// rest. The history of a view is linear and its nodes belong to it alone, so the edit knows exactly
// which nodes the new version drops; they are handed over as one Retired batch, to be run when no
// reader can see the old version any more.
//
// LOCK: everything but the static readers and Retired runs under the map's writer lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/memory/fanout.hpp"
#include "holdfast/memory/flat_range.hpp"
#include "holdfast/memory/flat_tree_node.hpp"
#include "holdfast/memory/node_pool.hpp"

namespace holdfast::memory {

/// What an address shows: a range, or the hole it lies in.
struct FindResult {
  bool found = false;
  FlatRange range;  // if found
  Extent hole;      // if not found: the largest extent around the address that shows nothing
  explicit operator bool() const { return found; }
};

template <unsigned Fanout>
class BasicFlatEdit;
template <unsigned Fanout>
class BasicFlatRetired;

/// The storage of all flat trees of one map and the way to edit them. Outlives the batches retired
/// from it. Thresholds follow from the fan-out; low fan-outs exist so that tests reach every case.
template <unsigned Fanout>
class BasicFlatTree {
 public:
  using Edit = BasicFlatEdit<Fanout>;
  using Retired = BasicFlatRetired<Fanout>;

  /// One version of one view: the root node, and its height in the low bits. Null: no ranges.
  class Root {
   public:
    constexpr Root() = default;
    static Root from_bits(std::uintptr_t bits) {
      Root root;
      root.bits_ = bits;
      return root;
    }
    std::uintptr_t bits() const { return bits_; }
    bool empty() const { return bits_ == 0; }
    friend bool operator==(Root, Root) = default;

   private:
    friend BasicFlatTree;
    friend BasicFlatEdit<Fanout>;
    using Node = detail::FlatNode<Fanout>;
    static constexpr std::uintptr_t kHeightMask = NodePool::kAlignment - 1;

    Root(Node* node, unsigned height) : bits_{reinterpret_cast<std::uintptr_t>(node) | height} {}
    Node* node() const { return reinterpret_cast<Node*>(bits_ & ~kHeightMask); }
    unsigned height() const { return static_cast<unsigned>(bits_ & kHeightMask); }

    std::uintptr_t bits_ = 0;
  };

  /// What the nodes of one version take.
  struct Footprint {
    std::size_t ranges = 0;
    std::size_t leaves = 0;
    std::size_t inners = 0;
    std::size_t bytes = 0;
    double bytes_per_range() const {
      return ranges == 0 ? 0.0 : static_cast<double>(bytes) / static_cast<double>(ranges);
    }
  };

  /// Nodes are counted in the census (if there is one) from finish() until their batch has run.
  explicit BasicFlatTree(Census* census = nullptr);
  BasicFlatTree(const BasicFlatTree&) = delete;
  BasicFlatTree& operator=(const BasicFlatTree&) = delete;

  // Readers. Wait-free; the root must stay unreclaimed for the duration of the call.

  /// The range that holds the address; `out` is written only if there is one. The fast one: ask
  /// find_or_hole() once it has missed.
  static bool find(Root root, std::uint64_t address, FlatRange& out);
  /// The same, and on a miss the hole around the address.
  static FindResult find_or_hole(Root root, std::uint64_t address);
  /// Calls `visit(const FlatRange&)` for the ranges that meet the extent, ascending. If it returns
  /// a bool, false stops the walk. It must not edit the version that is walked.
  template <typename Visit>
  static void for_each(Root root, Extent extent, Visit&& visit);
  static std::size_t size(Root root);
  /// The lowest range and the highest.
  static std::optional<FlatRange> first(Root root);
  static std::optional<FlatRange> last(Root root);

  static Footprint footprint(Root root);
  /// Whether the tree keeps its invariants; the error names the first one broken. For tests.
  static Result<void> check(Root root);

  // Writer.

  /// A tree of these ranges, which are ascending and disjoint.
  Root bulk(std::span<const FlatRange> ranges);
  /// Drops a whole version: the last one of a view that goes.
  [[nodiscard]] Retired retire_all(Root root);

  std::int64_t nodes_in_use() const { return leaves_.in_use() + inners_.in_use(); }
  std::size_t bytes_in_use() const { return leaves_.bytes_in_use() + inners_.bytes_in_use(); }

 private:
  friend BasicFlatEdit<Fanout>;
  friend BasicFlatRetired<Fanout>;
  using Key = detail::Key;
  using Node = detail::FlatNode<Fanout>;
  using Leaf = detail::FlatLeaf<Fanout>;
  using Inner = detail::FlatInner<Fanout>;
  static_assert(sizeof(Node) % NodePool::kAlignment == 0);

  /// Nodes this full are made when many are made at once, and by joining two.
  static constexpr unsigned kFill = Fanout * 7 / 8;
  /// More cannot be needed: every level halves the nodes at least when it is made.
  static constexpr unsigned kMaxHeight = 48;

  static bool thin(unsigned count) { return count * 5 < Fanout * 2; }

  /// Walks ranges upwards.
  struct Cursor {
    /// At the first range that ends at the address or above.
    Cursor(Root root, std::uint64_t address);
    bool done() const { return leaf == nullptr; }
    FlatRange range() const { return leaf->range(index); }
    void next() {
      if (++index == leaf->count) next_leaf();
    }
    void next_leaf();

    struct Step {
      const Inner* node;
      unsigned index;
    };
    const Leaf* leaf = nullptr;
    unsigned index = 0;
    unsigned height = 0;
    Step path[kMaxHeight + 1];  // [1..height]; not initialised beyond
  };

  /// A subtree in the making and its first key.
  struct Piece {
    Key key;
    Node* node;
  };

  NodePool leaves_{sizeof(Leaf)};
  NodePool inners_{sizeof(Inner)};
  Census* census_;
  std::uint64_t last_transaction_ = 0;
  // Scratch of the edit that is in replace(), kept for its capacity.
  std::vector<Piece> pieces_;
  std::vector<Piece> joined_;
  std::vector<FlatRange> ranges_;
};

/// The nodes that one edit dropped. Running (or destroying) it frees them: only once no reader can
/// see a version from before that edit. Any thread; takes no lock, allocates nothing.
template <unsigned Fanout>
class BasicFlatRetired {
 public:
  BasicFlatRetired() = default;
  BasicFlatRetired(BasicFlatRetired&& other) noexcept
      : tree_{std::exchange(other.tree_, nullptr)},
        first_{std::exchange(other.first_, nullptr)},
        count_{std::exchange(other.count_, 0)} {}
  BasicFlatRetired& operator=(BasicFlatRetired&& other) noexcept {
    if (this != &other) {
      run();
      tree_ = std::exchange(other.tree_, nullptr);
      first_ = std::exchange(other.first_, nullptr);
      count_ = std::exchange(other.count_, 0);
    }
    return *this;
  }
  ~BasicFlatRetired() { run(); }

  void run() noexcept;
  bool empty() const { return first_ == nullptr; }
  /// Nodes.
  std::size_t size() const { return count_; }

 private:
  friend BasicFlatEdit<Fanout>;
  BasicFlatTree<Fanout>* tree_ = nullptr;
  detail::FlatNode<Fanout>* first_ = nullptr;
  std::size_t count_ = 0;
};

/// Makes one new version from a base that stays as it is and readable. Several edits may be under
/// way at once if their bases differ. An edit that is neither finished nor abandoned abandons
/// itself.
template <unsigned Fanout>
class BasicFlatEdit {
 public:
  using Tree = BasicFlatTree<Fanout>;
  using Root = typename Tree::Root;
  using Retired = BasicFlatRetired<Fanout>;

  BasicFlatEdit(Tree& tree, Root base);
  ~BasicFlatEdit() { abandon(); }
  BasicFlatEdit(const BasicFlatEdit&) = delete;
  BasicFlatEdit& operator=(const BasicFlatEdit&) = delete;

  /// Drops the ranges whose first address lies in [lo, hi], then puts the items: ascending,
  /// disjoint from each other and from what remains, their first addresses in [lo, hi] too.
  /// Without ranges to drop and items it changes nothing and copies nothing.
  void replace(std::uint64_t lo, std::uint64_t hi, std::span<const FlatRange> items);

  /// The version so far. The readers above may be used on it by this thread; it may be published
  /// once finish() has been called.
  Root root() const { return root_; }
  /// Whether anything was changed since the base.
  bool changed() const { return root_ != base_; }
  /// The last address for which the leaf that would hold `address` is responsible.
  std::uint64_t leaf_last(std::uint64_t address) const;

  /// Ends the edit and hands over the nodes of the base that the new version dropped.
  [[nodiscard]] Retired finish();
  /// Ends the edit and frees what it made; root() is the base again.
  void abandon();

 private:
  using Node = typename Tree::Node;
  using Leaf = typename Tree::Leaf;
  using Inner = typename Tree::Inner;
  using Piece = typename Tree::Piece;
  using Ranges = std::span<const FlatRange>;

  /// How entries that do not fit in one node are shared out.
  enum class Split {
    kEven,
    kTail,  // they grew at their end and may go on: all nodes but the last are left nearly full
    kHead,  // the same at their beginning
  };
  /// The slots of a node that are to be replaced: [from, to).
  struct Slots {
    unsigned from;
    unsigned to;
  };

  static Split split_for(Slots slots, unsigned count);
  template <typename Entry, typename Emit>
  static void share_out(std::span<const Entry> entries, Split split, Emit emit);

  bool is_private(const Node* node) const { return node->transaction == transaction_; }
  Leaf* make_leaf();
  Inner* make_inner(unsigned height);
  Leaf* open(Leaf* leaf);
  Inner* open(Inner* inner);
  void recycle(Node* node);
  void drop(Node* node);
  void drop_subtree(Node* node);
  void free_private(Node* node);

  // Each replaces the node by what it pushes on the tree's scratch pieces.
  void splice(Node* node, Extent firsts, Ranges items);
  void splice_leaf(Leaf* leaf, Extent firsts, Ranges items);
  void splice_inner(Inner* inner, Extent firsts, Ranges items);
  void put_children(Inner* inner, Slots slots, std::size_t start);
  void emit_leaves(Ranges ranges, Split split);
  void emit_inners(std::span<const Piece> children, unsigned height, Split split);

  void join_thin(const Inner* inner, Slots& slots, std::size_t start);
  static bool worth_joining(const Node* a, const Node* b);
  Piece join(Node* left, Node* right);
  void set_root(unsigned height);

  Tree* tree_;  // null once ended
  Root base_;
  Root root_;
  std::uint64_t transaction_;
  Node* dropped_ = nullptr;
  std::size_t dropped_count_ = 0;
  std::int64_t made_ = 0;  // nodes of this edit that are in root_
};

template <unsigned Fanout>
template <typename Visit>
void BasicFlatTree<Fanout>::for_each(Root root, Extent extent, Visit&& visit) {
  for (Cursor cursor{root, extent.first}; !cursor.done(); cursor.next()) {
    const FlatRange range = cursor.range();
    if (range.first > extent.last) return;
    if constexpr (std::is_void_v<std::invoke_result_t<Visit&, const FlatRange&>>) {
      visit(range);
    } else {
      if (!visit(range)) return;
    }
  }
}

using FlatTree = BasicFlatTree<kMapFanout>;

extern template class BasicFlatTree<4>;
extern template class BasicFlatTree<8>;
extern template class BasicFlatTree<32>;
extern template class BasicFlatEdit<4>;
extern template class BasicFlatEdit<8>;
extern template class BasicFlatEdit<32>;
extern template class BasicFlatRetired<4>;
extern template class BasicFlatRetired<8>;
extern template class BasicFlatRetired<32>;

}  // namespace holdfast::memory
