// SPDX-License-Identifier: Apache-2.0
// `-rtc`: what the clock of a machine shows when it starts, and what drives it.
#pragma once

#include "holdfast/app/options.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"

namespace holdfast::app {

/// As of now: a date is reached at this moment. `driftfix` is for clocks of the PC, whose ticks can get lost.
devices::GoldfishRtc::Config rtc_config(const Options& options);

}  // namespace holdfast::app
