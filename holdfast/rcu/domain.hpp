// SPDX-License-Identifier: Apache-2.0
// Reclamation: how storage that others may be reading is freed.
//
// A map, a device's control block, a tree node is unlinked by a writer while readers that found it
// a moment ago still look at it. A Domain answers one question: when has the last of them gone?
//
//   reader                                  writer
//     rcu::Section section{domain};           Node* old = root.exchange(next);   // 1. unlink
//     const Node* n = root.load(acquire);     domain.retire(old);                // 2. retire
//     … n stays readable …
//   }                                       … freed once all who were inside at 2 have left
//
// Wrong: `delete old` (a reader holds it). Wrong: counting references on each read (two contended
// atomics per access, and a count taken on something whose last reference is already gone). Wrong:
// a lock around reads (the reader waits for the writer). Here a reader neither waits nor shares a
// cache line with another reader, and a writer neither waits nor frees too early: it hands over.
//
// Rules
//   * What a reader found is good until it leaves its section, and not one instruction longer:
//     through slice_end() and across a Suspension nothing stays good.
//   * Unlink first, then retire. Everything that leads to the object must be gone.
//   * synchronize(), wait(), barrier() and pace() wait for readers. Calling one inside a section of
//     any domain, or with a lock of the order held, is a programming error that debug builds
//     report. retire() and poll() never wait and may be called anywhere.
//   * Callbacks of reclamation (destructors of what was retired, deleters) free memory. They take
//     no lock and wait for nothing; they may retire more. They run one at a time, in order of
//     retirement, on whichever thread polls: never on one that is inside a section.
//   * One domain a machine. Domains know nothing of each other: a reader that stays inside one
//     holds up no other, and no thread registers with any of them.
//
// Costs (see bench/rcu_bench.cpp): a section is a thread-local look-up, one load of the epoch and
// two stores to a line of the thread's own, about a nanosecond; with Barrier::kExchange one atomic
// exchange, about eight. A nested section is a counter. retire() is half a dozen uncontended atomic
// operations and one small allocation: batch what one commit drops. A poll that finds work is one
// membarrier (20 – 30 µs if other cores are busy) and a look at each slot.
//
// Limits: a reader that stays inside holds up everything retired since, which is why garbage is
// counted (garbage(), over_budget()) and readers() says who it is; writers pace themselves outside
// their locks. A thread occupies 64 bytes in each domain it has entered until it exits. Linux only.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "holdfast/rcu/epochs.hpp"
#include "holdfast/rcu/host_atomics.hpp"
#include "holdfast/rcu/poison.hpp"
#include "holdfast/rcu/retired.hpp"
#include "holdfast/rcu/thread_slots.hpp"
#include "holdfast/rcu/waiting.hpp"

namespace holdfast {
class Census;
}

namespace holdfast::rcu {

/// How a writer learns of readers whose announcement is still on the way; see epochs.hpp.
enum class Barrier {
  kAuto,        // membarrier where it is to be had, else the exchange
  kMembarrier,  // ends the process if the kernel or the sandbox has none
  kExchange,    // always under ThreadSanitizer
};

struct Options {
  Barrier barrier = Barrier::kAuto;
  std::string name = "machine";              // in messages
  // So many objects retired, and retire() polls by itself (a membarrier, and the freeing, within
  // whatever the caller holds). 0: never; then somebody calls poll() outside the locks.
  std::size_t poll_every = 256;
  std::size_t budget_objects = 64 * 1024;    // over_budget() beyond either
  std::size_t budget_bytes = 16 * 1024 * 1024;
};

/// A grace period: over once every reader that was inside when it began has left.
struct Token {
  Epoch epoch = 0;
  friend bool operator==(Token, Token) = default;
};

/// What is retired and not yet freed. Bytes as far as they were told.
struct Garbage {
  std::size_t objects = 0;
  std::size_t bytes = 0;
  friend bool operator==(Garbage, Garbage) = default;
};

/// A thread that is inside a section now, for reports.
struct ReaderInfo {
  int thread = 0;           // the kernel's id
  std::uint64_t behind = 0;  // grace periods begun since it came in (or since its last slice end)
};

/// Objects that one commit drops, retired together for the price of one.
class Batch {
 public:
  Batch() = default;
  Batch(Batch&&) noexcept = default;
  Batch& operator=(Batch&&) noexcept = default;
  ~Batch();  // ends the process if something is in it: neither retired nor kept

  /// `free(object)` runs after the grace period; `bytes` is for the budget.
  void add(void* object, void (*free)(void*) noexcept, std::size_t bytes) {
    items_.push_back({object, free});
    bytes_ += bytes;
  }
  /// Deletes it after the grace period.
  template <class T>
  void add(T* object) {
    add(object, [](void* what) noexcept { detail::destroy_and_free(static_cast<T*>(what)); },
        sizeof(T));
  }

  /// Forgets what is in it, which stays as it is: nothing was unlinked after all.
  void keep() noexcept;

  bool empty() const { return items_.empty(); }
  std::size_t objects() const { return items_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  friend class Domain;
  struct Item {
    void* object;
    void (*free)(void*) noexcept;
  };
  void run() noexcept;

  std::vector<Item> items_;
  std::size_t bytes_ = 0;
};

/// One reclamation domain. Thread-safe throughout. Owned by the machine; dies after every thread
/// that reads has left its sections for good (threads themselves may live on).
class Domain {
 public:
  /// What is retired is counted in `census`, which outlives the domain, as Census::Kind::kRetired.
  explicit Domain(Census* census = nullptr, Options options = {});
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;
  /// Runs everything retired. A reader still inside ends the process.
  ~Domain();

  // --- readers -----------------------------------------------------------------------------------

  /// Enters a read section. Nests.
  void lock() noexcept { epochs_.lock(my_slot()); }
  void unlock() noexcept {
    HostSlot& slot = my_slot();
    check_inside(slot);
    epochs_.unlock(slot);
  }
  /// Whether this thread is inside a section of this domain.
  bool inside() const noexcept;
  /// The same, without a call, but it knows only of the domain this thread used last: false may mean
  /// that it does not know.
  bool inside_last_used() const noexcept {
    return detail::last_used.domain == id_ &&
           Epochs<HostAtomics>::inside(*detail::last_used.slot);
  }

  /// Leaves this thread's section and enters it again, for two loads if no grace period began
  /// meanwhile. Only where exactly one section is open. Nothing found before stays good.
  void slice_end() noexcept {
    HostSlot& slot = my_slot();
    check_outermost(slot);
    epochs_.renew(slot);
  }

  // --- writers: never wait -----------------------------------------------------------------------

  /// Frees `object` once every reader now inside has left. The object is unlinked already.
  template <class T>
  void retire(T* object) {
    static_assert(sizeof(T) > 0, "the type must be complete");
    push(*new RetiredObject<T>{object});
  }
  /// `deleter(object)` instead of delete.
  template <class T, class Deleter>
    requires std::invocable<Deleter&, T*>
  void retire(T* object, Deleter deleter, std::size_t bytes = sizeof(T)) {
    push(*new RetiredWith<T, Deleter>{object, std::move(deleter), bytes});
  }
  template <class T, class Deleter>
  void retire(std::unique_ptr<T, Deleter> object) {
    if constexpr (std::is_same_v<Deleter, std::default_delete<T>>) {
      retire(object.release());
    } else {
      Deleter deleter = std::move(object.get_deleter());
      retire(object.release(), std::move(deleter));
    }
  }
  /// Everything in the batch, for the price of one. An empty batch costs nothing.
  void retire(Batch&& batch);
  void retire(std::unique_ptr<Batch> batch) {
    if (batch) retire(std::move(*batch));
  }
  /// Runs `callback`, which must not throw, after the grace period.
  void retire(std::move_only_function<void()> callback, std::size_t objects = 1,
              std::size_t bytes = 0);

  /// Frees what may be freed. Returns at once if this thread is inside a section or is freeing
  /// already, or if another thread is at it.
  void poll() noexcept;
  /// Whether so much was retired since the last poll that one is worth its price.
  bool poll_due() const noexcept {
    const std::size_t unpolled = unpolled_.load(std::memory_order_relaxed);  // a hint
    return unpolled != 0 && unpolled >= options_.poll_every;
  }

  Token token() noexcept { return {epochs_.start()}; }
  /// Whether the grace period is over; finds out if nobody has yet. Never waits.
  bool passed(Token token) noexcept { return epochs_.passed(token.epoch); }

  Garbage garbage() const noexcept;
  bool over_budget() const noexcept;
  std::vector<ReaderInfo> readers() const;

  // --- writers: wait for readers; never inside anything ------------------------------------------

  /// Until every reader that is inside now has left.
  void synchronize();
  /// Until the grace period is over.
  void wait(Token token);
  /// Until everything retired before the call is freed.
  void barrier();
  /// Returns at once within the budget, else when the garbage retired so far is freed.
  void pace();

  // --- about it ----------------------------------------------------------------------------------

  /// kMembarrier or kExchange: what was chosen.
  Barrier barrier_kind() const {
    return epochs_.asymmetric() ? Barrier::kMembarrier : Barrier::kExchange;
  }
  static bool membarrier_available() { return HostAtomics::has_heavy_barrier(); }
  std::uint64_t id() const { return id_; }
  const std::string& name() const { return options_.name; }
  /// Slots ever made: as many as threads were in the domain at one time.
  std::size_t slot_count() const;

 private:
  friend class Section;
  friend class BriefSection;
  friend class Suspension;

  template <class T>
  struct RetiredObject final : Retired {
    explicit RetiredObject(T* what) : Retired{&run_this, 1, sizeof(T)}, object{what} {}
    static void run_this(Retired* self) noexcept {
      const std::unique_ptr<RetiredObject> record{static_cast<RetiredObject*>(self)};
      detail::destroy_and_free(record->object);
    }
    T* object;
  };
  template <class T, class Deleter>
  struct RetiredWith final : Retired {
    RetiredWith(T* what, Deleter how, std::size_t size)
        : Retired{&run_this, 1, size}, object{what}, deleter{std::move(how)} {}
    static void run_this(Retired* self) noexcept {
      const std::unique_ptr<RetiredWith> record{static_cast<RetiredWith*>(self)};
      record->deleter(record->object);
    }
    T* object;
    [[no_unique_address]] Deleter deleter;
  };

  HostSlot& my_slot() noexcept {
    if (detail::last_used.domain == id_) [[likely]] return *detail::last_used.slot;
    return detail::find_slot(id_, *slots_);
  }
#ifdef HOLDFAST_DEBUG
  void check_inside(const HostSlot& slot) const noexcept;
  void check_outermost(const HostSlot& slot) const noexcept;
  void check_outside(const HostSlot& slot) const noexcept;
#else
  void check_inside(const HostSlot&) const noexcept {}
  void check_outermost(const HostSlot&) const noexcept {}
  void check_outside(const HostSlot&) const noexcept {}
#endif

  void push(Retired& record);
  void run(Retired& record) noexcept;
  void await(Epoch epoch);

  const std::uint64_t id_;      // never used again
  SharedSlots* const slots_;    // counted: this domain and each thread that has one of them
  const Options options_;
  Census* const census_;        // may be null; outlives the domain
  Epochs<HostAtomics> epochs_;
  RetiredQueue<HostAtomics> retired_;
  std::atomic<std::size_t> objects_{0};   // retired and not freed; counted in before the push
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::size_t> unpolled_{0};  // retired since the last poll
};

/// A read section for as long as it lives. Stays on the thread that made it.
class Section {
 public:
  explicit Section(Domain& domain) noexcept : domain_{domain}, slot_{domain.my_slot()} {
    domain_.epochs_.lock(slot_);
  }
  ~Section() {
    domain_.check_inside(slot_);
    domain_.epochs_.unlock(slot_);
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

 private:
  Domain& domain_;  // outlives every section of it
  HostSlot& slot_;
};

/// A read section around one call, that is a local variable of a function: where the thread is inside
/// already it does nothing, so it costs less than a nested Section, whose count is memory that one
/// access after the other would wait for.
class BriefSection {
 public:
  explicit BriefSection(Domain& domain) noexcept
      : domain_{domain},
        slot_{domain.my_slot()},
        was_inside_{Epochs<HostAtomics>::inside(slot_)} {
    if (!was_inside_) domain_.epochs_.enter(slot_);
  }
  ~BriefSection() {
    domain_.check_inside(slot_);
    if (!was_inside_) domain_.epochs_.leave(slot_);
  }
  BriefSection(const BriefSection&) = delete;
  BriefSection& operator=(const BriefSection&) = delete;

 private:
  Domain& domain_;  // outlives every section of it
  HostSlot& slot_;
  const bool was_inside_;
};

/// Takes this thread out of its section, however deeply nested, and back in when it dies. Around a
/// dispatch to a device, so that a thread inside a device delays no grace period. Outside a section
/// it does nothing. Nothing found before stays good.
class Suspension {
 public:
  explicit Suspension(Domain& domain) noexcept
      : domain_{domain},
        slot_{domain.my_slot()},
        inside_{domain_.epochs_.inside(slot_)},
        nested_{slot_.nested} {
    if (nested_ != 0) slot_.nested = 0;
    if (inside_) domain_.epochs_.leave(slot_);
  }
  ~Suspension() {
    domain_.check_outside(slot_);
    if (nested_ != 0) slot_.nested = nested_;
    if (inside_) domain_.epochs_.enter(slot_);
  }
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

 private:
  Domain& domain_;  // outlives every section of it
  HostSlot& slot_;
  const bool inside_;
  const std::uint32_t nested_;
};

}  // namespace holdfast::rcu
