// SPDX-License-Identifier: Apache-2.0
// The read side and the grace periods of one domain, over an atomics policy.
//
// There is one number, the epoch, which every grace period moves up by one. A reader announces, in
// a slot that only it writes, the epoch it saw when it came in, and 0 when it leaves. The grace
// period that moved the epoch to `t` is over when no slot announces a number below `t` (0 aside):
// whoever is inside then came in after the epoch had become `t`, so after the unlinking that
// preceded it, and cannot have found what was unlinked.
//
// One thing can go wrong: a reader announces itself, goes on to read the old pointer, and its
// announcement is still on the way (in its core's store buffer) when the writer looks at the slot.
// Two remedies, chosen once for a domain:
//
//   asymmetric   The reader's announcement is a plain store. The writer, between moving the epoch
//                and looking at the slots, makes every thread of the process pass a full barrier.
//                An announcement made before that barrier is visible to the writer's look; after
//                it, the reader sees the pointer without the thing. Readers pay nothing.
//   exchange     Reader and writer both touch the slot by a read-modify-write. Those of one slot
//                have a total order: either the writer's comes second and sees the announcement, or
//                the reader's comes second, reads what the writer left there and so synchronizes
//                with it. This holds by the C++ memory model alone, and ThreadSanitizer follows it.
//
// The epoch itself is moved by a read-modify-write as well, never by a load and a guess: a grace
// period stamped from a stale load could be found over with a reader inside that came in before
// the unlinking was visible. The stores to a slot are releases, so that whoever sees a later
// announcement or the 0 has all of the section's reads behind it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

namespace holdfast::rcu {

using Epoch = std::uint64_t;

inline constexpr Epoch kOutside = 0;
inline constexpr Epoch kNever = ~Epoch{0};

/// One thread's announcements to one domain.
template <class Policy>
struct alignas(64) ReaderSlot {
  typename Policy::template Atomic<Epoch> seen{kOutside};
  std::uint32_t nested = 0;  // sections inside the outermost one; only its thread
  typename Policy::template Atomic<int> owner{0};  // thread id, 0 if free
  ReaderSlot* next = nullptr;                      // fixed once the slot is in the list
};

/// The slots of one domain. Grows, never shrinks; freed slots are taken again.
template <class Policy>
class SlotList {
 public:
  using Slot = ReaderSlot<Policy>;

  SlotList() = default;
  SlotList(const SlotList&) = delete;
  SlotList& operator=(const SlotList&) = delete;
  ~SlotList() {
    for (Slot* slot = head_.load(std::memory_order_relaxed); slot;)
      delete std::exchange(slot, slot->next);
  }

  /// A slot for the thread `owner`, which must not be 0.
  Slot& take(int owner) {
    for (Slot* slot = head_.load(std::memory_order_acquire); slot; slot = slot->next) {
      int expected = 0;
      // Acquire pairs with the release in give_back(): its last owner left the slot outside.
      if (slot->owner.compare_exchange_strong(expected, owner, std::memory_order_acq_rel))
        return *slot;
    }
    auto* fresh = new Slot;
    fresh->owner.store(owner, std::memory_order_relaxed);  // published with the list's head
    fresh->next = head_.load(std::memory_order_relaxed);
    while (!head_.compare_exchange_weak(fresh->next, fresh, std::memory_order_acq_rel)) {
    }
    return *fresh;
  }

  static void give_back(Slot& slot) { slot.owner.store(0, std::memory_order_release); }

  /// The newest slot, for a walk along `next`. For a writer without a heavy barrier behind it, see
  /// Epochs::oldest_announced.
  Slot* first() const { return head_.load(std::memory_order_acquire); }
  Slot* first_by_exchange() { return head_.fetch_add(0, std::memory_order_acq_rel); }

 private:
  typename Policy::template Atomic<Slot*> head_{nullptr};
};

/// Epoch, announcements and grace periods.
template <class Policy>
class Epochs {
 public:
  using Slot = ReaderSlot<Policy>;
  using Slots = SlotList<Policy>;

  /// `slots` outlives this.
  Epochs(Slots& slots, bool asymmetric) : slots_{slots}, asymmetric_{asymmetric} {}

  bool asymmetric() const { return asymmetric_; }

  // --- readers: the slot is the calling thread's -------------------------------------------------

  static bool inside(const Slot& slot) noexcept {
    return slot.seen.load(std::memory_order_relaxed) != kOutside;  // own slot
  }

  /// Enters, or counts one section more. The count is left alone by sections that do not nest, so
  /// that two in a row do not hang on each other by way of memory.
  void lock(Slot& slot) noexcept {
    if (!inside(slot)) [[likely]]
      enter(slot);
    else
      ++slot.nested;
  }
  void unlock(Slot& slot) noexcept {
    if (slot.nested == 0) [[likely]]
      leave(slot);
    else
      --slot.nested;
  }

  void enter(Slot& slot) noexcept {
    // Acquire pairs with start(): who sees the epoch `t` sees what was unlinked before `t`.
    announce(slot, epoch_.load(std::memory_order_acquire));
  }

  void leave(Slot& slot) noexcept {
    // Release pairs with the acquire in oldest_announced(): the section's reads are behind it.
    slot.seen.store(kOutside, std::memory_order_release);
  }

  /// Leaves and enters. Free of stores if no grace period began meanwhile.
  void renew(Slot& slot) noexcept {
    const Epoch now = epoch_.load(std::memory_order_acquire);
    if (slot.seen.load(std::memory_order_relaxed) != now) announce(slot, now);  // own slot
  }

  // --- writers -----------------------------------------------------------------------------------

  /// Begins a grace period: it is over once every reader inside now has left.
  Epoch start() noexcept {
    // The read-modify-write is what makes the stamp exact; see the top of the file.
    return epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
  }

  /// Whether the grace period is over. Never waits; may cost one heavy barrier for each `t`.
  bool passed(Epoch t) noexcept {
    // Acquire pairs with note_over(): whoever found it over had the readers' reads behind it.
    if (over_.load(std::memory_order_acquire) >= t) return true;
    return advance(t) >= t;
  }

  /// Looks who is inside and returns the last grace period that is known to be over. No heavy
  /// barrier is spent if `wanted` cannot be over.
  Epoch advance(Epoch wanted) noexcept {
    if (!asymmetric_) {
      const Epoch begun = epoch_.load(std::memory_order_acquire);
      return note_over(std::min(begun, oldest_announced()));
    }
    // Acquire pairs with the release in fence(): the barrier is behind us as well.
    Epoch fenced = fenced_.load(std::memory_order_acquire);
    if (fenced < wanted) {
      // An announcement that is visible already is one that a barrier would not take back.
      if (oldest_announced() < wanted) return over_.load(std::memory_order_acquire);
      fenced = fence();
    }
    return note_over(std::min(fenced, oldest_announced()));
  }

  /// The smallest epoch announced; kNever if nobody is inside.
  Epoch oldest_announced() noexcept {
    Epoch oldest = kNever;
    for (Slot* slot = asymmetric_ ? slots_.first() : slots_.first_by_exchange(); slot;
         slot = slot->next) {
      // Acquire pairs with the releases in announce() and leave(). By read-modify-write where no
      // heavy barrier comes before (the top of the file says why).
      const Epoch seen = asymmetric_ ? slot->seen.load(std::memory_order_acquire)
                                     : slot->seen.fetch_add(0, std::memory_order_acq_rel);
      if (seen != kOutside) oldest = std::min(oldest, seen);
    }
    return oldest;
  }

  Epoch now() const noexcept { return epoch_.load(std::memory_order_acquire); }

 private:
  void announce(Slot& slot, Epoch now) noexcept {
    if (asymmetric_) [[likely]] {
      slot.seen.store(now, std::memory_order_release);
      Policy::light_barrier();
    } else {
      slot.seen.exchange(now, std::memory_order_seq_cst);
    }
  }

  /// A heavy barrier; returns the last grace period begun before it.
  Epoch fence() noexcept {
    const Epoch begun = epoch_.load(std::memory_order_acquire);
    Policy::heavy_barrier();
    raise(fenced_, begun);
    return begun;
  }

  Epoch note_over(Epoch t) noexcept {
    raise(over_, t);
    return t;
  }

  static void raise(typename Policy::template Atomic<Epoch>& number, Epoch to) noexcept {
    Epoch current = number.load(std::memory_order_relaxed);
    while (current < to && !number.compare_exchange_weak(current, to, std::memory_order_acq_rel)) {
    }
  }

  Slots& slots_;  // guaranteed by the constructor's caller
  const bool asymmetric_;
  alignas(64) typename Policy::template Atomic<Epoch> epoch_{1};   // read by every reader
  alignas(64) typename Policy::template Atomic<Epoch> fenced_{0};  // begun before a heavy barrier
  typename Policy::template Atomic<Epoch> over_{0};                // known to be over
};

}  // namespace holdfast::rcu
