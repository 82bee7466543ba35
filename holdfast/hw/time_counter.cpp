// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/time_counter.hpp"

#include <vector>

#include "holdfast/hw/ticks.hpp"

namespace holdfast::hw {
namespace {
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
}  // namespace

Ref<TimeCounter> TimeCounter::make(std::uint64_t hz) {
  return Ref<TimeCounter>::adopt(new TimeCounter{hz});
}

TimeCounter::TimeCounter(std::uint64_t hz)
    : hz_{hz}, ns_per_tick_{hz != 0 && kNsPerSecond % hz == 0 ? kNsPerSecond / hz : 0} {}

std::uint64_t TimeCounter::raw_ticks(const VirtualClock& clock) const {
  constexpr std::uint64_t kUsual = 100;  // 10 MHz, by which the compiler knows how to divide quickly
  const std::uint64_t ns = clock.now_ns();
  if (ns_per_tick_ == kUsual) return ns / kUsual;
  return ns_per_tick_ != 0 ? ns / ns_per_tick_ : ticks_at(ns, hz_);
}

void TimeCounter::set(const VirtualClock& clock, std::uint64_t value) {
  offset_.store(value - raw_ticks(clock), std::memory_order_relaxed);  // as in ticks()
  const LockGuard guard{mutex_};
  for (Follower* follower : followers_) follower->counter_set();
}

std::uint64_t TimeCounter::deadline_of(const VirtualClock& clock, std::uint64_t tick) const {
  const std::uint64_t raw = tick - offset_.load(std::memory_order_relaxed);  // as in ticks()
  // Behind the wrap of what has passed lies a tick that is not reached in 58,000 years.
  return raw < raw_ticks(clock) ? VirtualClock::kNever : ns_of_tick(raw, hz_);
}

void TimeCounter::follow(Follower& follower) {
  const LockGuard guard{mutex_};
  followers_.push_back(&follower);
}

void TimeCounter::unfollow(Follower& follower) {
  const LockGuard guard{mutex_};
  std::erase(followers_, &follower);
}

}  // namespace holdfast::hw
