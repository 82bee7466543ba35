// SPDX-License-Identifier: Apache-2.0
// The gate: the one way into a device.
//
// Whatever calls into a device (a region's handler, a timer, a pin, a completion, a property
// accessor) passes the device's gate. The gate takes the device's lock, knows who is inside,
// refuses entry once it is closed, and never opens again. It belongs to the device's control block,
// so it outlives the device for as long as anybody still names it.
//
//   fresh --open()--> open --close()--> closed          (a fresh gate may be closed, too)
//
// Closing sets a bit and returns. When the last insider has left, the gate is *drained*.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <string>

#include "holdfast/base/ref.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/activity.hpp"
#include "holdfast/gate/realm.hpp"
#include "holdfast/rcu/domain.hpp"

namespace holdfast::gate {

/// How a device protects itself against several threads.
enum class Locking : std::uint8_t {
  kExclusive,  // the gate is the device's lock: one thread inside
  kCounted,    // the device does its own locking; insiders are counted
  kGrace,      // neither waits nor dispatches (short locks of its own are no waiting): runs inside a
               // read section, uncounted; drained means nothing then until a grace period has
               // passed as well
};

/// What somebody does inside: made once per call site, as a static constant.
struct Use {
  const char* what = "?";  // "mmio read", "timer", "property"
  std::source_location where = std::source_location::current();
};

enum class Entry : std::uint8_t {
  kEntered,
  kBusy,     // only from try_enter: somebody else is inside
  kClosed,   // the device is being removed: translate again, drop the event
  kNotOpen,  // not published yet
  kReentry,  // this thread, or the one it works for, is inside already
  kCircle,   // waiting would close a circle
};

/// Whether a thread that is inside may come in again.
enum class Reentry : std::uint8_t { kRefuse, kAllow };
/// Who may pass a gate that is not open yet.
enum class Visitor : std::uint8_t { kAnyone, kControl };

class Gate final : public RefCounted<Gate> {
 public:
  static Ref<Gate> make(Realm& realm, std::string name, Locking locking = Locking::kExclusive);

  const std::string& name() const { return name_; }
  Locking locking() const { return locking_; }
  Realm& realm() const { return realm_; }

  bool is_open() const { return (word() & (kFresh | kClosed)) == 0; }
  bool is_closed() const { return (word() & kClosed) != 0; }
  /// Sequentially consistent, as open() is.
  bool is_fresh() const {
    return (word_.load(std::memory_order_seq_cst) & (kFresh | kClosed)) == kFresh;
  }

  /// Lets everybody in. Once, from publish.
  void open();
  /// Closes for good and returns at once. `when_drained` runs exactly once, when nobody is inside:
  /// here, or on the last insider's thread after it has left; it must not wait.
  void close(std::move_only_function<void()> when_drained = {});
  /// Closed, and nobody inside.
  bool is_drained() const;
  /// Exclusive gates: runs `action` when whoever is inside now has left; here and now if nobody is.
  /// It must not wait.
  void after_insider(std::move_only_function<void()> action);
  /// Waits until drained; the gate must be closed or about to be. Never inside a gate or section.
  void wait_drained();

  /// What the insider does, or nullptr. For reports only: it may have left by the time of the
  /// answer. With kGrace always nullptr: a note would make its visitors share a cache line.
  const Use* insider() const { return use_.load(std::memory_order_relaxed); }

  /// Comes in if that needs no waiting. The caller is inside a read section or has a reference; with
  /// kGrace, inside a section until it has left (GraceCover).
  Entry try_enter(const Use& use, Reentry reentry, Visitor visitor = Visitor::kAnyone) {
    return try_enter(Activity::current(), use, reentry, visitor);
  }
  /// The same, for a caller that has its thread's Activity at hand.
  Entry try_enter(Activity& me, const Use& use, Reentry reentry,
                  Visitor visitor = Visitor::kAnyone);
  /// Comes in, waiting for the lock if it must. The caller has a reference and is inside no read
  /// section.
  Entry enter(const Use& use, Reentry reentry, Visitor visitor = Visitor::kAnyone);
  /// Goes out; the outermost one flushes the thread's outbox.
  void leave() { leave(Activity::current()); }
  void leave(Activity& me);

  /// Whether the calling thread itself is inside (not counting inherited ones).
  bool entered_by_me() const;

 private:
  friend class RefCounted<Gate>;
  Gate(Realm& realm, std::string name, Locking locking);
  ~Gate();
  void last_reference_gone() noexcept;

  // The word: two state bits, one for "somebody waits", and above them the owner (kExclusive: the
  // address of its Activity) or the number of insiders (kCounted, in steps of kOne).
  static constexpr std::uintptr_t kClosed = 1;
  static constexpr std::uintptr_t kFresh = 2;
  static constexpr std::uintptr_t kContended = 4;
  static constexpr std::uintptr_t kOne = 8;
  static constexpr std::uintptr_t kStateBits = kClosed | kFresh | kContended;

  std::uintptr_t word() const { return word_.load(std::memory_order_acquire); }
  static std::uintptr_t insiders_of(std::uintptr_t word) { return word & ~kStateBits; }
  static std::uintptr_t owner_bits(const Activity& me) {
    return reinterpret_cast<std::uintptr_t>(&me);
  }

  bool try_lock_free_gate(const Activity& me);
  bool unlock_quiet_gate(const Activity& me);
  Entry come_in(const Activity& me, Visitor visitor);
  void go_out(const Activity& me);
  [[gnu::cold]] static void flush_outside(Realm& realm, Activity& me);
  Entry try_lock(const Activity& me, Visitor visitor);
  Entry try_count(Visitor visitor);
  Entry admit(Entry entry, const Use& use, Activity& me);
  Entry wait_for_lock(const Activity& me, Visitor visitor);
  bool would_close_a_circle(const Activity& me) const HF_REQUIRES(realm_.waiting_);
  static void wake_waiters(Realm& realm, const Gate* gate, const Activity& leaver);
  void declare_drained();

  Realm& realm_;  // outlives its gates
  std::atomic<std::uintptr_t> word_{kFresh};
  std::atomic<const Use*> use_{nullptr};
  const Locking locking_;
  const std::string name_;
  std::move_only_function<void()> when_drained_ HF_GUARDED_BY(realm_.waiting_);
  bool drained_ HF_GUARDED_BY(realm_.waiting_) = false;
  Counted counted_;
};

/// The read section in which to pass a gate that does not count; for the others none is needed.
class GraceCover {
 public:
  explicit GraceCover(const Gate& gate);

 private:
  std::optional<rcu::BriefSection> section_;
};

/// Being inside a gate, as a scope: a local variable of a function.
class [[nodiscard]] Pass {
 public:
  Pass(Gate& gate, const Use& use, Reentry reentry = Reentry::kRefuse,
       Visitor visitor = Visitor::kAnyone)
      : gate_{Ref<Gate>::share(&gate)}, cover_{gate}, entry_{gate.enter(use, reentry, visitor)} {}
  ~Pass() {
    if (entry_ == Entry::kEntered) gate_->leave();
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;
  explicit operator bool() const { return entry_ == Entry::kEntered; }
  Entry entry() const { return entry_; }

 private:
  Ref<Gate> gate_;
  GraceCover cover_;
  Entry entry_;
};

// --- the way in and out when nothing else is going on: inline, for every access to a device takes
// it

/// Open, nobody inside, nobody waiting: the word is 0.
inline bool Gate::try_lock_free_gate(const Activity& me) {
  std::uintptr_t state = 0;
  // Looked at first, so that a busy gate's line is not taken from its owner. The acquire pairs with
  // the release of whoever left last: what it wrote is seen here.
  return word_.load(std::memory_order_relaxed) == 0 &&
         word_.compare_exchange_strong(state, owner_bits(me), std::memory_order_acquire,
                                       std::memory_order_relaxed);
}

/// Open still, and nobody waiting: the word is its owner's.
inline bool Gate::unlock_quiet_gate(const Activity& me) {
  std::uintptr_t state = owner_bits(me);
  return word_.compare_exchange_strong(state, 0, std::memory_order_release,
                                       std::memory_order_relaxed);
}

inline Entry Gate::admit(Entry entry, const Use& use, Activity& me) {
  if (entry != Entry::kEntered) return entry;
  me.push(*this);
  if (locking_ != Locking::kGrace)
    use_.store(&use, std::memory_order_relaxed);  // only ever shown to people
  HF_SCHEDULE_POINT("gate.entered");
  return Entry::kEntered;
}

[[gnu::always_inline]] inline Entry Gate::try_enter(Activity& me, const Use& use, Reentry reentry,
                                                    Visitor visitor) {
  if (me.inside(*this)) [[unlikely]] {
    if (reentry == Reentry::kRefuse) return Entry::kReentry;
    if (me.times_inside(*this) != 0) return admit(Entry::kEntered, use, me);
  }
  HF_SCHEDULE_POINT("gate.before_enter");
  if (locking_ == Locking::kGrace ? word() == 0
                                  : locking_ == Locking::kExclusive && try_lock_free_gate(me))
    return admit(Entry::kEntered, use, me);
  return admit(come_in(me, visitor), use, me);
}

[[gnu::always_inline]] inline void Gate::leave(Activity& me) {
  Realm& realm = realm_;
  HF_SCHEDULE_POINT("gate.before_leave");
  const bool outside = me.pop(*this);
  const bool holds_lock =
      locking_ == Locking::kExclusive && (outside || me.times_inside(*this) == 0);
  if (locking_ == Locking::kCounted || (holds_lock && !unlock_quiet_gate(me))) {
    go_out(me);
  } else {
    HF_SCHEDULE_POINT("gate.released");
  }
  // This gate may be gone.
  if (outside && me.outbox().is_due()) [[unlikely]]
    flush_outside(realm, me);
}

}  // namespace holdfast::gate
