// SPDX-License-Identifier: Apache-2.0
// The flat tree beside a sorted array with std::upper_bound: lookups whose addresses are known in
// advance ("independent": throughput), lookups that each wait for the last ("dependent": latency),
// edits, and bytes a range.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "holdfast/memory/child_index.hpp"
#include "holdfast/memory/flat_tree.hpp"

namespace {

using namespace holdfast;
using namespace holdfast::memory;

constexpr std::uint64_t kStride = 0x1000;

/// Range i is [i * 4 KiB, + 2 KiB).
FlatRange nth(std::uint64_t i) {
  return {i * kStride, i * kStride + kStride / 2 - 1, reinterpret_cast<const void*>(i + 1), 0,
          RangeFlags::kNone};
}

std::vector<FlatRange> ranges(std::uint64_t count) {
  std::vector<FlatRange> all;
  for (std::uint64_t i = 0; i < count; ++i) all.push_back(nth(i));
  return all;
}

/// Inside the ranges, all over; a power of two of them.
std::vector<std::uint64_t> addresses(std::uint64_t count) {
  std::mt19937_64 random{1};
  std::vector<std::uint64_t> all(1 << 16);
  for (std::uint64_t& address : all) address = random() % count * kStride + random() % 0x800;
  return all;
}

class InTree {
 public:
  explicit InTree(std::uint64_t count) : root_{tree_.bulk(ranges(count))} {}
  ~InTree() { tree_.retire_all(root_).run(); }
  bool find(std::uint64_t address, FlatRange& out) const {
    return FlatTree::find(root_, address, out);
  }

 protected:
  FlatTree tree_;
  FlatTree::Root root_;
};

/// The form that names the hole on a miss.
class InTreeOrHole : public InTree {
 public:
  using InTree::InTree;
  bool find(std::uint64_t address, FlatRange& out) const {
    const FindResult result = FlatTree::find_or_hole(root_, address);
    if (result) out = result.range;
    return result.found;
  }
};

class InArray {
 public:
  explicit InArray(std::uint64_t count) : all_{ranges(count)} {}
  [[gnu::noinline]] bool find(std::uint64_t address, FlatRange& out) const {
    auto it = std::upper_bound(all_.begin(), all_.end(), address,
                               [](std::uint64_t a, const FlatRange& r) { return a < r.first; });
    if (it == all_.begin() || (--it)->last < address) return false;
    out = *it;
    return true;
  }

 private:
  std::vector<FlatRange> all_;
};

template <typename Map>
void lookup_independent(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const Map map{count};
  const auto at = addresses(count);
  std::size_t i = 0;
  FlatRange range;
  for (auto _ : state) {
    benchmark::DoNotOptimize(map.find(at[i++ & 0xffff], range));
    benchmark::DoNotOptimize(range);
  }
}

template <typename Map>
void lookup_dependent(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const Map map{count};
  const auto at = addresses(count);
  std::size_t i = 0;
  FlatRange range;
  for (auto _ : state) {
    map.find(at[i], range);
    // The offset is always 0, which only the lookup knows.
    i = (i + 1 + range.offset) & 0xffff;
  }
  benchmark::DoNotOptimize(range);
}

/// Takes one random range out and puts it back: two versions, both retired on the spot.
void edit_random(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  FlatTree tree;
  FlatTree::Root root = tree.bulk(ranges(count));
  std::mt19937_64 random{1};
  for (auto _ : state) {
    const FlatRange range = nth(random() % count);
    for (const bool there : {false, true}) {
      FlatTree::Edit edit{tree, root};
      edit.replace(range.first, range.first, {&range, there ? 1U : 0U});
      root = edit.root();
      edit.finish().run();
    }
  }
  state.SetItemsProcessed(2 * state.iterations());
  tree.retire_all(root).run();
}

/// The same in one transaction: nodes are copied once and then changed in place.
void edit_in_one_transaction(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  FlatTree tree;
  FlatTree::Root root = tree.bulk(ranges(count));
  std::mt19937_64 random{1};
  for (auto _ : state) {
    FlatTree::Edit edit{tree, root};
    for (int i = 0; i < 10'000; ++i) {
      const FlatRange range = nth(random() % count);
      edit.replace(range.first, range.first, {});
      edit.replace(range.first, range.first, {&range, 1});
    }
    root = edit.root();
    edit.finish().run();
  }
  state.SetItemsProcessed(20'000 * state.iterations());
  tree.retire_all(root).run();
}

/// Bytes a range after a bulk build, after ascending insertion and after random churn.
void footprint(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    FlatTree tree;
    const auto all = ranges(count);
    FlatTree::Root root = tree.bulk(all);
    state.counters["bulk"] = FlatTree::footprint(root).bytes_per_range();
    tree.retire_all(root).run();

    FlatTree::Edit ascending{tree, {}};
    for (const FlatRange& range : all) ascending.replace(range.first, range.first, {&range, 1});
    ascending.finish().run();
    state.counters["ascending"] = FlatTree::footprint(ascending.root()).bytes_per_range();

    FlatTree::Edit churn{tree, ascending.root()};
    std::mt19937_64 random{1};
    std::vector<std::uint64_t> present;
    for (const FlatRange& range : all) present.push_back(range.first);
    for (std::uint64_t i = 0; i < 10 * count; ++i) {
      std::uint64_t& place = present[random() % count];
      churn.replace(place, place, {});
      FlatRange range = nth(0);
      FlatRange met;
      do {
        range.first = range.last = random() % (count * kStride);
      } while (FlatTree::find(churn.root(), range.first, met));
      churn.replace(range.first, range.first, {&range, 1});
      place = range.first;
    }
    churn.finish().run();
    state.counters["churned"] = FlatTree::footprint(churn.root()).bytes_per_range();
    tree.retire_all(churn.root()).run();
  }
}

/// A child moves: out of the index and in again.
void child_index_move(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  NodePool pool{ChildIndex::kNodeBytes};
  ChildIndex index{pool};
  const auto child = [](std::uint64_t i) { return reinterpret_cast<RegionControl*>(i + 1); };
  for (std::uint64_t i = 0; i < count; ++i) index.insert({nth(i).first, nth(i).last}, child(i));
  std::mt19937_64 random{1};
  for (auto _ : state) {
    const std::uint64_t i = random() % count;
    index.erase(nth(i).first, child(i));
    index.insert({nth(i).first, nth(i).last}, child(i));
  }
  state.counters["bytes_a_child"] =
      static_cast<double>(pool.bytes_in_use()) / static_cast<double>(count);
}

#define SIZES Arg(16)->Arg(1024)->Arg(100'000)
BENCHMARK(lookup_independent<InTree>)->SIZES;
BENCHMARK(lookup_independent<InTreeOrHole>)->SIZES;
BENCHMARK(lookup_independent<InArray>)->SIZES;
BENCHMARK(lookup_dependent<InTree>)->SIZES;
BENCHMARK(lookup_dependent<InArray>)->SIZES;
BENCHMARK(edit_random)->SIZES;
BENCHMARK(edit_in_one_transaction)->SIZES;
BENCHMARK(footprint)->SIZES->Iterations(1);
BENCHMARK(child_index_move)->SIZES;

}  // namespace
