// SPDX-License-Identifier: Apache-2.0
// The system configuration controller of STM32L4x5. Of each 16 pins of one number it chooses the port
// whose pin leads to the interrupt controller's line of that number.
//
// SPEC: RM0351, chapter 9 "System configuration controller (SYSCFG)".
// Modelled: all registers with what of them can be set, cleared, or only once; the choice of pins.
// Not modelled: what the registers do besides: the memory at address 0 stays flash, SRAM2 is neither
// erased nor protected, the firewall, the drive of I2C pins, interrupts of the floating-point unit.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices {

class Stm32l4x5Syscfg final : public hw::Device {
 public:
  static const object::Type kType;
  static constexpr unsigned kPorts = 8;
  static constexpr unsigned kPinsOfPort = 16;

  explicit Stm32l4x5Syscfg(const hw::DeviceInit& init) : Device{init} {}

  /// Pin n of port p (A is 0) is line 16 p + n.
  hw::IrqInArray& inputs() { return in_; }
  hw::IrqOutArray& outputs() { return out_; }
  hw::ClockIn& clk() { return clk_; }
  hw::Mmio& regs() { return regs_; }

 private:
  static constexpr unsigned kChoices = 4;  // of a register

  // Registers.
  std::uint32_t memory_remap() const { return memory_remap_; }
  void set_memory_remap(std::uint32_t value);
  std::uint32_t configuration1() const { return configuration1_; }
  void set_configuration1(std::uint32_t value);
  std::uint32_t choice(unsigned index) const { return choice_[index]; }
  void set_choice(unsigned index, std::uint32_t value);
  std::uint32_t sram2_status() const { return 0; }
  void set_sram2_status(std::uint32_t) {}
  std::uint32_t configuration2() const { return configuration2_; }
  void set_configuration2(std::uint32_t value);
  std::uint32_t protection(unsigned index) const { return protection_[index]; }
  void set_protection(unsigned index, std::uint32_t value) { protection_[index] |= value; }
  std::uint32_t key() const { return key_; }
  void set_key(std::uint32_t value) { key_ = value & 0xff; }

  void pin_changed(unsigned pin, bool /*level*/) { route(pin % kPinsOfPort); }
  void route(unsigned line);
  void on_reset(hw::ResetPhase phase) override;

  // Guest-visible state.
  hw::State<std::uint32_t> memory_remap_{*this, "memrmp"};
  hw::State<std::uint32_t> configuration1_{*this, "cfgr1", 0x7c00'0001};
  hw::State<std::array<std::uint32_t, kChoices>> choice_{*this, "exticr"};
  hw::State<std::uint32_t> configuration2_{*this, "cfgr2"};
  hw::State<std::array<std::uint32_t, 2>> protection_{*this, "swpr"};
  hw::State<std::uint32_t> key_{*this, "skr"};
  // Wiring.
  hw::IrqInArray in_{*this, "in", kPorts * kPinsOfPort, &Stm32l4x5Syscfg::pin_changed};
  hw::IrqOutArray out_{*this, "out", kPinsOfPort};
  hw::ClockIn clk_{*this, "clk"};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<Stm32l4x5Syscfg>(
          0x400,
          {{.at = 0x00, .name = "MEMRMP", .read = &Stm32l4x5Syscfg::memory_remap,
            .write = &Stm32l4x5Syscfg::set_memory_remap},
           {.at = 0x04, .name = "CFGR1", .read = &Stm32l4x5Syscfg::configuration1,
            .write = &Stm32l4x5Syscfg::set_configuration1},
           {.at = 0x08, .name = "EXTICR", .read = &Stm32l4x5Syscfg::choice,
            .write = &Stm32l4x5Syscfg::set_choice, .count = kChoices},
           {.at = 0x18, .name = "SCSR", .read = &Stm32l4x5Syscfg::sram2_status,
            .write = &Stm32l4x5Syscfg::set_sram2_status},
           {.at = 0x1c, .name = "CFGR2", .read = &Stm32l4x5Syscfg::configuration2,
            .write = &Stm32l4x5Syscfg::set_configuration2, .partial = hw::Partial::kZero},
           {.at = 0x20, .name = "SWPR", .read = &Stm32l4x5Syscfg::protection,
            .write = &Stm32l4x5Syscfg::set_protection, .count = 2, .stride = 8},
           {.at = 0x24, .name = "SKR", .read = &Stm32l4x5Syscfg::key,
            .write = &Stm32l4x5Syscfg::set_key}})};
};

}  // namespace holdfast::devices
