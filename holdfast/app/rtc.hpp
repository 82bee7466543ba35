// SPDX-License-Identifier: Apache-2.0
// What drives the time of a machine, and `-rtc`: what its clock shows when it starts.
#pragma once

#include "holdfast/app/options.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"
#include "holdfast/hw/clock.hpp"

namespace holdfast::app {

/// Harts that take turns step the clock by what they have run; without harts a test client does.
hw::VirtualClock::Pace clock_pace(const Options& options);

/// As of now: a date is reached at this moment. `driftfix` is for clocks of the PC, whose ticks can get lost.
devices::GoldfishRtc::Config rtc_config(const Options& options);

}  // namespace holdfast::app
