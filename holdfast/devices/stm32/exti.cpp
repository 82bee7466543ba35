// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/exti.hpp"

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

constexpr unsigned kLinesOfBank = 32;

constexpr std::uint32_t lines(unsigned first, unsigned last) {
  std::uint32_t mask = 0;
  for (unsigned line = first; line <= last; ++line) mask |= 1U << line % kLinesOfBank;
  return mask;
}

// SPEC: table "STM32L47x/L48x/L49x/L4Ax vector table": EXTI9_5, EXTI15_10, COMP, PVD_PVM.
constexpr std::array<std::array<std::uint32_t, 2>, Stm32l4x5Exti::kGroups> kGroupLines{{
    {lines(5, 9), 0},
    {lines(10, 15), 0},
    {lines(21, 22), 0},
    {lines(16, 16), lines(35, 38)},
}};

}  // namespace

constinit const object::Type Stm32l4x5Exti::kType{
    .name = "stm32l4x5-exti",
    .parent = &hw::kSysBusDevice,
    .docs = "STM32L4x5's extended interrupt and event controller."};

void Stm32l4x5Exti::set_interrupt_mask(unsigned bank, std::uint32_t value) {
  interrupt_mask_[bank] = value & kExisting[bank];
  update();
}

void Stm32l4x5Exti::set_event_mask(unsigned bank, std::uint32_t value) {
  event_mask_[bank] = value & kExisting[bank];
}

// SPEC: 14.5.5: a bit that goes from 0 to 1 makes its line pending if the interrupt is enabled.
void Stm32l4x5Exti::set_software(unsigned bank, std::uint32_t value) {
  const std::uint32_t now = value & kConfigurable[bank];
  pending_[bank] |= now & ~software_[bank] & interrupt_mask_[bank];
  software_[bank] = now;
  update();
}

// SPEC: 14.5.6: cleared by writing 1, which clears the software request, too.
void Stm32l4x5Exti::clear_pending(unsigned bank, std::uint32_t value) {
  pending_[bank] &= ~value;
  software_[bank] &= ~value;
  update();
}

void Stm32l4x5Exti::line_changed(unsigned line, bool level) {
  const unsigned bank = line / kLinesOfBank;
  const std::uint32_t bit = 1U << line % kLinesOfBank;
  if (((levels_[bank] & bit) != 0) == level) return;
  levels_[bank] ^= bit;
  const std::uint32_t edges = level ? rising_[bank] : falling_[bank];
  pending_[bank] |= bit & edges & interrupt_mask_[bank];
  update();
}

std::uint32_t Stm32l4x5Exti::active(unsigned bank) const {
  return (pending_[bank] | (levels_[bank] & kDirect[bank])) & interrupt_mask_[bank];
}

void Stm32l4x5Exti::update() {
  const Lines now{active(0), active(1)};
  for (unsigned line = 0; line < kLines; ++line)
    irq_.set(line, (now[line / kLinesOfBank] >> line % kLinesOfBank & 1U) != 0);
  for (unsigned group = 0; group < kGroups; ++group)
    groups_.set(group, (now[0] & kGroupLines[group][0]) != 0 || (now[1] & kGroupLines[group][1]) != 0);
}

// Devices that are reset, too, have taken their lines down by then.
void Stm32l4x5Exti::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kExit) update();
}

}  // namespace holdfast::devices
