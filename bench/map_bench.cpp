// SPDX-License-Identifier: Apache-2.0
// Edit and publish: what a change of the map costs, by the number of regions and of who sees them.
// One commit is one iteration unless the name says otherwise.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/fabric.hpp"

namespace {

using namespace holdfast;
using namespace holdfast::memory;

constexpr std::uint64_t kBar = 0x1000;
constexpr std::uint64_t kStride = 0x4000;

class NullHandler final : public MmioHandler {
 public:
  MemTxResult read(std::uint64_t, unsigned, std::uint64_t&, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t, unsigned, std::uint64_t, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
};

/// A machine without a machine.
struct World {
  World() { gate->open(); }
  MemoryRegion container(std::string name, std::uint64_t size = kWholeSpace) {
    return MemoryRegion::container(fabric, {.name = std::move(name), .size = size});
  }
  MemoryRegion mmio(std::string name, std::uint64_t size) {
    return MemoryRegion::mmio(fabric, {.name = std::move(name), .size = size, .gate = gate},
                              {.handler = handler});
  }
  void commit(Transaction transaction) {
    benchmark::DoNotOptimize(fabric.commit(std::move(transaction)));
  }

  gate::Realm realm{"bench"};
  NullHandler handler;
  Ref<gate::Gate> gate = gate::Gate::make(realm, "owner");
  Fabric fabric{realm};
};

/// One container of `count` BARs, 4 KiB each, 16 KiB apart, in random order.
struct Flat : World {
  explicit Flat(std::size_t count) {
    Transaction transaction;
    for (std::size_t i = 0; i < count; ++i) {
      bars.push_back(mmio("bar", kBar));
      transaction.add(root, at(i), bars.back());
    }
    commit(std::move(transaction));
  }
  static std::uint64_t at(std::size_t i) { return i * kStride; }
  /// To and fro between its place and 4 KiB above.
  void toggle(std::size_t i) {
    moved.resize(bars.size());
    moved[i] = !moved[i];
    Transaction transaction;
    transaction.move(bars[i], at(i) + (moved[i] ? kBar : 0));
    commit(std::move(transaction));
  }

  MemoryRegion root = container("root");
  std::vector<MemoryRegion> bars;
  std::vector<bool> moved;
};

void sizes(benchmark::internal::Benchmark* b) {
  for (const int n : {10, 100, 1'000, 10'000, 100'000}) b->Arg(n);
}

void move_same_bar(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace space{map.fabric, map.root, {.name = "space"}};
  for (auto _ : state) map.toggle(map.bars.size() / 2);
}
BENCHMARK(move_same_bar)->Apply(sizes);

void move_random_bar(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace space{map.fabric, map.root, {.name = "space"}};
  std::mt19937_64 random{1};
  for (auto _ : state) map.toggle(random() % map.bars.size());
}
BENCHMARK(move_random_bar)->Apply(sizes);

void toggle_enabled(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace space{map.fabric, map.root, {.name = "space"}};
  bool enabled = true;
  for (auto _ : state) {
    Transaction transaction;
    transaction.set_enabled(map.bars[map.bars.size() / 2], enabled = !enabled);
    map.commit(std::move(transaction));
  }
}
BENCHMARK(toggle_enabled)->Apply(sizes);

void edits_10k_in_one_transaction(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace space{map.fabric, map.root, {.name = "space"}};
  std::mt19937_64 random{1};
  map.moved.resize(map.bars.size());
  for (auto _ : state) {
    Transaction transaction;
    for (int n = 0; n < 10'000; ++n) {
      const std::size_t i = random() % map.bars.size();
      map.moved[i] = !map.moved[i];
      transaction.move(map.bars[i], Flat::at(i) + (map.moved[i] ? kBar : 0));
    }
    map.commit(std::move(transaction));
  }
  state.SetItemsProcessed(state.iterations() * 10'000);
}
BENCHMARK(edits_10k_in_one_transaction)->Arg(1'000)->Arg(10'000)->Arg(100'000);

/// root → two windows → a bus of 40 bridges, 320 devices, 1,920 BARs.
struct Pci : World {
  Pci() {
    Transaction transaction;
    for (std::uint64_t b = 0; b < 40; ++b) {
      bridges.push_back(container("bridge", 0x100'0000));
      transaction.add(bus, b * 0x100'0000, bridges.back());
      for (std::uint64_t d = 0; d < 48; ++d) {
        bars.push_back(container("bar", 0x2000));
        transaction.add(bridges.back(), d * 0x8000, bars.back());
        for (std::uint64_t half = 0; half < 2; ++half) {
          leaves.push_back(mmio("registers", 0x800));
          transaction.add(bars.back(), half * 0x1000, leaves.back());
        }
      }
    }
    transaction.add(root, 0x1'0000'0000, low).add(root, 0x10'0000'0000, high);
    commit(std::move(transaction));
  }
  MemoryRegion root = container("root");
  MemoryRegion bus = container("bus");
  MemoryRegion low = MemoryRegion::alias(fabric, {.name = "low", .size = 0x1400'0000}, bus, 0);
  MemoryRegion high =
      MemoryRegion::alias(fabric, {.name = "high", .size = 0x4000'0000}, bus, 0x1400'0000);
  std::vector<MemoryRegion> bridges;
  std::vector<MemoryRegion> bars;
  std::vector<MemoryRegion> leaves;
};

void pci_move_bar(benchmark::State& state) {
  Pci map;
  std::vector<std::unique_ptr<AddressSpace>> spaces;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    spaces.push_back(
        std::make_unique<AddressSpace>(map.fabric, map.root, AddressSpace::Init{"space"}));
  std::mt19937_64 random{1};
  std::vector<bool> moved(map.bars.size());
  for (auto _ : state) {
    const std::size_t i = random() % map.bars.size();
    moved[i] = !moved[i];
    Transaction transaction;
    transaction.move(map.bars[i], i % 48 * 0x8000 + (moved[i] ? 0x4000U : 0U));
    map.commit(std::move(transaction));
  }
}
BENCHMARK(pci_move_bar)->Arg(1)->Arg(256);

void pci_toggle_bridge(benchmark::State& state) {
  Pci map;
  const AddressSpace space{map.fabric, map.root, {.name = "space"}};
  bool enabled = true;
  for (auto _ : state) {
    Transaction transaction;
    transaction.set_enabled(map.bridges[17], enabled = !enabled);
    map.commit(std::move(transaction));
  }
}
BENCHMARK(pci_toggle_bridge);

/// A root with a window of its own over everything of another.
struct Overlay {
  Overlay(World& world, MemoryRegion& below)
      : root{world.container("private")},
        window{MemoryRegion::alias(world.fabric, {.name = "below"}, below, 0)},
        own{world.mmio("own", kBar)} {
    Transaction transaction;
    transaction.add(root, 0, window).add(root, 0x2000, own, 1);
    world.commit(std::move(transaction));
    space = std::make_unique<AddressSpace>(world.fabric, root, AddressSpace::Init{"private"});
  }
  MemoryRegion root;
  MemoryRegion window;
  MemoryRegion own;
  std::unique_ptr<AddressSpace> space;
};

void move_bar_below_256_overlays(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace space{map.fabric, map.root, {.name = "space"}};
  std::vector<std::unique_ptr<Overlay>> overlays;
  for (int i = 0; i < 256; ++i) overlays.push_back(std::make_unique<Overlay>(map, map.root));
  std::mt19937_64 random{1};
  for (auto _ : state) map.toggle(random() % map.bars.size());
  state.counters["linked"] = overlays.front()->space->view().has_links() ? 1 : 0;
}
BENCHMARK(move_bar_below_256_overlays)->Apply(sizes);

void space_on_a_shared_view(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace first{map.fabric, map.root, {.name = "first"}};
  for (auto _ : state) {
    AddressSpace space{map.fabric, map.root, {.name = "space"}};
    benchmark::DoNotOptimize(&space);
  }
}
BENCHMARK(space_on_a_shared_view)->Arg(10)->Arg(100'000);

void space_on_a_private_overlay(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace first{map.fabric, map.root, {.name = "first"}};
  Overlay overlay{map, map.root};
  overlay.space.reset();
  for (auto _ : state) {
    AddressSpace space{map.fabric, overlay.root, {.name = "space"}};
    benchmark::DoNotOptimize(&space);
  }
}
BENCHMARK(space_on_a_private_overlay)->Arg(10)->Arg(100'000);

/// With its three regions.
void whole_private_overlay(benchmark::State& state) {
  Flat map{static_cast<std::size_t>(state.range(0))};
  const AddressSpace first{map.fabric, map.root, {.name = "first"}};
  for (auto _ : state) {
    Overlay overlay{map, map.root};
    benchmark::DoNotOptimize(&overlay);
  }
}
BENCHMARK(whole_private_overlay)->Arg(10)->Arg(100'000);

/// Not a time: bytes.
void footprint(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const std::size_t before = mallinfo2().uordblks;
    Flat map{count};
    const std::size_t regions = mallinfo2().uordblks - before;
    const auto empty = map.fabric.footprint();
    const AddressSpace space{map.fabric, map.root, {.name = "space"}};
    std::mt19937_64 random{1};
    for (std::size_t i = 0; i < count; ++i) map.toggle(random() % count);
    map.realm.domain().barrier();
    const auto full = map.fabric.footprint();
    state.counters["bytes/range"] =
        static_cast<double>(full.flat_bytes) / static_cast<double>(count);
    state.counters["index bytes/region"] =
        static_cast<double>(empty.index_bytes) / static_cast<double>(count);
    state.counters["control bytes/region"] = sizeof(RegionControl);
    state.counters["heap bytes/region"] =
        static_cast<double>(regions) / static_cast<double>(count);
  }
}
BENCHMARK(footprint)->Arg(1'000)->Arg(100'000)->Iterations(1);

}  // namespace
