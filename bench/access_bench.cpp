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

void random_address(benchmark::State& state, Memory::What what) {
  const auto n = static_cast<std::uint64_t>(state.range(0));
  Memory memory{what, n};
  const auto addresses = random_addresses(n);
  const auto section = memory.port().section();
  std::uint64_t value = 0;
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(memory.port().load(addresses[i++ % 4096], 4, value, {}));
    benchmark::DoNotOptimize(value);
  }
}

void hold_and_release(benchmark::State& state) {
  Memory memory{Memory::What::kRam, 16};
  for (auto _ : state) {
    auto hold = memory.port().hold(0, 512, Port::HoldFor::kReading, "bench", {});
    benchmark::DoNotOptimize(hold);
  }
}

void copy_4k(benchmark::State& state) {
  Memory memory{Memory::What::kRam, 16};
  std::array<std::byte, 4096> bytes{};
  for (auto _ : state) {
    memory.port().read(0, bytes);
    benchmark::DoNotOptimize(bytes);
  }
}

constexpr auto same_ram = same_address<8>;
constexpr auto same_device = same_address<4>;
constexpr auto kExclusive = gate::Locking::kExclusive;
#define SIZES Arg(16)->Arg(1024)->Arg(100'000)
BENCHMARK_CAPTURE(same_ram, in_a_section, Memory::What::kRam, kExclusive, true)->SIZES;
BENCHMARK_CAPTURE(same_ram, by_itself, Memory::What::kRam, kExclusive, false)->SIZES;
BENCHMARK_CAPTURE(same_device, locked, Memory::What::kDevices, kExclusive, true)->SIZES;
BENCHMARK_CAPTURE(same_device, counted, Memory::What::kDevices, gate::Locking::kCounted, true)
    ->SIZES;
BENCHMARK_CAPTURE(same_device, lock_free, Memory::What::kDevices, gate::Locking::kGrace, true)
    ->SIZES;
BENCHMARK_CAPTURE(random_address, ram, Memory::What::kRam)->SIZES;
BENCHMARK_CAPTURE(random_address, device, Memory::What::kDevices)->SIZES;
BENCHMARK(copy_4k);
BENCHMARK(hold_and_release);

}  // namespace
}  // namespace holdfast::memory
