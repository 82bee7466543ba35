// SPDX-License-Identifier: Apache-2.0
// The time of day, as real-time clocks show it.
#pragma once

#include <cstdint>

#include "holdfast/hw/clock.hpp"

namespace holdfast::hw {

/// The host's where the machine's clock goes with the host's; where it is stepped, a fixed day on
/// which virtual time began, so that what a guest sees can be repeated.
class HostClock {
 public:
  static constexpr std::uint64_t kDayOfSteppedMachines = 946'684'800;  // 2000-01-01, seconds

  explicit HostClock(const VirtualClock& clock) : clock_{clock} {}

  /// Nanoseconds since 1970-01-01 00:00 UTC. Any thread.
  std::uint64_t now_ns() const;

 private:
  const VirtualClock& clock_;  // the machine's, which outlives its devices
};

}  // namespace holdfast::hw
