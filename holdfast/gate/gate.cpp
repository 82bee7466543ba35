// SPDX-License-Identifier: Apache-2.0
#include "holdfast/gate/gate.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::gate {
namespace {

// A handler is short: the owner is gone before a sleeping waiter would be awake.
constexpr int kSpins = 200;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Ref<Gate> Gate::make(Realm& realm, std::string name, Locking locking) {
  return Ref<Gate>::adopt(new Gate{realm, std::move(name), locking});
}

Gate::Gate(Realm& realm, std::string name, Locking locking)
    : realm_{realm},
      locking_{locking},
      name_{std::move(name)},
      counted_{realm.census(), Census::Kind::kGate} {}

Gate::~Gate() {
  HF_CHECK(insiders_of(word()) == 0, "gate of '{}': destroyed with somebody inside", name_);
}

void Gate::last_reference_gone() noexcept {
  realm_.domain().retire([this] { delete this; });
}

void Gate::open() {
  [[maybe_unused]] const auto before = word_.fetch_and(~kFresh, std::memory_order_seq_cst);
  HF_CHECK((before & kFresh) != 0, "gate of '{}': opened twice", name_);
}

Entry Gate::come_in(const Activity& me, Visitor visitor) {
  switch (locking_) {
    case Locking::kExclusive:
      return try_lock(me, visitor);
    case Locking::kCounted:
      return try_count(visitor);
    case Locking::kGrace:
      break;
  }
  const auto state = word();
  if (state & kClosed) return Entry::kClosed;
  if ((state & kFresh) && visitor != Visitor::kControl) return Entry::kNotOpen;
  return Entry::kEntered;
}

Entry Gate::enter(const Use& use, Reentry reentry, Visitor visitor) {
  Activity& me = Activity::current();
  const Entry entry = try_enter(me, use, reentry, visitor);
  if (entry != Entry::kBusy) return entry;
  HF_DCHECK(!realm_.domain().inside(), "gate of '{}': waited for inside a read section", name_);
  return admit(wait_for_lock(me, visitor), use, me);
}

Entry Gate::try_lock(const Activity& me, Visitor visitor) {
  auto state = word_.load(std::memory_order_relaxed);
  for (;;) {
    if (state & kClosed) return Entry::kClosed;
    if ((state & kFresh) && visitor != Visitor::kControl) return Entry::kNotOpen;
    if (insiders_of(state) != 0) return Entry::kBusy;
    // Pairs with the release in leave(): what the last owner wrote is seen by the next.
    if (word_.compare_exchange_weak(state, state | owner_bits(me), std::memory_order_acquire,
                                    std::memory_order_relaxed))
      return Entry::kEntered;
  }
}

Entry Gate::try_count(Visitor visitor) {
  auto state = word_.load(std::memory_order_relaxed);
  for (;;) {
    if (state & kClosed) return Entry::kClosed;
    if ((state & kFresh) && visitor != Visitor::kControl) return Entry::kNotOpen;
    if (word_.compare_exchange_weak(state, state + kOne, std::memory_order_acquire,
                                    std::memory_order_relaxed))
      return Entry::kEntered;
  }
}

Entry Gate::wait_for_lock(const Activity& me, Visitor visitor) {
  for (int i = 0; i < kSpins; ++i) {
    pause_briefly();
    if (const Entry entry = try_lock(me, visitor); entry != Entry::kBusy) return entry;
  }
  LockGuard guard{realm_.waiting_};
  for (;;) {
    word_.fetch_or(kContended, std::memory_order_relaxed);
    if (const Entry entry = try_lock(me, visitor); entry != Entry::kBusy) return entry;
    if (would_close_a_circle(me)) {
      realm_.circles_.fetch_add(1, std::memory_order_relaxed);
      return Entry::kCircle;
    }
    realm_.waiters_.push_back({&me, this});
    HF_SCHEDULE_POINT("gate.waiting");
    realm_.changed_.wait(realm_.waiting_);
    std::erase_if(realm_.waiters_, [&](const auto& waiter) { return waiter.who == &me; });
  }
}

bool Gate::would_close_a_circle(const Activity& me) const {
  // A thread inside several gates waits for at most one, so the walk is a single path. It never
  // touches an owner's Activity: that thread may be gone already.
  const Gate* gate = this;
  while (gate != nullptr) {
    const auto owner = reinterpret_cast<const Activity*>(insiders_of(gate->word()));
    if (owner == &me) return true;
    if (owner == nullptr || gate->locking_ != Locking::kExclusive) return false;
    gate = realm_.awaited_by(owner);
  }
  return false;
}

// Once the word is released somebody else may close the gate, see it drained and let its storage go.
// So a leaver touches the gate afterwards only if it is the one that must declare it drained:
// closed, and the last one inside.
void Gate::go_out(const Activity& me) {
  Realm& realm = realm_;
  std::uintptr_t before = 0;
  std::uintptr_t left = 0;
  if (locking_ == Locking::kCounted) {
    before = word_.fetch_sub(kOne, std::memory_order_acq_rel);
    left = insiders_of(before) - kOne;
  } else {
    // Released together with the note that somebody waits: waiters set it anew.
    before = word_.fetch_and(kClosed | kFresh, std::memory_order_acq_rel);
  }
  HF_SCHEDULE_POINT("gate.released");
  if ((before & kContended) != 0) wake_waiters(realm, this, me);
  if ((before & kClosed) != 0 && left == 0) declare_drained();
}

// A callback without a lock runs inside its caller's section; what it caused does not.
void Gate::flush_outside(Realm& realm, Activity& me) {
  const rcu::Suspension suspended{realm.domain()};
  me.outbox().flush();
}

void Gate::wake_waiters(Realm& realm, const Gate* gate, const Activity& leaver) {
  std::vector<std::move_only_function<void()>> actions;
  {
    LockGuard guard{realm.waiting_};
    realm.changed_.notify_all();
    std::erase_if(realm.departures_, [&](auto& departure) {
      if (departure.gate != gate || departure.insider != owner_bits(leaver)) return false;
      actions.push_back(std::move(departure.action));
      return true;
    });
  }
  for (auto& action : actions) action();
}

void Gate::after_insider(std::move_only_function<void()> action) {
  HF_CHECK(locking_ == Locking::kExclusive, "gate of '{}': has no one insider", name_);
  {
    LockGuard guard{realm_.waiting_};
    // A change in any case: who comes in after it sees what the caller has done before.
    const auto before = word_.fetch_or(kContended, std::memory_order_acq_rel);
    if (insiders_of(before) != 0) {
      realm_.departures_.push_back({this, insiders_of(before), std::move(action)});
      return;
    }
  }
  action();
}

void Gate::close(std::move_only_function<void()> when_drained) {
  const auto keep = Ref<Gate>::share(this);
  std::uintptr_t before;
  {
    LockGuard guard{realm_.waiting_};
    HF_CHECK((word() & kClosed) == 0, "gate of '{}': closed twice", name_);
    when_drained_ = std::move(when_drained);
    HF_SCHEDULE_POINT("gate.before_close");
    before = word_.fetch_or(kClosed, std::memory_order_acq_rel);
    realm_.changed_.notify_all();
  }
  HF_SCHEDULE_POINT("gate.closed");
  if (insiders_of(before) == 0) declare_drained();
}

void Gate::declare_drained() {
  std::move_only_function<void()> action;
  {
    LockGuard guard{realm_.waiting_};
    action = std::exchange(when_drained_, {});
    realm_.changed_.notify_all();
    drained_ = true;  // from the guard's end on, this gate may be gone
  }
  if (action) action();  // may be what lets this gate go
}

bool Gate::is_drained() const {
  LockGuard guard{realm_.waiting_};
  return drained_;
}

void Gate::wait_drained() {
  rcu::check_may_wait("waiting for a gate to drain");
  HF_SCHEDULE_POINT("gate.draining");
  {
    LockGuard guard{realm_.waiting_};
    while (!drained_) realm_.changed_.wait(realm_.waiting_);
  }
  if (locking_ == Locking::kGrace) realm_.domain().synchronize();
}

bool Gate::entered_by_me() const { return Activity::current().times_inside(*this) != 0; }

GraceCover::GraceCover(const Gate& gate) {
  if (gate.locking() == Locking::kGrace) section_.emplace(gate.realm().domain());
}

}  // namespace holdfast::gate
