// SPDX-License-Identifier: Apache-2.0
// The STM32L475VG: a Cortex-M4, 1 MiB of flash, 128 KiB of SRAM, and its peripherals, as one device.
//
// SPEC: ST RM0351 rev 9, section 2.2 "Memory organization" and table 57 "Vector table"; DS10969.
// Modelled: what has a device here; everything else of the memory map stands as a block that logs. The
// flash is erased to 0 and written by nobody but the board's loader.
// Its memory is 4 GiB, which the board places at 0; link "armv7m/memory" is the memory that the CPU sees
// below its own peripherals.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "holdfast/boards/b_l475e_iot01a/armv7m.hpp"
#include "holdfast/devices/misc/unimplemented.hpp"
#include "holdfast/devices/stm32/exti.hpp"
#include "holdfast/devices/stm32/gpio.hpp"
#include "holdfast/devices/stm32/rcc.hpp"
#include "holdfast/devices/stm32/syscfg.hpp"
#include "holdfast/devices/stm32/usart.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/wiring.hpp"

namespace holdfast::boards {

class Stm32l4x5Soc final : public hw::Device {
 public:
  static const object::Type kType;
  static constexpr unsigned kPins =
      devices::Stm32l4x5Syscfg::kPorts * devices::Stm32l4x5Syscfg::kPinsOfPort;
  static constexpr unsigned kUsarts = 3, kUarts = 2, kSerials = kUsarts + kUarts + 1;
  struct Config {
    std::uint64_t hse_hz = 8'000'000;
    /// Of USART1 to 3, UART4 and 5, LPUART1; null: the line leads nowhere. They outlive the device.
    std::array<chardev::Chardev*, kSerials> serials{};
  };
  Stm32l4x5Soc(const hw::DeviceInit& init, const Config& config);

  // Where memory is, and how much.
  static constexpr std::uint64_t kFlash = 0x0800'0000, kFlashSize = 1U << 20U;
  static constexpr std::uint64_t kSram1 = 0x2000'0000, kSram1Size = 96U << 10U;
  static constexpr std::uint64_t kSram2 = 0x1000'0000, kSram2Size = 32U << 10U;
  static constexpr std::uint64_t kMemorySize = std::uint64_t{4} << 30U;

 private:
  void map_memory();
  void place_fixed_devices();
  void add_ports();
  void add_serials(const Config& config);
  template <class T>
  void add_serial(std::deque<hw::Child<T>>& serials, std::string name, unsigned number,
                  const Config& config);
  void wire_interrupts();
  void pin_changed(unsigned pin, bool level) { pins_.set(pin, level); }
  void on_reset(hw::ResetPhase phase) override;
  void add_unmodelled();

  hw::Container memory_{*this, "memory", kMemorySize};
  hw::Ram flash_{*this, "flash", {.size = kFlashSize, .writable = hw::Ram::Init::Writable::kNo}};
  hw::Alias flash_at_0_{*this, "flash-boot-alias", kFlashSize, flash_};
  hw::Ram sram1_{*this, "sram1", {.size = kSram1Size}};
  hw::Ram sram2_{*this, "sram2", {.size = kSram2Size}};
  hw::Child<Armv7m> armv7m_{*this, "armv7m", Armv7m::Config{.interrupts = 82, .priority_bits = 4}};
  hw::Child<devices::Stm32l4x5Rcc> rcc_;
  hw::Child<devices::Stm32l4x5Exti> exti_{*this, "exti"};
  hw::Child<devices::Stm32l4x5Syscfg> syscfg_{*this, "syscfg"};
  // Pins on their way from the ports to SYSCFG: where clients watch and drive them.
  hw::IrqInArray in_{*this, "in", kPins, &Stm32l4x5Soc::pin_changed};
  hw::IrqOutArray pins_{*this, "pins", kPins};
  std::deque<hw::Child<devices::Stm32l4x5Gpio>> ports_;
  std::deque<hw::Child<devices::Stm32l4x5Usart>> usarts_;
  std::deque<hw::Child<devices::Stm32l4x5Uart>> uarts_;
  std::deque<hw::Child<devices::Stm32l4x5Lpuart>> lpuarts_;
  std::deque<hw::Child<devices::Unimplemented>> unmodelled_;
  hw::Wiring wiring_{*this};
};

}  // namespace holdfast::boards
