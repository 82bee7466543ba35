// SPDX-License-Identifier: Apache-2.0
// Random edits of a flat tree against std::map, with old versions kept and looked at again.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "holdfast/memory/flat_tree.hpp"
#include "tests/property/memory/random_program.hpp"

namespace holdfast::memory {
namespace {

using testing::Chooser;
using Model = std::map<std::uint64_t, FlatRange>;

std::vector<FlatRange> values(const Model& model) {
  std::vector<FlatRange> all;
  for (const auto& [first, range] : model) all.push_back(range);
  return all;
}

/// Every byte of a version that a reader may look at.
template <unsigned Fanout>
void digest(const detail::FlatNode<Fanout>* node, std::vector<std::uint64_t>& out) {
  for (const detail::Key key : node->keys) out.push_back(static_cast<std::uint64_t>(key));
  out.insert(out.end(), {node->transaction, node->count, node->height});
  for (unsigned i = 0; i < node->count; ++i) {
    if (node->height != 0) {
      const auto* child = detail::as_inner(node)->children[i];
      out.push_back(reinterpret_cast<std::uintptr_t>(child));
      digest<Fanout>(child, out);
    } else {
      const FlatRange range = detail::as_leaf(node)->range(i);
      out.insert(out.end(), {range.last, reinterpret_cast<std::uintptr_t>(range.target),
                             range.offset, static_cast<std::uint64_t>(range.flags)});
    }
  }
}

template <unsigned Fanout>
std::vector<std::uint64_t> digest(typename BasicFlatTree<Fanout>::Root root) {
  std::vector<std::uint64_t> out;
  if (!root.empty())
    digest<Fanout>(reinterpret_cast<const detail::FlatNode<Fanout>*>(root.bits() &
                                                                     ~std::uintptr_t{63}),
                   out);
  return out;
}

template <unsigned Fanout>
class Program {
 public:
  using Tree = BasicFlatTree<Fanout>;
  using Root = typename Tree::Root;

  explicit Program(std::uint64_t seed) : choose_{seed} {}

  void run() {
    versions_.push_back({Root{}, {}, {}, {}});
    if (choose_.one_in(50)) begin_large();
    const std::uint64_t edits = choose_.between(5, 40);
    for (std::uint64_t i = 0; i < edits && !::testing::Test::HasFailure(); ++i) edit();
    const Root last = versions_.back().root;
    versions_.push_back({Root{}, {}, {}, tree_.retire_all(last)});
    while (versions_.size() > 1) forget_oldest();
    EXPECT_EQ(tree_.nodes_in_use(), 0);
    EXPECT_EQ(census_.take()[Census::Kind::kFlatNode], 0);
  }

 private:
  struct Version {
    Root root;
    Model model;
    std::vector<std::uint64_t> digest;
    typename Tree::Retired before;  // what was dropped when this version was made
  };

  /// Enough ranges for three levels at the largest fan-out.
  void begin_large() {
    choose_.live_everywhere();
    Model model;
    const std::vector<FlatRange> items =
        random_items(model, Extent::everything(), kAddressMax, choose_.between(900, 2500));
    const Root root = tree_.bulk(items);
    compare(root, model);
    EXPECT_EQ(census_.take()[Census::Kind::kFlatNode], tree_.nodes_in_use());
    versions_.push_back({root, std::move(model), digest<Fanout>(root), {}});
  }

  void edit() {
    const Model base = versions_.back().model;
    const std::int64_t nodes = tree_.nodes_in_use();
    Model model = base;
    typename Tree::Edit edit{tree_, versions_.back().root};
    const std::uint64_t steps = choose_.between(1, 6);
    for (std::uint64_t i = 0; i < steps; ++i) {
      const Extent firsts = choose_.extent();
      const std::vector<FlatRange> items = replacement(model, firsts);
      edit.replace(firsts.first, firsts.last, items);
      compare(edit.root(), model);
      compare_leaves(edit, model);
      if (::testing::Test::HasFailure()) return;
    }
    if (choose_.one_in(5)) {
      edit.abandon();
      EXPECT_EQ(tree_.nodes_in_use(), nodes);
      EXPECT_EQ(edit.root(), versions_.back().root);
    } else {
      typename Tree::Retired dropped = edit.finish();
      versions_.push_back(
          {edit.root(), std::move(model), digest<Fanout>(edit.root()), std::move(dropped)});
      EXPECT_EQ(census_.take()[Census::Kind::kFlatNode], tree_.nodes_in_use());
    }
    for (const Version& version : versions_)
      ASSERT_EQ(digest<Fanout>(version.root), version.digest) << "an old version has changed";
    while (versions_.size() > 1 + choose_.below(4)) forget_oldest();
  }

  /// Changes the model as replace() will change the tree.
  std::vector<FlatRange> replacement(Model& model, Extent firsts) {
    model.erase(model.lower_bound(firsts.first), model.upper_bound(firsts.last));
    const auto above = model.upper_bound(firsts.last);
    const std::uint64_t end = above == model.end() ? kAddressMax : above->first - 1;
    std::uint64_t at = firsts.first;
    if (above != model.begin() && std::prev(above)->second.last >= at) {
      if (std::prev(above)->second.last >= firsts.last) return {};
      at = std::prev(above)->second.last + 1;
    }
    const std::uint64_t wanted = choose_.one_in(8) ? choose_.below(150) : choose_.below(5);
    return random_items(model, {at, firsts.last}, end, wanted);
  }

  /// Disjoint ranges that begin in an extent and end at `end` at the latest.
  std::vector<FlatRange> random_items(Model& model, Extent firsts, std::uint64_t end,
                                      std::uint64_t wanted) {
    std::uint64_t at = firsts.first;
    std::vector<FlatRange> items;
    const std::uint64_t stride = (firsts.last - at) / (wanted + 1);
    while (items.size() < wanted) {
      const std::uint64_t first = choose_.between(at, at + std::min(stride, firsts.last - at));
      std::uint64_t last = choose_.between(first, first + std::min(stride, end - first));
      if (choose_.one_in(50) && wanted < 900) last = end;
      const FlatRange range{first, last, reinterpret_cast<const void*>(choose_.between(1, 99)),
                            choose_.below(kAddressMax),
                            static_cast<RangeFlags>(choose_.below(32))};
      items.push_back(range);
      model.emplace(first, range);
      if (last >= firsts.last) break;
      at = last + 1;
    }
    return items;
  }

  void compare(Root root, const Model& model) {
    const Result<void> sound = Tree::check(root);
    ASSERT_TRUE(sound) << sound.error().message;
    std::vector<FlatRange> all;
    Tree::for_each(root, Extent::everything(), [&](const FlatRange& r) { all.push_back(r); });
    ASSERT_EQ(all, values(model));
    ASSERT_EQ(Tree::size(root), model.size());
    ASSERT_EQ(Tree::first(root).has_value(), !model.empty());
    if (!model.empty()) {
      ASSERT_EQ(*Tree::first(root), model.begin()->second);
      ASSERT_EQ(*Tree::last(root), model.rbegin()->second);
    }
    detail::avx2_in_use = detail::processor_has_avx2() && choose_.one_in(2);
    for (int i = 0; i < 8; ++i) compare_find(root, model, interesting_address(model));
    compare_walk(root, model, choose_.extent());
  }

  std::uint64_t interesting_address(const Model& model) {
    std::uint64_t address = choose_.address();
    const auto near = model.lower_bound(address);
    if (near != model.end() && choose_.one_in(2))
      address = choose_.one_in(2) ? near->second.first : near->second.last;
    return address + choose_.below(3) - 1;  // may wrap: the other end is interesting too
  }

  void compare_find(Root root, const Model& model, std::uint64_t address) {
    const auto above = model.upper_bound(address);
    Extent hole = Extent::everything();
    if (above != model.end()) hole.last = above->first - 1;
    const bool below = above != model.begin();
    const bool hit = below && std::prev(above)->second.last >= address;
    if (below && !hit) hole.first = std::prev(above)->second.last + 1;

    FlatRange range;
    ASSERT_EQ(Tree::find(root, address, range), hit) << address;
    const FindResult result = Tree::find_or_hole(root, address);
    ASSERT_EQ(result.found, hit) << address;
    if (hit) {
      ASSERT_EQ(range, std::prev(above)->second);
      ASSERT_EQ(result.range, range);
    } else {
      ASSERT_EQ(result.hole.first, hole.first) << address;
      ASSERT_EQ(result.hole.last, hole.last) << address;
    }
  }

  void compare_walk(Root root, const Model& model, Extent extent) {
    std::vector<FlatRange> expected;
    for (const auto& [first, range] : model)
      if (Extent{first, range.last}.meets(extent)) expected.push_back(range);
    std::vector<FlatRange> met;
    Tree::for_each(root, extent, [&](const FlatRange& r) { met.push_back(r); });
    ASSERT_EQ(met, expected);
    std::size_t limit = expected.size() / 2 + 1;
    std::size_t seen = 0;
    Tree::for_each(root, extent, [&](const FlatRange&) { return ++seen < limit; });
    ASSERT_EQ(seen, std::min(limit, expected.size()));
  }

  /// The leaves' responsibilities cut the address space into pieces that each begin a range.
  void compare_leaves(const typename Tree::Edit& edit, const Model& model) {
    std::size_t leaves = 0;
    for (std::uint64_t at = 0;; ++leaves) {
      const std::uint64_t last = edit.leaf_last(at);
      ASSERT_GE(last, at);
      const auto begin = model.lower_bound(at);
      const auto held = std::distance(begin, model.upper_bound(last));
      ASSERT_LE(held, static_cast<std::ptrdiff_t>(Fanout));
      if (!model.empty()) {
        ASSERT_GE(held, 1);
        ASSERT_TRUE(at == 0 || begin->first == at);
      }
      if (last == kAddressMax) break;
      at = last + 1;
    }
    if (!model.empty()) {
      ASSERT_EQ(leaves + 1, Tree::footprint(edit.root()).leaves);
    }
  }

  void forget_oldest() {
    compare(versions_[0].root, versions_[0].model);
    versions_[1].before.run();
    versions_.pop_front();
  }

  Chooser choose_;
  Census census_;
  Tree tree_{&census_};
  std::deque<Version> versions_;
};

template <unsigned Fanout>
void run_programs(std::uint64_t count) {
  for (const std::uint64_t seed : testing::seeds(count)) {
    SCOPED_TRACE(::testing::Message() << "HOLDFAST_SEED=" << seed);
    Program<Fanout>{seed}.run();
    if (::testing::Test::HasFailure()) return;
  }
  detail::avx2_in_use = detail::processor_has_avx2();
}

TEST(FlatTreeProperty, EditsAgreeWithAMapAtFanout4) { run_programs<4>(2000); }
TEST(FlatTreeProperty, EditsAgreeWithAMapAtFanout8) { run_programs<8>(2000); }
TEST(FlatTreeProperty, EditsAgreeWithAMapAtFanout32) { run_programs<32>(2000); }

}  // namespace
}  // namespace holdfast::memory
