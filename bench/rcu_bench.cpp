// SPDX-License-Identifier: Apache-2.0
// Reclamation: ours in both modes, beside liburcu (the other two files), a reader-writer lock and an
// atomic shared_ptr.
#include "bench/rcu_bench.hpp"

#include <memory>
#include <mutex>
#include <shared_mutex>

#include "holdfast/rcu/domain.hpp"

namespace holdfast::bench {
namespace {

template <rcu::Barrier kBarrier>
struct Ours {
  static rcu::Domain& domain() { return g_domain; }
  static void attach() {}
  static void detach() {}
  static void lock() { g_domain.lock(); }
  static void unlock() { g_domain.unlock(); }
  static void retire(Node* node) { g_domain.retire(node); }
  static void synchronize() { g_domain.synchronize(); }
  static void barrier() { g_domain.barrier(); }

  static inline rcu::Domain g_domain{nullptr, {.barrier = kBarrier}};
};
using Membarrier = Ours<rcu::Barrier::kMembarrier>;
using Exchange = Ours<rcu::Barrier::kExchange>;

HF_RECLAMATION_BENCHMARKS("membarrier", Membarrier);
HF_RECLAMATION_BENCHMARKS("exchange", Exchange);

/// What a reader pays at least: the load alone.
struct Nothing {
  static void attach() {}
  static void detach() {}
  static void lock() {}
  static void unlock() {}
};
struct SharedMutex {
  static void attach() {}
  static void detach() {}
  static void lock() { g_mutex.lock_shared(); }
  static void unlock() { g_mutex.unlock_shared(); }
  static inline std::shared_mutex g_mutex;
};
BENCHMARK_TEMPLATE(read_section, Nothing)->Name("read_section/load_alone");
BENCHMARK_TEMPLATE(read_section, SharedMutex)->Name("read_section/shared_mutex");
BENCHMARK_TEMPLATE(read_section, SharedMutex)->Name("read_section/shared_mutex")->Threads(2);

void read_shared_pointer(benchmark::State& state) {
  static std::atomic<std::shared_ptr<Node>> root{std::make_shared<Node>()};
  for (auto _ : state) benchmark::DoNotOptimize(root.load()->value);
}
BENCHMARK(read_shared_pointer)->Name("read_section/atomic_shared_ptr");
BENCHMARK(read_shared_pointer)->Name("read_section/atomic_shared_ptr")->Threads(2);

template <class W>
void section_object(benchmark::State& state) {
  for (auto _ : state) {
    const rcu::Section section{W::domain()};
    benchmark::DoNotOptimize(g_root.load(std::memory_order_acquire)->value);
  }
}
template <class W>
void nested_section(benchmark::State& state) {
  const rcu::Section outer{W::domain()};
  for (auto _ : state) {
    const rcu::Section section{W::domain()};
    benchmark::DoNotOptimize(g_root.load(std::memory_order_acquire)->value);
  }
}
template <class W>
void slice_end(benchmark::State& state) {
  const rcu::Section section{W::domain()};
  for (auto _ : state) W::domain().slice_end();
}
template <class W>
void suspension(benchmark::State& state) {
  const rcu::Section section{W::domain()};
  for (auto _ : state) const rcu::Suspension out{W::domain()};
}
/// A commit's garbage: `range` nodes in one batch.
template <class W>
void retire_batch(benchmark::State& state) {
  for (auto _ : state) {
    rcu::Batch batch;
    for (std::int64_t i = 0; i < state.range(0); ++i) batch.add(new Node);
    W::domain().retire(std::move(batch));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  W::domain().barrier();
}
/// Two domains by turns: the one-entry cache misses each time.
void two_domains_by_turns(benchmark::State& state) {
  rcu::Domain other;
  for (auto _ : state) {
    { const rcu::Section section{Membarrier::domain()}; }
    { const rcu::Section section{other}; }
  }
}

BENCHMARK_TEMPLATE(section_object, Membarrier)->Name("section_object/membarrier");
BENCHMARK_TEMPLATE(section_object, Exchange)->Name("section_object/exchange");
BENCHMARK_TEMPLATE(nested_section, Membarrier)->Name("nested_section/membarrier");
BENCHMARK_TEMPLATE(slice_end, Membarrier)->Name("slice_end/membarrier");
BENCHMARK_TEMPLATE(suspension, Membarrier)->Name("suspension/membarrier");
BENCHMARK_TEMPLATE(suspension, Exchange)->Name("suspension/exchange");
BENCHMARK_TEMPLATE(retire_batch, Membarrier)->Name("retire_batch/membarrier")->Arg(16)->Arg(256);
BENCHMARK(two_domains_by_turns);

}  // namespace
}  // namespace holdfast::bench
