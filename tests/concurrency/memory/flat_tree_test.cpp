// SPDX-License-Identifier: Apache-2.0
// Two readers walk published versions while a writer publishes new ones and a domain reclaims.
#include "holdfast/memory/flat_tree.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "holdfast/rcu/domain.hpp"

namespace holdfast::memory {
namespace {

constexpr std::uint64_t kSlots = 400;  // possible places
constexpr std::uint64_t kRanges = 200;  // taken ones, in every version

/// Everything in a range follows from its first address, so that a torn one is seen.
FlatRange at_slot(std::uint64_t slot) {
  const std::uint64_t first = slot << 12;
  return {first, first + slot, reinterpret_cast<const void*>(first + 1), ~first,
          RangeFlags::kUnmergeable};
}

bool whole(const FlatRange& range) { return range == at_slot(range.first >> 12); }

template <unsigned Fanout>
class Race {
 public:
  using Tree = BasicFlatTree<Fanout>;
  using Root = typename Tree::Root;

  void run(std::uint64_t edits) {
    std::vector<FlatRange> ranges;
    for (std::uint64_t slot = 0; slot < kRanges; ++slot) ranges.push_back(at_slot(slot));
    root_.store(tree_.bulk(ranges), std::memory_order_release);
    std::thread readers[2];
    for (std::uint64_t i = 0; i < 2; ++i) readers[i] = std::thread{[this, i] { read(i); }};
    write(edits);
    done_.store(true);
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(torn_.load(), 0U);
    const Root last = root_.exchange({});
    retire(tree_.retire_all(last));
    domain_.barrier();
    EXPECT_EQ(tree_.nodes_in_use(), 0);
    EXPECT_EQ(census_.take(), Census::Snapshot{});
  }

 private:
  void read(std::uint64_t seed) {
    std::mt19937_64 random{seed};
    for (std::uint64_t rounds = 0; rounds < 50 || !done_.load(); ++rounds) {
      const rcu::Section section{domain_};
      const Root root = root_.load(std::memory_order_acquire);  // pairs with the writer's store
      std::uint64_t ranges = 0;
      Tree::for_each(root, Extent::everything(), [&](const FlatRange& range) {
        ++ranges;
        if (!whole(range)) torn_.fetch_add(1);
      });
      if (ranges != kRanges) torn_.fetch_add(1);
      for (int i = 0; i < 50; ++i) {
        const std::uint64_t slot = random() % kSlots;
        const FlatRange wanted = at_slot(slot);
        FlatRange range;
        const bool found = Tree::find(root, wanted.first, range);
        const FindResult again = Tree::find_or_hole(root, wanted.first);
        if (found != again.found || (found && !(range == wanted && again.range == wanted)) ||
            (!found && !again.hole.contains(wanted.first)))
          torn_.fetch_add(1);
      }
    }
  }

  /// Each edit moves some ranges, one at a time, to free places.
  void write(std::uint64_t edits) {
    std::mt19937_64 random{99};
    std::vector<std::uint64_t> taken;
    std::vector<std::uint64_t> free;
    for (std::uint64_t slot = 0; slot < kSlots; ++slot)
      (slot < kRanges ? taken : free).push_back(slot);
    for (std::uint64_t i = 0; i < edits; ++i) {
      typename Tree::Edit edit{tree_, root_.load(std::memory_order_relaxed)};
      const bool give_up = random() % 8 == 0;
      for (std::uint64_t moves = give_up ? 1 : 1 + random() % 3; moves > 0; --moves) {
        std::uint64_t& from = taken[random() % taken.size()];
        std::uint64_t& to = free[random() % free.size()];
        edit.replace(from << 12, from << 12, {});
        const FlatRange moved = at_slot(to);
        edit.replace(moved.first, moved.first, {&moved, 1});
        if (!give_up) std::swap(from, to);
      }
      if (give_up) continue;  // abandoned: the nodes it made were never seen
      auto dropped = edit.finish();
      root_.store(edit.root(), std::memory_order_release);  // pairs with the readers' load
      retire(std::move(dropped));
      if (domain_.poll_due() || i % 16 == 0) domain_.poll();
    }
  }

  void retire(typename Tree::Retired dropped) {
    const std::size_t nodes = dropped.size();
    domain_.retire([batch = std::move(dropped)]() mutable { batch.run(); }, nodes);
  }

  Census census_;
  Tree tree_{&census_};
  rcu::Domain domain_{&census_};
  std::atomic<Root> root_{};
  static_assert(std::atomic<Root>::is_always_lock_free);
  std::atomic<bool> done_{false};
  std::atomic<std::uint64_t> torn_{0};
};

TEST(FlatTreeRace, ReadersSeeWholeVersionsAtFanout4) { Race<4>{}.run(3000); }
TEST(FlatTreeRace, ReadersSeeWholeVersionsAtFanout32) { Race<32>{}.run(3000); }

}  // namespace
}  // namespace holdfast::memory
