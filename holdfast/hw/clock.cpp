// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/clock.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/holdback.hpp"
#include "holdfast/rcu/waiting.hpp"

namespace holdfast::hw {
namespace {

// A guest may program a timer that is due again at the instant it ran at. Without a limit a step
// would never end.
constexpr int kMostAtOneInstant = 10'000;

}  // namespace

VirtualClock::VirtualClock(EventLoop& loop, Pace pace)
    : loop_{loop}, pace_{pace}, alarm_{loop, [this] { run_due(); }} {}

VirtualClock::~VirtualClock() {
  LockGuard guard{mutex_};
  HF_CHECK(queue_.empty(), "virtual clock: destroyed with {} timers armed", queue_.size());
  HF_CHECK(followers_.empty(), "virtual clock: destroyed with followers");
}

std::uint64_t VirtualClock::now_ns() const {
  // One word, so that a reader on another thread sees either the clock before a change or after it.
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  return (state & kStanding) != 0 ? state & ~kStanding : EventLoop::now_ns() - state;
}

bool VirtualClock::running() const {
  return (state_.load(std::memory_order_acquire) & kStanding) == 0;
}

void VirtualClock::start() {
  if (pace_ != Pace::kHost || running()) return;
  state_.store(EventLoop::now_ns() - now_ns(), std::memory_order_release);
  {
    LockGuard guard{mutex_};
    program_alarm();
  }
  tell_followers();
}

void VirtualClock::stop() {
  if (!running()) return;
  state_.store(now_ns() | kStanding, std::memory_order_release);
  alarm_.clear();
  tell_followers();
}

void VirtualClock::step_to(std::uint64_t target_ns) {
  HF_CHECK(pace_ == Pace::kStepped, "virtual clock: only a stepped clock can be stepped");
  HF_CHECK(target_ns < kStanding, "virtual clock: no such time as {} ns", target_ns);
  rcu::check_may_wait("stepping the virtual clock");
  target_ns = std::max(target_ns, now_ns());
  int at_this_instant = 0;
  for (auto next = next_deadline_ns(); next && *next <= target_ns; next = next_deadline_ns()) {
    if (*next > now_ns()) {
      state_.store(*next | kStanding, std::memory_order_release);
      at_this_instant = 0;
      tell_followers();
    }
    if (++at_this_instant > kMostAtOneInstant) {
      log::warn("virtual clock: timers keep coming due at {} ns; they go on at the next step",
                now_ns());
      break;
    }
    run_one(now_ns());
  }
  if (target_ns > now_ns()) {
    state_.store(target_ns | kStanding, std::memory_order_release);
    tell_followers();
  }
}

std::optional<std::uint64_t> VirtualClock::next_deadline_ns() const {
  LockGuard guard{mutex_};
  if (queue_.empty()) return std::nullopt;
  return std::get<0>(*queue_.begin());
}

std::optional<std::uint64_t> VirtualClock::host_ns_until(std::uint64_t deadline_ns) const {
  const std::uint64_t now = now_ns();
  if (deadline_ns <= now) return 0;
  if (!running()) return std::nullopt;
  return deadline_ns - now;
}

void VirtualClock::run_due() {
  if (!running()) return;
  // As many as are queued now: one that re-arms itself for the past does not starve the loop.
  std::size_t most;
  {
    LockGuard guard{mutex_};
    most = queue_.size();
  }
  const std::uint64_t now = now_ns();
  while (most-- > 0 && run_one(now)) {
  }
  LockGuard guard{mutex_};
  program_alarm();
}

bool VirtualClock::run_one(std::uint64_t now_ns) {
  Ref<TimerControl> timer;
  std::uint64_t generation;
  {
    LockGuard guard{mutex_};
    if (queue_.empty() || std::get<0>(*queue_.begin()) > now_ns) return false;
    timer = Ref<TimerControl>::share(std::get<2>(*queue_.begin()));
    generation = timer->pop();
  }
  HF_SCHEDULE_POINT("hw.timer.popped");
  timer->deliver(generation);
  return true;
}

void VirtualClock::program_alarm() {
  if (pace_ != Pace::kHost) {
    if (stepper_ != nullptr) stepper_->deadline_changed();
    return;
  }
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  if (queue_.empty() || (state & kStanding) != 0) return alarm_.clear();
  const std::uint64_t deadline = std::get<0>(*queue_.begin());
  // Further away than the host can count: it will be looked at again when another one is due.
  alarm_.set(deadline > kNever - state - 1 ? kNever - 1 : deadline + state);
}

void VirtualClock::set_stepper(Stepper* stepper) {
  LockGuard guard{mutex_};
  stepper_ = stepper;
}

void VirtualClock::follow(Follower& follower) {
  LockGuard guard{mutex_};
  followers_.push_back(&follower);
}

void VirtualClock::unfollow(Follower& follower) {
  LockGuard guard{mutex_};
  std::erase(followers_, &follower);
}

void VirtualClock::tell_followers() {
  std::vector<Follower*> followers;
  {
    LockGuard guard{mutex_};
    followers = followers_;
  }
  // Followers come and go on this same thread, the machine's control thread.
  for (Follower* follower : followers) follower->clock_changed();
}

Ref<TimerControl> TimerControl::make(VirtualClock& clock, Holdback& holdback,
                                     Ref<gate::Gate> gate, Handler handler) {
  return Ref<TimerControl>::adopt(
      new TimerControl{clock, holdback, std::move(gate), std::move(handler)});
}

TimerControl::TimerControl(VirtualClock& clock, Holdback& holdback, Ref<gate::Gate> gate,
                           Handler handler)
    : clock_{clock},
      holdback_{holdback},
      gate_{std::move(gate)},
      handler_{std::move(handler)},
      counted_{gate_->realm().census(), Census::Kind::kTimer} {}

void TimerControl::arm(std::uint64_t deadline_ns) {
  LockGuard guard{clock_.mutex_};
  if (dropped_ || gate_->is_closed()) return;
  dequeue();
  ++generation_;
  deadline_ns_ = deadline_ns;
  early_ = gate_->is_fresh();
  if (!early_) enqueue();
}

void TimerControl::cancel() {
  LockGuard guard{clock_.mutex_};
  dequeue();
  ++generation_;
  deadline_ns_ = VirtualClock::kNever;
  early_ = false;
}

bool TimerControl::armed() const { return deadline_ns() != VirtualClock::kNever; }

std::uint64_t TimerControl::deadline_ns() const {
  LockGuard guard{clock_.mutex_};
  return deadline_ns_;
}

void TimerControl::opened() {
  LockGuard guard{clock_.mutex_};
  if (!dropped_ && std::exchange(early_, false)) enqueue();
}

void TimerControl::drop() {
  cancel();
  const bool inside = gate_->entered_by_me();
  LockGuard guard{clock_.mutex_};
  dropped_ = true;
  while (running_ != 0 && !inside) {
    HF_SCHEDULE_POINT("hw.timer.drop_waits");
    clock_.ran_.wait(clock_.mutex_);
  }
}

void TimerControl::enqueue() {
  if (deadline_ns_ == VirtualClock::kNever) return;
  sequence_ = clock_.sequence_++;
  queued_ = true;
  clock_.queue_.emplace(deadline_ns_, sequence_, this);
  if (std::get<2>(*clock_.queue_.begin()) == this) clock_.program_alarm();
}

void TimerControl::dequeue() {
  if (!std::exchange(queued_, false)) return;
  clock_.queue_.erase({deadline_ns_, sequence_, this});
}

std::uint64_t TimerControl::pop() {
  dequeue();
  return generation_;
}

void TimerControl::deliver(std::uint64_t generation) {
  static constexpr gate::Use kUse{"timer"};
  const OutsidePass pass{*gate_, kUse, holdback_, gate::Reentry::kAllow};
  if (!pass || !begin(generation)) return;
  handler_();
  end();
}

bool TimerControl::begin(std::uint64_t generation) {
  HF_SCHEDULE_POINT("hw.timer.inside");
  LockGuard guard{clock_.mutex_};
  if (generation != generation_ || deadline_ns_ == VirtualClock::kNever) return false;
  deadline_ns_ = VirtualClock::kNever;
  ++running_;
  return true;
}

void TimerControl::end() {
  LockGuard guard{clock_.mutex_};
  --running_;
  clock_.ran_.notify_all();
}

}  // namespace holdfast::hw
