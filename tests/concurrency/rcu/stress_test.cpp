// SPDX-License-Identifier: Apache-2.0
// Many readers and writers at once, over objects that say when they are dead. Repetition proves
// little (the interleavings are enumerated in interleavings_test.cpp); under ThreadSanitizer each
// run checks that every free is ordered after every read.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/rcu/domain.hpp"

namespace holdfast::rcu {
namespace {

constexpr unsigned kAlive = 0x600d600d;
constexpr unsigned kDead = 0xdeaddead;

/// What readers look at. Plain fields on purpose: ThreadSanitizer watches them.
struct Node {
  explicit Node(unsigned n) : number{n}, check{~n} {}
  ~Node() { state = kDead; }
  bool sound() const { return state == kAlive && number == ~check; }
  unsigned state = kAlive;
  unsigned number;
  unsigned check;
};

std::vector<Barrier> kinds() {
  if (Domain::membarrier_available()) return {Barrier::kMembarrier, Barrier::kExchange};
  return {Barrier::kExchange};
}

class RcuStressTest : public testing::TestWithParam<Barrier> {
 protected:
  /// A few pointers that writers replace and readers follow.
  struct World {
    explicit World(Barrier barrier)
        : domain{&census, {.barrier = barrier, .poll_every = 16, .budget_objects = 512}} {
      for (unsigned i = 0; i < roots.size(); ++i) roots[i].store(new Node{i});
    }
    ~World() {
      for (std::atomic<Node*>& root : roots) delete root.load();
    }
    void replace(unsigned at, unsigned number) {
      domain.retire(roots[at % roots.size()].exchange(new Node{number}));
    }
    bool read_all() const {
      bool sound = true;
      for (const std::atomic<Node*>& root : roots) {
        const Node* const node = root.load(std::memory_order_acquire);  // pairs with replace()
        sound = sound && node->sound();
      }
      return sound;
    }

    Census census;
    Domain domain;
    std::array<std::atomic<Node*>, 4> roots{};
    std::atomic<bool> done{false};
    std::atomic<unsigned> unsound{0};
  };

  static void write(World& world, unsigned seed) {
    for (unsigned i = 0; i < kEdits; ++i) {
      world.replace(i + seed, i);
      if (i % 64 == 0) world.domain.synchronize();
      world.domain.pace();
    }
  }

  /// Readers of each kind there is, until the writers are through.
  static void read_in_short_sections(World& world) {
    while (!world.done.load()) {
      const Section section{world.domain};
      if (!world.read_all()) world.unsound.fetch_add(1);
    }
  }
  static void read_in_slices(World& world) {
    world.domain.lock();
    while (!world.done.load()) {
      if (!world.read_all()) world.unsound.fetch_add(1);
      {
        const Section nested{world.domain};
        if (!world.read_all()) world.unsound.fetch_add(1);
      }
      { const Suspension dispatch{world.domain}; }
      if (!world.read_all()) world.unsound.fetch_add(1);
      world.domain.slice_end();
    }
    world.domain.unlock();
  }
  /// A reader that edits from inside its sections, as a CPU does, and reclaims between slices.
  static void read_and_retire(World& world) {
    for (unsigned i = 0; !world.done.load(); ++i) {
      {
        const Section section{world.domain};
        world.replace(i, i);
        if (!world.read_all()) world.unsound.fetch_add(1);
      }
      if (world.domain.poll_due()) world.domain.poll();
    }
  }
  static void come_and_go(World& world) {
    while (!world.done.load())
      std::thread{[&world] {
        const Section section{world.domain};
        if (!world.read_all()) world.unsound.fetch_add(1);
      }}.join();
  }

#ifdef HF_THREAD_SANITIZER
  static constexpr unsigned kEdits = 2'000;
#else
  static constexpr unsigned kEdits = 4'000;
#endif
};

INSTANTIATE_TEST_SUITE_P(Barriers, RcuStressTest, testing::ValuesIn(kinds()),
                         [](const testing::TestParamInfo<Barrier>& kind) {
                           return kind.param == Barrier::kMembarrier ? "Membarrier" : "Exchange";
                         });

TEST_P(RcuStressTest, NobodyReadsWhatIsDeadAndNothingIsLeft) {
  World world{GetParam()};
  std::vector<std::thread> readers;
  readers.emplace_back([&] { read_in_short_sections(world); });
  readers.emplace_back([&] { read_in_slices(world); });
  readers.emplace_back([&] { read_and_retire(world); });
  readers.emplace_back([&] { come_and_go(world); });
  std::thread other{[&] { write(world, 1); }};
  write(world, 0);
  other.join();
  world.done.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(world.unsound.load(), 0U);
  world.domain.barrier();
  EXPECT_EQ(world.census.take(), Census::Snapshot{});
  EXPECT_LE(world.domain.slot_count(), 7U);
}

TEST_P(RcuStressTest, BarriersFromManyThreadsEachSeeTheirOwnFreed) {
  Domain domain{nullptr, {.barrier = GetParam()}};
  std::vector<std::thread> threads;
  std::atomic<unsigned> missed{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        bool freed = false;  // written by whoever reclaims, read here: the barrier orders the two
        domain.retire([&freed] { freed = true; });
        domain.barrier();
        if (!freed) missed.fetch_add(1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(missed.load(), 0U);
}

TEST_P(RcuStressTest, MachinesComeAndGoBesideEachOther) {
  std::vector<std::thread> threads;
  std::atomic<int> freed{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        Domain domain{nullptr, {.barrier = GetParam()}};
        std::thread reader{[&] { const Section section{domain}; }};
        domain.retire([&freed] { freed.fetch_add(1); });
        reader.join();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(freed.load(), 400);
}

}  // namespace
}  // namespace holdfast::rcu
