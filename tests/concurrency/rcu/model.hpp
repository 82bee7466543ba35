// SPDX-License-Identifier: Apache-2.0
// A small model checker: runs a handful of threads, as fibers of one, through *every* order of
// their steps on shared memory, and asks after each whether something went wrong.
//
// A step is one operation on a model::Atomic. Memory is weaker than it looks:
//   * A store that is no read-modify-write goes into the thread's store buffer and reaches memory
//     in a step of its own, at any later time. A release store leaves the buffer after everything
//     before it; a relaxed one may overtake stores to other locations. The thread itself sees its
//     own buffered stores; nobody else does. (That is x86's TSO, with stores as loose as PSO's.)
//   * A read-modify-write, and a sequentially consistent store, empties the thread's buffer first.
//   * membarrier interrupts every other thread at some time between call and return, each at a time
//     of its own, and an interrupt empties that thread's buffer. Stores leaving the buffer one by
//     one are steps already; so all that is left to say is that membarrier returns only after each
//     buffer was empty once.
// Not modelled are loads that run ahead of earlier loads or late behind later stores; those are
// what the acquire and release orders are for, whose pairs ThreadSanitizer checks in the stress
// test.
//
// Complete: the search takes every enabled step in every state that it reaches. It visits a state
// once; two states are the same if memory, buffers, pending barriers and, for each thread, the
// sequence of its operations with their results are the same (a thread is deterministic, so the
// sequence stands for its registers and stack). Read-modify-writes of booleans, which are locks,
// count their predecessors too, so plain data behind a lock is the same as well. Programs are
// finite, so the graph of states has no cycle, and the number of interleavings it stands for can
// be counted.
#pragma once

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace holdfast::rcu::model {

/// Faults that can be seeded below the algorithm. Each must be caught.
enum class Fault {
  kNone,
  kNoHeavyBarrier,       // membarrier returns without having reached anyone
  kExchangeIsAStore,     // the reader's exchange is a load and a store
  kAnnouncedTooLate,     // the reader's announcement is made after its next load
  kStampNotAtomic,       // the epoch is moved by a load and a store
  kStampTooEarly,        // a grace period gets the number of the one before
  kStackTakenInTwoSteps, // the retired stack is read, then emptied
};

using Word = std::uint64_t;

/// One location of shared memory.
class Location {
 public:
  enum class Kind { kNumber, kPointer, kBoolean };
  Location(Kind kind, Word initial);
  ~Location();
  Location(const Location&) = delete;
  Location& operator=(const Location&) = delete;

 protected:
  Word read() const;
  void write(Word value, std::memory_order order);
  /// Reads, and writes what `change` says (nothing if it returns false).
  template <class Change>
  Word modify(Change change) {
    begin_modify();
    const Word old = value_;
    Word next = old;
    if (change(old, next)) commit(next);
    end_modify(old);
    return old;
  }

 private:
  friend class Checker;
  void begin_modify();
  void end_modify(Word old);
  void commit(Word value);

  const Kind kind_;
  std::uint32_t id_;  // the same in every run: the maker and a count
  Word value_;
  std::uint32_t writes_ = 0;
};

struct Result {
  std::string violation;  // empty if there was none
  std::size_t states = 0;
  std::size_t steps = 0;       // taken, those of repeated prefixes included
  std::size_t executions = 0;  // that were followed to their end
  double interleavings = 0;    // that the graph of states stands for
};

/// One finite concurrent program. Made afresh for each execution.
class Program {
 public:
  virtual ~Program() = default;
  virtual std::size_t threads() const = 0;
  virtual void run(std::size_t thread) = 0;
  /// Afterwards, with every store in memory.
  virtual void check_end() = 0;
};

/// Explores every interleaving of what `make` makes.
Result explore(const std::function<std::unique_ptr<Program>()>& make, Fault fault = Fault::kNone);

/// The fault of the exploration that is going on.
Fault fault();
/// To be called by programs: ends the execution with a violation.
void violation(const char* what);
/// A busy wait's pause: the thread goes on when memory has changed.
void pause();
/// Pointers to plain objects are compared by the number given here, not by address.
void name_pointer(const void* object, std::uint32_t number);
void heavy_barrier();

template <class T>
class Atomic : Location {
  static_assert(sizeof(T) <= sizeof(Word));
  static constexpr Kind kKind = std::is_pointer_v<T>           ? Kind::kPointer
                                : std::same_as<T, bool>        ? Kind::kBoolean
                                                               : Kind::kNumber;

 public:
  // Not explicit, as std::atomic's.
  Atomic(T initial = T{}) : Location{kKind, to_word(initial)} {}

  T load(std::memory_order = std::memory_order_seq_cst) const { return from_word(read()); }

  void store(T value, std::memory_order order = std::memory_order_seq_cst) {
    write(to_word(value), order);
  }

  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    if ((fault() == Fault::kExchangeIsAStore && kKind == Kind::kNumber) ||
        (fault() == Fault::kStackTakenInTwoSteps && kKind == Kind::kPointer)) {
      const T old = from_word(read());
      write(to_word(value), std::memory_order_release);
      return old;
    }
    return from_word(modify([value](Word, Word& next) {
      next = to_word(value);
      return true;
    }));
  }

  T fetch_add(std::ptrdiff_t n, std::memory_order = std::memory_order_seq_cst) {
    const auto by = static_cast<Word>(n);  // of pointers only 0 is added
    if (n != 0 && fault() == Fault::kStampNotAtomic) {
      const Word old = read();
      write(old + by, std::memory_order_release);
      return from_word(old);
    }
    const Word old = modify([by](Word now, Word& next) {
      next = now + by;
      return by != 0;
    });
    return from_word(n != 0 && fault() == Fault::kStampTooEarly ? old - 1 : old);
  }

  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order = std::memory_order_seq_cst) {
    const Word wanted = to_word(expected);
    const Word old = modify([wanted, desired](Word now, Word& next) {
      next = to_word(desired);
      return now == wanted;
    });
    expected = from_word(old);
    return old == wanted;
  }
  bool compare_exchange_weak(T& expected, T desired,
                             std::memory_order order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, desired, order);
  }

 private:
  static Word to_word(T value) {
    if constexpr (std::is_pointer_v<T>)
      return std::bit_cast<Word>(value);
    else
      return static_cast<Word>(value);
  }
  static T from_word(Word word) {
    if constexpr (std::is_pointer_v<T>)
      return std::bit_cast<T>(word);
    else
      return static_cast<T>(word);
  }
};

/// The policy under which the templates of holdfast/rcu run here.
struct ModelAtomics {
  template <class T>
  using Atomic = model::Atomic<T>;
  static void light_barrier() noexcept {}  // nothing here is moved by a compiler
  static void heavy_barrier() noexcept { model::heavy_barrier(); }
};

}  // namespace holdfast::rcu::model
