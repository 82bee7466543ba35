// SPDX-License-Identifier: Apache-2.0
// Accesses through a port: RAM and devices, with the last hit and without, locked and lock-free.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <random>
#include <vector>

#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/hold.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::memory {
namespace {

class Register final : public MmioHandler {
 public:
  MemTxResult read(std::uint64_t, unsigned, std::uint64_t& value, MemTxAttrs) override {
    value = value_;
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t, unsigned, std::uint64_t value, MemTxAttrs) override {
    value_ = value;
    return MemTxResult::kOk;
  }

 private:
  std::uint64_t value_ = 0;
};

constexpr std::uint64_t kStep = 0x2000;

/// `n` regions of one page each, with holes between, RAM or devices.
class Memory {
 public:
  enum class What { kRam, kDevices };
  Memory(What what, std::uint64_t n, gate::Locking locking = gate::Locking::kExclusive) {
    Transaction t;
    for (std::uint64_t i = 0; i < n; ++i) {
      regions_.push_back(what == What::kRam
                             ? MemoryRegion::ram(fabric_, {.name = "ram", .size = 0x1000}, block_)
                             : MemoryRegion::mmio(fabric_, {.name = "device", .size = 0x1000},
                                                  {.handler = register_, .own_locking = locking}));
      t.add(root_, i * kStep, regions_.back());
    }
    static_cast<void>(fabric_.commit(std::move(t)));
  }
  ~Memory() { block_->close(); }
  Port& port() { return port_; }
  RamBlock& block() { return *block_; }

 private:
  gate::Realm realm_{"bench"};
  Fabric fabric_{realm_};
  Register register_;
  Ref<RamBlock> block_ = *RamBlock::make(realm_, "ram", 0x1000);
  MemoryRegion root_ = MemoryRegion::container(fabric_, {.name = "system"});
  std::vector<MemoryRegion> regions_;
  AddressSpace space_{fabric_, root_, {.name = "cpu"}};
  Port port_{space_};
};

std::vector<std::uint64_t> random_addresses(std::uint64_t n) {
  std::mt19937_64 random{1};
  std::vector<std::uint64_t> addresses(4096);
  for (auto& address : addresses) address = random() % n * kStep;
  return addresses;
}

// The size is a constant, as it is for whoever knows the register it reads.
template <unsigned kSize>
void same_address(benchmark::State& state, Memory::What what, gate::Locking locking, bool sliced) {
  Memory memory{what, static_cast<std::uint64_t>(state.range(0)), locking};
  Port& port = memory.port();
  std::optional<rcu::Section> section;
  if (sliced) section.emplace(port.domain());
  std::uint64_t value = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(port.load(8 * kStep, kSize, value, {}));
    benchmark::DoNotOptimize(value);
  }
}

void same_store(benchmark::State& state) {
  Memory memory{Memory::What::kRam, static_cast<std::uint64_t>(state.range(0))};
  Port& port = memory.port();
  const auto section = port.section();
  std::uint64_t value = 0;
  for (auto _ : state) benchmark::DoNotOptimize(port.store(8 * kStep, 8, ++value, {}));
}

/// Each in another range than the one before: the last hit is of no use.
template <unsigned kSize>
void random_address(benchmark::State& state, Memory::What what) {
  const auto n = static_cast<std::uint64_t>(state.range(0));
  Memory memory{what, n};
  const auto addresses = random_addresses(n);
  const auto section = memory.port().section();
  std::uint64_t value = 0;
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(memory.port().load(addresses[i++ % 4096], kSize, value, {}));
    benchmark::DoNotOptimize(value);
  }
}

void random_store(benchmark::State& state) {
  const auto n = static_cast<std::uint64_t>(state.range(0));
  Memory memory{Memory::What::kRam, n};
  const auto addresses = random_addresses(n);
  const auto section = memory.port().section();
  std::uint64_t value = 0;
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(memory.port().store(addresses[i++ % 4096], 8, ++value, {}));
}

void hold_and_release(benchmark::State& state) {
  Memory memory{Memory::What::kRam, 16};
  for (auto _ : state) {
    auto hold = memory.port().hold(0, 512, Port::HoldFor::kReading, "bench", {});
    benchmark::DoNotOptimize(hold);
  }
}

enum class Pages { kSame, kRandom };

void read_4k(benchmark::State& state, Pages pages) {
  Memory memory{Memory::What::kRam, 1024};
  const auto addresses = random_addresses(pages == Pages::kSame ? 1 : 1024);
  std::array<std::byte, 4096> bytes{};
  std::size_t i = 0;
  for (auto _ : state) {
    memory.port().read(addresses[i++ % 4096], bytes);
    benchmark::DoNotOptimize(bytes);
  }
}

void write_4k(benchmark::State& state, Pages pages) {
  Memory memory{Memory::What::kRam, 1024};
  const auto addresses = random_addresses(pages == Pages::kSame ? 1 : 1024);
  std::array<std::byte, 4096> bytes{};
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(memory.port().write(addresses[i++ % 4096], bytes));
  }
}

constexpr auto same_ram = same_address<8>;
constexpr auto same_device = same_address<4>;
constexpr auto random_ram = random_address<8>;
constexpr auto random_device = random_address<4>;
constexpr auto kExclusive = gate::Locking::kExclusive;
#define SIZES Arg(16)->Arg(1024)->Arg(100'000)
BENCHMARK_CAPTURE(same_ram, in_a_section, Memory::What::kRam, kExclusive, true)->SIZES;
BENCHMARK_CAPTURE(same_ram, by_itself, Memory::What::kRam, kExclusive, false)->SIZES;
BENCHMARK_CAPTURE(same_device, locked, Memory::What::kDevices, kExclusive, true)->SIZES;
BENCHMARK_CAPTURE(same_device, counted, Memory::What::kDevices, gate::Locking::kCounted, true)
    ->SIZES;
BENCHMARK_CAPTURE(same_device, lock_free, Memory::What::kDevices, gate::Locking::kGrace, true)
    ->SIZES;
BENCHMARK(same_store)->SIZES;
BENCHMARK_CAPTURE(random_ram, load, Memory::What::kRam)->SIZES;
BENCHMARK(random_store)->SIZES;
BENCHMARK_CAPTURE(random_device, load, Memory::What::kDevices)->SIZES;
BENCHMARK_CAPTURE(read_4k, last_hit, Pages::kSame);
BENCHMARK_CAPTURE(read_4k, random, Pages::kRandom);
BENCHMARK_CAPTURE(write_4k, last_hit, Pages::kSame);
BENCHMARK_CAPTURE(write_4k, random, Pages::kRandom);
BENCHMARK(hold_and_release);

}  // namespace
}  // namespace holdfast::memory
