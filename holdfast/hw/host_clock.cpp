// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/host_clock.hpp"

#include <ctime>

namespace holdfast::hw {
namespace {
constexpr std::uint64_t kSecond = 1'000'000'000;
}

std::uint64_t HostClock::now_ns() const {
  if (clock_.pace() == VirtualClock::Pace::kStepped)
    return kDayOfSteppedMachines * kSecond + clock_.now_ns();
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace holdfast::hw
