// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/flat_tree.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace holdfast::memory {
namespace {

FlatRange range(std::uint64_t first, std::uint64_t last, std::uintptr_t target = 1) {
  return {first, last, reinterpret_cast<const void*>(target), 0x100, RangeFlags::kReadOnly};
}

/// Range i is [16 i, 16 i + 7].
std::vector<FlatRange> comb(std::uint64_t count) {
  std::vector<FlatRange> all;
  for (std::uint64_t i = 0; i < count; ++i) all.push_back(range(16 * i, 16 * i + 7, i + 1));
  return all;
}

template <typename Tree>
std::vector<FlatRange> contents(typename Tree::Root root) {
  std::vector<FlatRange> all;
  Tree::for_each(root, Extent::everything(), [&](const FlatRange& r) { all.push_back(r); });
  return all;
}

TEST(FlatTree, AnEmptyTreeIsOneHole) {
  FlatRange out;
  EXPECT_FALSE(FlatTree::find({}, 0, out));
  EXPECT_FALSE(FlatTree::find({}, kAddressMax, out));
  EXPECT_EQ(FlatTree::find_or_hole({}, 5).hole, Extent::everything());
  EXPECT_EQ(FlatTree::first({}), std::nullopt);
  EXPECT_EQ(FlatTree::last({}), std::nullopt);
  EXPECT_EQ(FlatTree::size({}), 0U);
}

TEST(FlatTree, ARangeMayCoverTheWholeAddressSpace) {
  FlatTree tree;
  const FlatRange all = range(0, kAddressMax);
  const FlatTree::Root root = tree.bulk({&all, 1});
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{1} << 63, kAddressMax}) {
    FlatRange out;
    EXPECT_TRUE(FlatTree::find(root, at, out));
    EXPECT_EQ(out, all);
  }
  tree.retire_all(root).run();
  EXPECT_EQ(tree.nodes_in_use(), 0);
}

TEST(FlatTree, TheLastAddressMayBeARangeOfItsOwn) {
  FlatTree tree;
  const std::vector<FlatRange> ends{range(0, 0), range(kAddressMax, kAddressMax)};
  const FlatTree::Root root = tree.bulk(ends);
  FlatRange out;
  EXPECT_TRUE(FlatTree::find(root, kAddressMax, out));
  EXPECT_EQ(out, ends[1]);
  EXPECT_FALSE(FlatTree::find(root, kAddressMax - 1, out));
  EXPECT_EQ(FlatTree::find_or_hole(root, 77).hole, (Extent{1, kAddressMax - 1}));
  FlatTree::Edit edit{tree, root};
  edit.replace(kAddressMax, kAddressMax, {});
  EXPECT_EQ(contents<FlatTree>(edit.root()), std::vector{ends[0]});
  edit.finish().run();
  EXPECT_EQ(FlatTree::find_or_hole(edit.root(), kAddressMax).hole, (Extent{1, kAddressMax}));
  tree.retire_all(edit.root()).run();
}

TEST(FlatTree, AMissNamesItsHole) {
  BasicFlatTree<4> tree;
  const auto root = tree.bulk(comb(1000));
  for (std::uint64_t i = 0; i + 1 < 1000; ++i)
    EXPECT_EQ(tree.find_or_hole(root, 16 * i + 11).hole, (Extent{16 * i + 8, 16 * i + 15}));
  EXPECT_EQ(tree.find_or_hole(root, 1 << 20).hole, (Extent{16 * 999 + 8, kAddressMax}));
  tree.retire_all(root).run();
}

TEST(FlatTree, AnEditLeavesItsBaseReadable) {
  FlatTree tree;
  const auto before = comb(500);
  const FlatTree::Root base = tree.bulk(before);
  FlatTree::Edit edit{tree, base};
  const FlatRange wide = range(1600, 4799, 77);
  edit.replace(1600, 4799, {&wide, 1});
  EXPECT_TRUE(edit.changed());
  FlatTree::Retired dropped = edit.finish();
  EXPECT_EQ(contents<FlatTree>(base), before);
  EXPECT_EQ(FlatTree::size(edit.root()), 301U);
  const std::int64_t both = tree.nodes_in_use();
  const auto retired = static_cast<std::int64_t>(dropped.size());
  dropped.run();
  EXPECT_EQ(tree.nodes_in_use(), both - retired);
  tree.retire_all(edit.root()).run();
  EXPECT_EQ(tree.nodes_in_use(), 0);
}

TEST(FlatTree, AnEditThatFindsNothingToDoCopiesNothing) {
  FlatTree tree;
  const FlatTree::Root base = tree.bulk(comb(500));
  const std::int64_t nodes = tree.nodes_in_use();
  FlatTree::Edit edit{tree, base};
  edit.replace(8, 15, {});
  EXPECT_FALSE(edit.changed());
  EXPECT_EQ(tree.nodes_in_use(), nodes);
  EXPECT_TRUE(edit.finish().empty());
  tree.retire_all(base).run();
}

TEST(FlatTree, AnAbandonedEditFreesWhatItMade) {
  FlatTree tree;
  const FlatTree::Root base = tree.bulk(comb(500));
  const std::int64_t nodes = tree.nodes_in_use();
  {
    FlatTree::Edit edit{tree, base};
    edit.replace(100, 5000, {});
    const auto items = comb(3000);
    edit.replace(0, kAddressMax, items);
  }
  EXPECT_EQ(tree.nodes_in_use(), nodes);
  EXPECT_EQ(contents<FlatTree>(base), comb(500));
  tree.retire_all(base).run();
}

TEST(FlatTree, ALargeTransactionCopiesEachNodeOnce) {
  FlatTree tree;
  const FlatTree::Root base = tree.bulk(comb(1000));
  const auto nodes = static_cast<std::size_t>(tree.nodes_in_use());
  FlatTree::Edit edit{tree, base};
  for (int round = 0; round < 10; ++round)
    for (const FlatRange& r : comb(1000)) edit.replace(r.first, r.first, {&r, 1});
  FlatTree::Retired dropped = edit.finish();
  EXPECT_EQ(dropped.size(), nodes);
  EXPECT_EQ(static_cast<std::size_t>(tree.nodes_in_use()), 2 * nodes);
  dropped.run();
  tree.retire_all(edit.root()).run();
}

TEST(FlatTree, SmallEditsDropOnePathEach) {
  FlatTree tree;
  FlatTree::Root root = tree.bulk(comb(10'000));
  const FlatRange moved = range(16 * 5000 + 8, 16 * 5000 + 9);
  FlatTree::Edit edit{tree, root};
  edit.replace(moved.first, moved.first, {&moved, 1});
  EXPECT_EQ(edit.finish().size(), 3U);  // a leaf, its parent, the root
  tree.retire_all(edit.root()).run();
}

TEST(FlatTree, TwoVersionsMayBeMadeSideBySide) {
  FlatTree tree;
  const FlatTree::Root a = tree.bulk(comb(100));
  const FlatTree::Root b = tree.bulk(comb(200));
  FlatTree::Edit edit_a{tree, a};
  FlatTree::Edit edit_b{tree, b};
  edit_a.replace(0, 100, {});
  edit_b.replace(0, 200, {});
  edit_a.replace(1000, 1100, {});
  edit_a.finish().run();
  edit_b.finish().run();
  EXPECT_EQ(FlatTree::size(edit_a.root()), 87U);
  EXPECT_EQ(FlatTree::size(edit_b.root()), 187U);
  tree.retire_all(edit_a.root()).run();
  tree.retire_all(edit_b.root()).run();
  EXPECT_EQ(tree.nodes_in_use(), 0);
}

TEST(FlatTree, ARangeTakesAtMost64BytesFrom1000Up) {
  for (const std::uint64_t count : {1000U, 10'000U}) {
    FlatTree tree;
    const FlatTree::Root bulk = tree.bulk(comb(count));
    EXPECT_LE(FlatTree::footprint(bulk).bytes_per_range(), 45);
    tree.retire_all(bulk).run();

    const auto rising = comb(count);
    FlatTree::Edit up{tree, {}};
    for (auto r = rising.begin(); r != rising.end(); ++r) up.replace(r->first, r->first, {&*r, 1});
    up.finish().run();
    EXPECT_LE(FlatTree::footprint(up.root()).bytes_per_range(), 45);
    tree.retire_all(up.root()).run();

    FlatTree::Edit down{tree, {}};
    for (auto r = rising.rbegin(); r != rising.rend(); ++r)
      down.replace(r->first, r->first, {&*r, 1});
    down.finish().run();
    EXPECT_LE(FlatTree::footprint(down.root()).bytes_per_range(), 45);

    // Every second one goes and comes back in another order, again and again.
    FlatTree::Edit churn{tree, down.root()};
    std::uint64_t place = 1;
    for (std::uint64_t i = 0; i < 20 * count; ++i) {
      place = place * 6364136223846793005 + 1442695040888963407;
      const FlatRange& r = rising[(place >> 33) % count];
      FlatRange out;
      if (FlatTree::find(churn.root(), r.first, out))
        churn.replace(r.first, r.first, {});
      else
        churn.replace(r.first, r.first, {&r, 1});
    }
    for (const FlatRange& r : rising) churn.replace(r.first, r.first, {&r, 1});
    churn.finish().run();
    EXPECT_EQ(FlatTree::size(churn.root()), count);
    EXPECT_LE(FlatTree::footprint(churn.root()).bytes_per_range(), 64);
    tree.retire_all(churn.root()).run();
    EXPECT_EQ(tree.nodes_in_use(), 0);
  }
}

TEST(FlatTree, ABatchMovesAndFreesOnce) {
  Census census;
  FlatTree tree{&census};
  const FlatTree::Root root = tree.bulk(comb(40));
  EXPECT_EQ(census.take()[Census::Kind::kFlatNode], 3);
  FlatTree::Retired first = tree.retire_all(root);
  FlatTree::Retired second = std::move(first);
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.size(), 3U);
  second = FlatTree::Retired{};  // an assignment runs what it replaces
  EXPECT_EQ(tree.nodes_in_use(), 0);
  EXPECT_EQ(census.take()[Census::Kind::kFlatNode], 0);
}

TEST(FlatTree, TheCheckerSeesABrokenSeparator) {
  BasicFlatTree<4> tree;
  const auto root = tree.bulk(comb(20));
  auto* node = reinterpret_cast<detail::FlatNode<4>*>(root.bits() & ~std::uintptr_t{63});
  ASSERT_GT(node->height, 0);
  --node->keys[1];
  EXPECT_FALSE(tree.check(root).has_value());
  ++node->keys[1];
  EXPECT_TRUE(tree.check(root).has_value());
  tree.retire_all(root).run();
}

TEST(FlatTreeDeathTest, AnEditEndsOnce) {
  FlatTree tree;
  FlatTree::Edit edit{tree, {}};
  edit.finish().run();
  EXPECT_DEATH(edit.replace(0, 0, {}), "goes on after its end");
  EXPECT_DEATH(edit.finish().run(), "finished twice");
}

}  // namespace
}  // namespace holdfast::memory
