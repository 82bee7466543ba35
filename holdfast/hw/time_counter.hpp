// SPDX-License-Identifier: Apache-2.0
// The real-time counter of a board: virtual time in ticks, from whatever value software has given it.
// Several devices and all harts may show the same one, and a value written through one of them is
// seen through all.
//
// A control block of its own: whoever shows it keeps it. LOCK: reading takes none; `mutex_` guards
// the list of followers, and is held while they are told, so that none is told after it has left.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/hw/clock.hpp"

namespace holdfast::hw {

class TimeCounter final : public RefCounted<TimeCounter> {
 public:
  static Ref<TimeCounter> make(std::uint64_t hz = 10'000'000);

  std::uint64_t hz() const { return hz_; }
  /// The counter now. Any thread.
  std::uint64_t ticks(const VirtualClock& clock) const {
    return raw_ticks(clock) + offset_.load(std::memory_order_relaxed);  // one number, alone
  }
  /// From here on it counts from `value`. Any thread.
  void set(const VirtualClock& clock, std::uint64_t value);
  /// The nanosecond of virtual time at which it reaches a tick that lies ahead, or VirtualClock::kNever.
  std::uint64_t deadline_of(const VirtualClock& clock, std::uint64_t tick) const;

  /// Is told, on the thread that sets it, that the counter was set. Must not wait.
  class Follower {
   public:
    virtual void counter_set() = 0;

   protected:
    ~Follower() = default;
  };
  void follow(Follower& follower);
  void unfollow(Follower& follower);

 private:
  friend class RefCounted<TimeCounter>;
  explicit TimeCounter(std::uint64_t hz);
  ~TimeCounter() = default;
  void last_reference_gone() noexcept { delete this; }
  std::uint64_t raw_ticks(const VirtualClock& clock) const;

  const std::uint64_t hz_;
  const std::uint64_t ns_per_tick_;  // 0: not a whole number
  std::atomic<std::uint64_t> offset_{0};  // of the counter from what has passed; modulo 2^64
  Mutex mutex_{LockRank::kClock, "time counter"};
  std::vector<Follower*> followers_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::hw
