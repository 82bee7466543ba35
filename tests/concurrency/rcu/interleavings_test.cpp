// SPDX-License-Identifier: Apache-2.0
// The templates behind rcu::Domain (slots, epochs, retired queue), the very same code, in every
// interleaving of a few threads, with store buffers (model.hpp says what is explored and what is
// not). Each scenario runs with the membarrier and with the exchange, and must end with everything
// retired freed once, nothing read after it was freed, and no thread waiting for ever. Then faults
// are seeded, and each must be caught.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>

#include "holdfast/rcu/epochs.hpp"
#include "holdfast/rcu/retired.hpp"
#include "tests/concurrency/rcu/model.hpp"

namespace holdfast::rcu {
namespace {

using model::Fault;
using model::ModelAtomics;
using model::Program;

struct Node {
  model::Atomic<model::Word> data{1};  // touching it is a step
  bool freed = false;
};

/// A pointer to the current node, what replaces it, and the machinery under test.
class World : public Program {
 public:
  explicit World(bool asymmetric) : epochs_{slots_, asymmetric} {
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      model::name_pointer(&nodes_[i], i);
      model::name_pointer(&records_[i], 100 + i);
    }
  }

 protected:
  static constexpr std::size_t kNodes = 4;
  using Slot = ReaderSlot<ModelAtomics>;

  struct Record : Retired {
    Record() : Retired{nullptr} {}
    Node* node = nullptr;
  };

  Slot& new_slot() { return slots_.take(1); }

  void look() {
    Node* const node = root_.load(std::memory_order_acquire);
    node->data.load(std::memory_order_relaxed);
    if (node->freed) model::violation("a reader reads what was freed");
  }

  void read(Slot& slot) {
    epochs_.lock(slot);
    look();
    epochs_.unlock(slot);
  }

  /// Publishes node `next` instead of the current one, which the caller knows, and retires that.
  Epoch replace(std::size_t current, std::size_t next) {
    root_.store(&nodes_[next], std::memory_order_release);
    return retire(current);
  }
  Epoch retire(std::size_t which) {
    Record& record = records_[which];
    record.node = &nodes_[which];
    const Epoch epoch = record.epoch = epochs_.start();
    queue_.push(record);
    return epoch;
  }

  void poll() {
    queue_.reclaim([this](Epoch first) { return epochs_.advance(first); },
                   [](Retired& record) { free(*static_cast<Record&>(record).node); });
  }
  static void free(Node& node) {
    if (node.freed) model::violation("something is freed twice");
    node.freed = true;
  }

  /// Everything but node `alive` is to be freed by now, or by one more poll.
  void expect_only(std::size_t alive, std::size_t made) {
    poll();
    for (std::size_t i = 0; i < made; ++i)
      if (nodes_[i].freed == (i == alive))
        model::violation(i == alive ? "what is in use was freed" : "something is never freed");
  }

  SlotList<ModelAtomics> slots_;
  Epochs<ModelAtomics> epochs_;
  RetiredQueue<ModelAtomics> queue_;
  std::array<Node, kNodes> nodes_;
  std::array<Record, kNodes> records_;
  model::Atomic<Node*> root_{&nodes_[0]};
};

/// Two readers, a writer that replaces and retires twice and polls after each.
class TwoReadersTwoRetirements final : public World {
 public:
  using World::World;
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread < 2) return read(*mine_[thread]);
    for (std::size_t i = 0; i < 2; ++i) {
      replace(i, i + 1);
      poll();
    }
  }
  void check_end() override { expect_only(2, 3); }

 private:
  std::array<Slot*, 2> mine_{&new_slot(), &new_slot()};
};

/// A reader that stays for a slice, renews, goes in again; a writer with two retirements.
class SliceAgainstTwoRetirements final : public World {
 public:
  using World::World;
  std::size_t threads() const override { return 2; }
  void run(std::size_t thread) override {
    if (thread == 0) {
      epochs_.lock(mine_);
      look();
      epochs_.lock(mine_);
      epochs_.unlock(mine_);
      epochs_.renew(mine_);
      look();
      epochs_.unlock(mine_);
      read(mine_);
    } else {
      for (std::size_t i = 0; i < 2; ++i) {
        replace(i, i + 1);
        poll();
      }
    }
  }
  void check_end() override { expect_only(2, 3); }

 private:
  Slot& mine_{new_slot()};
};

/// Two writers, each with a pointer of its own, both reclaiming; a reader of both pointers.
class TwoWritersOneReader final : public World {
 public:
  explicit TwoWritersOneReader(bool asymmetric) : World{asymmetric} {
    model::name_pointer(&second_, 200);
  }
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread == 0) {
      epochs_.lock(mine_);
      look();
      Node* const other = second_.load(std::memory_order_acquire);
      other->data.load(std::memory_order_relaxed);
      if (other->freed) model::violation("a reader reads what was freed");
      epochs_.unlock(mine_);
    } else if (thread == 1) {
      replace(0, 1);
      poll();
    } else {
      second_.store(&nodes_[3], std::memory_order_release);
      retire(2);
      poll();
    }
  }
  void check_end() override {
    poll();
    if (!nodes_[0].freed || !nodes_[2].freed) model::violation("something is never freed");
    if (nodes_[1].freed || nodes_[3].freed) model::violation("what is in use was freed");
  }

 private:
  Slot& mine_{new_slot()};
  model::Atomic<Node*> second_{&nodes_[2]};
};

/// Two threads that read for the first time: their slots join the list while a writer looks.
class NewcomersAgainstAWriter final : public World {
 public:
  using World::World;
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread < 2) {
      Slot& slot = slots_.take(static_cast<int>(thread) + 1);
      read(slot);
      SlotList<ModelAtomics>::give_back(slot);
    } else {
      replace(0, 1);
      poll();
    }
  }
  void check_end() override {
    expect_only(1, 2);
    std::size_t slots = 0;
    for (Slot* slot = slots_.first(); slot; slot = slot->next) {
      ++slots;
      if (slot->owner.load() != 0) model::violation("a slot was not handed back");
    }
    if (slots > 2) model::violation("a thread took two slots");
  }
};

/// A writer that waits for its grace period before it frees, as synchronize() does.
class WaitForTwoReaders final : public World {
 public:
  using World::World;
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread < 2) return read(*mine_[thread]);
    root_.store(&nodes_[1], std::memory_order_release);
    const Epoch over = epochs_.start();
    while (!epochs_.passed(over)) model::pause();
    free(nodes_[0]);
  }
  void check_end() override {
    if (!nodes_[0].freed || nodes_[1].freed) model::violation("the wrong thing was freed");
  }

 private:
  std::array<Slot*, 2> mine_{&new_slot(), &new_slot()};
};

template <class Scenario>
model::Result explore(bool asymmetric, Fault fault = Fault::kNone) {
  return model::explore([asymmetric] { return std::make_unique<Scenario>(asymmetric); }, fault);
}

template <class Scenario>
void expect_sound() {
  for (const bool asymmetric : {true, false}) {
    const auto start = std::chrono::steady_clock::now();
    const model::Result result = explore<Scenario>(asymmetric);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(result.violation, "") << (asymmetric ? "membarrier" : "exchange");
    std::printf("  %-10s %8zu states, %6zu ends, %.3g interleavings, %zu steps, %.1f s\n",
                asymmetric ? "membarrier" : "exchange", result.states, result.executions,
                result.interleavings, result.steps, took.count());
  }
}

TEST(Interleavings, TwoReadersAndAWriterWithTwoRetirements) {
  expect_sound<TwoReadersTwoRetirements>();
}
TEST(Interleavings, ASliceThatIsRenewedAndAWriterWithTwoRetirements) {
  expect_sound<SliceAgainstTwoRetirements>();
}
TEST(Interleavings, TwoWritersThatBothReclaimAndAReader) { expect_sound<TwoWritersOneReader>(); }
TEST(Interleavings, NewReadersWhileAWriterLooks) { expect_sound<NewcomersAgainstAWriter>(); }
TEST(Interleavings, AWriterThatWaitsForTwoReaders) { expect_sound<WaitForTwoReaders>(); }

/// The seeded fault must be found; with which words is the scenario's affair.
template <class Scenario>
void expect_caught(bool asymmetric, Fault fault) {
  const model::Result result = explore<Scenario>(asymmetric, fault);
  EXPECT_NE(result.violation, "");
  std::printf("  caught after %zu executions: %s\n", result.executions, result.violation.c_str());
}

TEST(SeededFaults, TheHeavyBarrierIsDropped) {
  expect_caught<TwoReadersTwoRetirements>(true, Fault::kNoHeavyBarrier);
}
TEST(SeededFaults, TheReadersExchangeIsAStore) {
  expect_caught<TwoReadersTwoRetirements>(false, Fault::kExchangeIsAStore);
}
TEST(SeededFaults, TheReaderAnnouncesItselfAfterReading) {
  expect_caught<TwoReadersTwoRetirements>(true, Fault::kAnnouncedTooLate);
}
TEST(SeededFaults, AGracePeriodGetsTheNumberOfTheOneBefore) {
  expect_caught<TwoReadersTwoRetirements>(true, Fault::kStampTooEarly);
  expect_caught<TwoReadersTwoRetirements>(false, Fault::kStampTooEarly);
}
TEST(SeededFaults, TheEpochIsMovedByALoadAndAStore) {
  expect_caught<TwoWritersOneReader>(true, Fault::kStampNotAtomic);
  expect_caught<TwoWritersOneReader>(false, Fault::kStampNotAtomic);
}
TEST(SeededFaults, TheRetiredStackIsTakenInTwoSteps) {
  expect_caught<TwoWritersOneReader>(true, Fault::kStackTakenInTwoSteps);
}
}  // namespace
}  // namespace holdfast::rcu
