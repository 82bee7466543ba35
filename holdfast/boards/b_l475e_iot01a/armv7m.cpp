// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/b_l475e_iot01a/armv7m.hpp"

#include "holdfast/hw/base_types.hpp"

namespace holdfast::boards {

constinit const object::Type Armv7m::kType{
    .name = "armv7m",
    .parent = &hw::kSysBusDevice,
    .docs = "An ARMv7-M CPU with its interrupt controller and system timer."};

Armv7m::Armv7m(const hw::DeviceInit& init, const Config& config)
    : Device{init}, nvic_{*this, "nvic", config} {
  view_.add(0, below_, -1);
  view_.add(kSystemControlSpace, nvic_->regs());
  view_.add(kSysTick, systick_->regs(), 1);
  wiring_.wire(systick_->tick(), 0, nvic_->systick(), 0);
  cpu_->set_memory(view_);
}

}  // namespace holdfast::boards
