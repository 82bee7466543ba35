// SPDX-License-Identifier: Apache-2.0
// Virtual time: the clock that a machine's timers go by.
//
// Either it goes with the host's monotonic clock for as long as the machine runs, and stands still
// while it is stopped; or it is stepped by hand and stands still between steps (qtest, tests).
// Timers run on the thread of the machine's event loop, or of whoever steps, each through the gate
// of its device. Owned by the machine; outlives every device.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::hw {

class Holdback;
class TimerControl;

class VirtualClock {
 public:
  enum class Pace : std::uint8_t { kHost, kStepped };
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  VirtualClock(EventLoop& loop, Pace pace);
  ~VirtualClock();
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  Pace pace() const { return pace_; }
  /// The machine's loop, on whose thread timers run.
  EventLoop& loop() const { return loop_; }
  /// Nanoseconds of machine time since the clock was made. From any thread, without a lock.
  std::uint64_t now_ns() const;

  /// kHost: time passes from here on, or no longer. On the loop thread. A stepped clock ignores it.
  void start();
  void stop();
  bool running() const;

  /// kStepped: goes on to `target_ns`, running each timer on the way at its own instant, in order.
  /// A target that has passed runs what is due and moves nothing. Not inside a gate.
  void step_to(std::uint64_t target_ns);
  /// When the next timer is due, if one is armed.
  std::optional<std::uint64_t> next_deadline_ns() const;
  /// Host time until virtual `deadline_ns`; zero if it has passed, nothing if the clock stands still.
  std::optional<std::uint64_t> host_ns_until(std::uint64_t deadline_ns) const;

  /// Is told, on the loop's or the stepper's thread, whenever the clock was started, stopped or
  /// stepped: for those who wait for virtual time without a timer, such as an idle hart.
  class Follower {
   public:
    virtual void clock_changed() = 0;

   protected:
    ~Follower() = default;
  };
  void follow(Follower& follower);
  /// kStepped: is told, on whatever thread, that the first deadline may have changed; for whoever steps
  /// the clock and sleeps meanwhile. Must not wait, nor ask the clock anything. nullptr for nobody.
  class Stepper {
   public:
    virtual void deadline_changed() = 0;

   protected:
    ~Stepper() = default;
  };
  void set_stepper(Stepper* stepper);
  void unfollow(Follower& follower);

 private:
  friend class TimerControl;
  // Deadline, then order of arming.
  using Key = std::tuple<std::uint64_t, std::uint64_t, TimerControl*>;

  void run_due();
  /// Takes the first timer due at `now_ns` from the queue and runs it; false if there is none.
  bool run_one(std::uint64_t now_ns);
  void program_alarm() HF_REQUIRES(mutex_);
  void tell_followers();

  static constexpr std::uint64_t kStanding = std::uint64_t{1} << 63;

  EventLoop& loop_;  // the machine's, which outlives its clock
  const Pace pace_;
  // kStanding | virtual time, or how far the host's clock is ahead of the virtual one.
  std::atomic<std::uint64_t> state_{kStanding};

  mutable Mutex mutex_{LockRank::kClock, "virtual clock"};
  ConditionVariable ran_;  // a timer's handler has returned
  std::set<Key> queue_ HF_GUARDED_BY(mutex_);
  std::uint64_t sequence_ HF_GUARDED_BY(mutex_) = 0;
  std::vector<Follower*> followers_ HF_GUARDED_BY(mutex_);
  Stepper* stepper_ HF_GUARDED_BY(mutex_) = nullptr;  // it takes itself out
  EventLoop::Alarm alarm_;
};

/// What a timer is to the clock. It stands for the timer and keeps nothing but itself: the clock may
/// have popped it while its timer, or its whole device, goes.
class TimerControl final : public RefCounted<TimerControl> {
 public:
  using Handler = std::move_only_function<void()>;
  static Ref<TimerControl> make(VirtualClock& clock, Holdback& holdback, Ref<gate::Gate> gate,
                                Handler handler);

  /// Due at virtual `deadline_ns`, instead of what was set before. Nothing happens if the gate is
  /// closed; before it opens, the deadline is kept until opened() is called. From any thread.
  void arm(std::uint64_t deadline_ns);
  void cancel();
  bool armed() const;
  /// VirtualClock::kNever if not armed.
  std::uint64_t deadline_ns() const;
  /// The gate is open now: what was armed before enters the queue.
  void opened();
  /// Cancels for good. On return the handler does not run, unless this thread is inside its gate.
  void drop();

 private:
  friend class RefCounted<TimerControl>;
  friend class VirtualClock;
  TimerControl(VirtualClock& clock, Holdback& holdback, Ref<gate::Gate> gate, Handler handler);
  ~TimerControl() = default;
  void last_reference_gone() noexcept { delete this; }
  void enqueue() HF_REQUIRES(clock_.mutex_);
  void dequeue() HF_REQUIRES(clock_.mutex_);
  /// Out of the queue, to be delivered; returns the generation. LOCK: clock_.mutex_, which clang
  /// cannot tell from the caller's own.
  std::uint64_t pop() HF_NO_THREAD_SAFETY_ANALYSIS;
  /// Runs the handler if the timer is still armed as it was when it was popped.
  void deliver(std::uint64_t generation);
  bool begin(std::uint64_t generation);
  void end();

  VirtualClock& clock_;  // the machine's, like the next; they outlive its devices
  Holdback& holdback_;
  const Ref<gate::Gate> gate_;
  Handler handler_;  // called inside the gate
  std::uint64_t deadline_ns_ HF_GUARDED_BY(clock_.mutex_) = VirtualClock::kNever;
  std::uint64_t generation_ HF_GUARDED_BY(clock_.mutex_) = 0;
  std::uint64_t sequence_ HF_GUARDED_BY(clock_.mutex_) = 0;
  bool queued_ HF_GUARDED_BY(clock_.mutex_) = false;
  bool early_ HF_GUARDED_BY(clock_.mutex_) = false;  // armed before the gate was open
  bool dropped_ HF_GUARDED_BY(clock_.mutex_) = false;
  int running_ HF_GUARDED_BY(clock_.mutex_) = 0;
  Counted counted_;
};

}  // namespace holdfast::hw
