// SPDX-License-Identifier: Apache-2.0
// What the reclamation benchmarks measure, for any of the ways to do it.
#pragma once

#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

namespace holdfast::bench {

struct Node {
  std::uint64_t value = 1;
};

/// The pointer that readers follow.
inline std::atomic<Node*> g_root{new Node};

/// One read section around one dependent load. `W` has static attach(), detach(), lock(), unlock().
template <class W>
void read_section(benchmark::State& state) {
  W::attach();
  for (auto _ : state) {
    W::lock();
    benchmark::DoNotOptimize(g_root.load(std::memory_order_acquire)->value);
    W::unlock();
  }
  W::detach();
}

/// `retire` with its share of the freeing, nobody inside.
template <class W>
void retire(benchmark::State& state) {
  W::attach();
  for (auto _ : state) W::retire(new Node);
  W::barrier();
  W::detach();
}

/// A thread that reads without pause in short sections, while it lives.
template <class W>
class BusyReader {
 public:
  BusyReader()
      : thread_{[this] {
          W::attach();
          while (!done_.load(std::memory_order_relaxed)) {
            W::lock();
            benchmark::DoNotOptimize(g_root.load(std::memory_order_acquire)->value);
            W::unlock();
          }
          W::detach();
        }} {}
  ~BusyReader() {
    done_.store(true);
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

template <class W>
void synchronize(benchmark::State& state) {
  W::attach();
  for (auto _ : state) W::synchronize();
  W::detach();
}

template <class W>
void synchronize_beside_a_reader(benchmark::State& state) {
  const BusyReader<W> reader;
  synchronize<W>(state);
}

template <class W>
void barrier_after_a_retirement(benchmark::State& state) {
  W::attach();
  for (auto _ : state) {
    W::retire(new Node);
    W::barrier();
  }
  W::detach();
}

#define HF_RECLAMATION_BENCHMARKS(name, W)                                               \
  BENCHMARK_TEMPLATE(read_section, W)->Name("read_section/" name);                       \
  BENCHMARK_TEMPLATE(read_section, W)->Name("read_section/" name)->Threads(2);           \
  BENCHMARK_TEMPLATE(retire, W)->Name("retire/" name);                                   \
  BENCHMARK_TEMPLATE(synchronize, W)->Name("synchronize/" name)->UseRealTime();          \
  BENCHMARK_TEMPLATE(synchronize_beside_a_reader, W)                                     \
      ->Name("synchronize_beside_a_reader/" name)                                        \
      ->UseRealTime();                                                                   \
  BENCHMARK_TEMPLATE(barrier_after_a_retirement, W)->Name("barrier/" name)->UseRealTime()

}  // namespace holdfast::bench
