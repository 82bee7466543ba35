// SPDX-License-Identifier: Apache-2.0
// Readers look up while the map is rewired. What they see is the map before an edit or the map after
// it, also across a link; and what they found under a stamp is good while the stamp stays.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/fabric.hpp"

namespace holdfast::memory::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kEdits = 2'000;
#else
constexpr int kEdits = 20'000;
#endif

class ViewRace : public ::testing::Test {
 protected:
  ~ViewRace() override {
    realm_.domain().barrier();
    block_->close();
  }
  MemoryRegion container(std::string name) {
    return MemoryRegion::container(fabric_, {.name = std::move(name)});
  }
  MemoryRegion ram(std::string name) {
    return MemoryRegion::ram(fabric_, {.name = std::move(name), .size = 0x1000}, block_);
  }
  /// Runs the readers for as long as `edit` takes.
  template <class Read, class Edit>
  void race(Read read, Edit edit) {
    std::atomic<bool> done{false};
    std::array<std::atomic<bool>, 2> reading{};
    std::vector<std::jthread> readers;
    for (auto& begun : reading)
      readers.emplace_back([&] {
        while (!done.load()) {
          const rcu::Section section{realm_.domain()};
          read();
          begun.store(true);
        }
      });
    for (auto& begun : reading)
      while (!begun.load()) std::this_thread::yield();
    edit();
    done.store(true);
  }

  gate::Realm realm_{"race"};
  Ref<RamBlock> block_ = RamBlock::make(realm_, "block", 0x10000).value();
  Fabric fabric_{realm_};
};

TEST_F(ViewRace, ARegionThatMovesIsInOnePlaceOrTheOther) {
  const auto root = container("root");
  const auto moving = ram("moving");
  const auto still = ram("still");
  const auto add = [&](Transaction& t) -> Transaction& {
    return t.add(root, 0, moving).add(root, 0x10000, still);
  };
  Transaction first;
  ASSERT_TRUE(fabric_.commit(std::move(add(first))));
  const AddressSpace space{fabric_, root, {.name = "space"}};
  std::atomic<int> wrong{0};
  race(
      [&] {
        // Both in one view: the generation tells whether it was one.
        const View& view = space.view();
        const std::uint64_t before = view.generation();
        const FlatTree::Root seen = view.root();
        const int places = FlatTree::find_or_hole(seen, 0).found +
                           FlatTree::find_or_hole(seen, 0x4000).found;
        if (places != 1 || !FlatTree::find_or_hole(seen, 0x10000).found) wrong.fetch_add(1);
        if (view.generation() < before) wrong.fetch_add(1);
      },
      [&] {
        for (int i = 0; i < kEdits; ++i) {
          Transaction transaction;
          transaction.move(moving, i % 2 == 0 ? 0x4000 : 0);
          ASSERT_TRUE(fabric_.commit(std::move(transaction)));
        }
      });
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(ViewRace, OneTransactionOverOverlayAndBaseIsSeenWhole) {
  const auto base = container("base");
  const auto top = container("top");
  const auto below = ram("below");
  const auto above = ram("above");
  const auto window = MemoryRegion::alias(fabric_, {.name = "window"}, base, 0);
  const AddressSpace shared{fabric_, base, {.name = "shared"}};
  Transaction first;
  first.add(base, 0x8000, below).add(top, 0, window).add(top, 0, above, 1);
  ASSERT_TRUE(fabric_.commit(std::move(first)));
  const AddressSpace space{fabric_, top, {.name = "private"}};
  ASSERT_TRUE(space.view().has_links());
  std::atomic<int> wrong{0};
  std::atomic<int> through{0};
  race(
      [&] {
        // Address 0 shows the one or, through the link, the other; never nothing.
        const FindResult found = space.find(0);
        if (!found)
          wrong.fetch_add(1);
        else if (found.range.control() == below.control().get())
          through.fetch_add(1);
      },
      [&] {
        for (int i = 0; i < kEdits || through.load() == 0; ++i) {
          Transaction transaction;
          transaction.move(above, i % 2 == 0 ? 0x8000 : 0).move(below, i % 2 == 0 ? 0 : 0x8000);
          ASSERT_TRUE(fabric_.commit(std::move(transaction)));
        }
      });
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(ViewRace, WhatWasFoundUnderAStampIsGoodWhileTheStampStays) {
  const auto base = container("base");
  const auto top = container("top");
  const auto even = ram("even");
  const auto odd = ram("odd");
  const auto window = MemoryRegion::alias(fabric_, {.name = "window"}, base, 0);
  const AddressSpace shared{fabric_, base, {.name = "shared"}};
  Transaction first;
  first.add(base, 0, even).add(top, 0, window);
  ASSERT_TRUE(fabric_.commit(std::move(first)));
  AddressSpace space{fabric_, top, {.name = "private"}};
  // What address 0 shows is fixed by the edits done; they are counted before and after.
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::atomic<int> wrong{0};
  race(
      [&] {
        const std::uint64_t stamp = space.stamp();
        const FindResult found = space.find(0);
        const int after = ended.load();
        if (space.stamp() != stamp) return;
        // The edits that had ended are in force; none has begun since.
        if (begun.load() != after) return;
        const auto* expected = (after % 2 == 0 ? even : odd).control().get();
        if (!found || found.range.control() != expected) wrong.fetch_add(1);
      },
      [&] {
        for (int i = 0; i < kEdits; ++i) {
          Transaction transaction;
          transaction.remove(i % 2 == 0 ? even : odd).add(base, 0, i % 2 == 0 ? odd : even);
          begun.fetch_add(1);
          ASSERT_TRUE(fabric_.commit(std::move(transaction)));
          ended.fetch_add(1);
        }
      });
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(ViewRace, SpacesAndRegionsComeAndGoUnderReaders) {
  const auto root = container("root");
  const AddressSpace space{fabric_, root, {.name = "space"}};
  std::atomic<int> wrong{0};
  race(
      [&] {
        const FindResult found = space.find(0x100);
        // The control block outlives its region until this section ends.
        if (found && found.range.control()->name() != "passing") wrong.fetch_add(1);
      },
      [&] {
        for (int i = 0; i < kEdits; ++i) {
          const auto passing = ram("passing");
          Transaction transaction;
          transaction.add(root, 0, passing);
          ASSERT_TRUE(fabric_.commit(std::move(transaction)));
          const AddressSpace other{fabric_, i % 2 == 0 ? root : passing, {.name = "other"}};
        }
      });
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(ViewRace, WritersTakeTurns) {
  const auto root = container("root");
  const AddressSpace space{fabric_, root, {.name = "space"}};
  {
    std::vector<std::jthread> writers;
    for (std::uint64_t w = 0; w < 3; ++w)
      writers.emplace_back([&, w] {
        const auto mine = ram("mine");
        Transaction transaction;
        transaction.add(root, w * 0x10000, mine);
        ASSERT_TRUE(fabric_.commit(std::move(transaction)));
        for (std::uint64_t i = 0; i < kEdits / 10; ++i) {
          Transaction move;
          move.move(mine, w * 0x10000 + i % 2 * 0x2000);
          ASSERT_TRUE(fabric_.commit(std::move(move)));
        }
      });
  }
  EXPECT_TRUE(space.view().root().empty());
}

}  // namespace
}  // namespace holdfast::memory::test
