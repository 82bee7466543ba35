// SPDX-License-Identifier: Apache-2.0
// The extended interrupt and event controller of STM32L4x5: 40 lines, from pins and from devices, to
// the interrupt controller.
//
// SPEC: RM0351, chapter 14 "Extended interrupts and events controller (EXTI)".
// A *configurable* line has edges: a selected one sets its pending bit, as software can, if its interrupt
// is not masked, and the output stays high until the bit is cleared. A *direct* line has a device behind
// it that knows what is pending: its level goes through unless masked. Modelled: all registers, both
// kinds of line. Not modelled: events, so the event masks are kept and do nothing.
#pragma once

#include <array>
#include <cstdint>

#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/state.hpp"

namespace holdfast::devices {

class Stm32l4x5Exti final : public hw::Device {
 public:
  static const object::Type kType;
  static constexpr unsigned kLines = 40;
  /// Lines that share an interrupt, and so an output of their own: high while one of them is.
  enum Group : unsigned { kPins5To9, kPins10To15, kComparators, kPowerVoltage, kGroups };

  explicit Stm32l4x5Exti(const hw::DeviceInit& init) : Device{init} {}

  hw::IrqInArray& inputs() { return in_; }
  /// One for each line; those of a group are for onlookers.
  hw::IrqOutArray& irq() { return irq_; }
  hw::IrqOutArray& groups() { return groups_; }
  hw::Mmio& regs() { return regs_; }

 private:
  /// Registers come in banks: lines 0 to 31, lines 32 and up.
  static constexpr unsigned kBanks = 2;
  using Lines = std::array<std::uint32_t, kBanks>;
  static constexpr Lines kExisting{0xffff'ffff, 0x0000'00ff};
  static constexpr Lines kConfigurable{0x007d'ffff, 0x0000'0078};
  static constexpr Lines kDirect{0xff82'0000, 0x0000'0087};

  // Registers.
  std::uint32_t interrupt_mask(unsigned bank) const { return interrupt_mask_[bank]; }
  void set_interrupt_mask(unsigned bank, std::uint32_t value);
  std::uint32_t event_mask(unsigned bank) const { return event_mask_[bank]; }
  void set_event_mask(unsigned bank, std::uint32_t value);
  std::uint32_t rising(unsigned bank) const { return rising_[bank]; }
  void set_rising(unsigned bank, std::uint32_t value) { rising_[bank] = value & kConfigurable[bank]; }
  std::uint32_t falling(unsigned bank) const { return falling_[bank]; }
  void set_falling(unsigned bank, std::uint32_t value) { falling_[bank] = value & kConfigurable[bank]; }
  std::uint32_t software(unsigned bank) const { return software_[bank]; }
  void set_software(unsigned bank, std::uint32_t value);
  std::uint32_t pending(unsigned bank) const { return pending_[bank]; }
  void clear_pending(unsigned bank, std::uint32_t value);

  void line_changed(unsigned line, bool level);
  std::uint32_t active(unsigned bank) const;
  void update();
  void on_reset(hw::ResetPhase phase) override;

  // Guest-visible state.
  hw::State<Lines> interrupt_mask_{*this, "imr", kDirect};
  hw::State<Lines> event_mask_{*this, "emr"};
  hw::State<Lines> rising_{*this, "rtsr"};
  hw::State<Lines> falling_{*this, "ftsr"};
  hw::State<Lines> software_{*this, "swier"};
  hw::State<Lines> pending_{*this, "pr"};
  // What the inputs are; that is no state of this device, so a reset leaves it.
  Lines levels_{};
  // Wiring.
  hw::IrqInArray in_{*this, "in", kLines, &Stm32l4x5Exti::line_changed};
  hw::IrqOutArray irq_{*this, "irq", kLines};
  hw::IrqOutArray groups_{*this, "group", kGroups};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<Stm32l4x5Exti>(
          0x400,
          {{.at = 0x00, .name = "IMR", .read = &Stm32l4x5Exti::interrupt_mask,
            .write = &Stm32l4x5Exti::set_interrupt_mask, .count = kBanks, .stride = 0x20},
           {.at = 0x04, .name = "EMR", .read = &Stm32l4x5Exti::event_mask,
            .write = &Stm32l4x5Exti::set_event_mask, .count = kBanks, .stride = 0x20},
           {.at = 0x08, .name = "RTSR", .read = &Stm32l4x5Exti::rising,
            .write = &Stm32l4x5Exti::set_rising, .count = kBanks, .stride = 0x20},
           {.at = 0x0c, .name = "FTSR", .read = &Stm32l4x5Exti::falling,
            .write = &Stm32l4x5Exti::set_falling, .count = kBanks, .stride = 0x20},
           {.at = 0x10, .name = "SWIER", .read = &Stm32l4x5Exti::software,
            .write = &Stm32l4x5Exti::set_software, .count = kBanks, .stride = 0x20},
           {.at = 0x14, .name = "PR", .read = &Stm32l4x5Exti::pending,
            .write = &Stm32l4x5Exti::clear_pending, .count = kBanks, .stride = 0x20,
            .partial = hw::Partial::kZero}})};
};

}  // namespace holdfast::devices
