// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/timer.hpp"

namespace holdfast::hw {

Timer::Timer(Device& device, std::string name, TimerControl::Handler expired)
    : Part{device, "timer", std::move(name)},
      control_{TimerControl::make(device.context().clock, device.context().holdback,
                                  Ref<gate::Gate>::share(&device.gate()),
                                  std::move(expired))} {}

Timer::~Timer() { control_->drop(); }

}  // namespace holdfast::hw
