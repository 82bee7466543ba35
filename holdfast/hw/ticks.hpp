// SPDX-License-Identifier: Apache-2.0
// Counters that run at a frequency other than a nanosecond a tick.
#pragma once

#include <cstdint>

#include "holdfast/hw/clock.hpp"

namespace holdfast::hw {

/// Ticks of a counter of `hz` ticks a second that have passed after `ns` nanoseconds; modulo 2^64.
constexpr std::uint64_t ticks_at(std::uint64_t ns, std::uint64_t hz) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{ns} * hz / 1'000'000'000);
}

/// The first nanosecond at which that counter stands at `ticks`; VirtualClock::kNever if there is none.
constexpr std::uint64_t ns_of_tick(std::uint64_t ticks, std::uint64_t hz) {
  __extension__ using Wide = unsigned __int128;
  const Wide ns = (Wide{ticks} * 1'000'000'000 + (hz - 1)) / hz;
  return ns >= VirtualClock::kNever ? VirtualClock::kNever : static_cast<std::uint64_t>(ns);
}

}  // namespace holdfast::hw
