// SPDX-License-Identifier: Apache-2.0
// An ARMv7-M CPU with what belongs to it alone: the interrupt controller and the system timer, in the
// private peripheral bus at 0xe0000000, over the board's memory.
#pragma once

#include "holdfast/cpu/arm/cortex_m.hpp"
#include "holdfast/devices/armv7m/nvic.hpp"
#include "holdfast/devices/armv7m/systick.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/wiring.hpp"

namespace holdfast::boards {

class Armv7m final : public hw::Device {
 public:
  static const object::Type kType;
  using Config = devices::Nvic::Config;
  Armv7m(const hw::DeviceInit& init, const Config& config);

  devices::Nvic& nvic() { return *nvic_; }
  devices::SysTick& systick() { return *systick_; }

 private:
  static constexpr std::uint64_t kSystemControlSpace = 0xe000'e000, kSysTick = 0xe000'e010;

  hw::RegionLink board_memory_{*this, "memory"};
  hw::Container view_{*this, "view"};
  hw::Alias below_{*this, "board-memory", memory::kWholeSpace, board_memory_};
  hw::Child<devices::Nvic> nvic_;
  hw::Child<devices::SysTick> systick_{*this, "systick"};
  hw::Child<cpu::arm::CortexM> cpu_{*this, "cpu"};
  hw::Wiring wiring_{*this};
};

}  // namespace holdfast::boards
