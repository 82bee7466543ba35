// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/slot_registers.hpp"

namespace holdfast::devices::pci {

void SlotRegisters::define(HotPlug hot_plug, std::uint32_t number) {
  using namespace slot_capability;
  hot_plug_ = hot_plug;
  std::uint32_t capabilities = number << kNumberShift;
  if (can_be_asked())
    capabilities |= kButton | kPowerController | kAttentionIndicator | kPowerIndicator | kSurprise | kHotPlug;
  config_.define(at_ + express::kSlotCapabilities, 4, capabilities);
  if (can_be_asked()) {
    namespace control = slot_control;
    config_.allow(at_ + express::kSlotControl, 2,
                  control::kButton | control::kPresence | control::kCompleted | control::kHotPlug |
                      control::kAttentionIndicator | control::kPowerIndicator | control::kUnpowered |
                      control::kLink);
    config_.clear_by_ones(at_ + express::kSlotStatus, 2, slot_status::kEvents);
  }
  reset();
}

bool SlotRegisters::wants_interrupt() const {
  const std::uint16_t enabled = control();
  if ((enabled & slot_control::kHotPlug) == 0) return false;
  std::uint16_t heard = 0;
  if ((enabled & slot_control::kButton) != 0) heard |= slot_status::kButton;
  if ((enabled & slot_control::kPresence) != 0) heard |= slot_status::kPresenceChanged;
  if ((enabled & slot_control::kCompleted) != 0) heard |= slot_status::kCompleted;
  if ((enabled & slot_control::kLink) != 0) heard |= slot_status::kLinkChanged;
  return (status() & heard) != 0;
}

void SlotRegisters::raise(std::uint16_t events) {
  if (!can_be_asked()) events = 0;
  config_.put(at_ + express::kSlotStatus, 2, status() | std::uint32_t{events});
}

void SlotRegisters::follow_link() {
  if (is_link_active() == shows_active_link()) return;
  config_.put(at_ + express::kLinkStatus, 2, config_.get16(at_ + express::kLinkStatus) ^ express::kLinkActive);
  raise(slot_status::kLinkChanged);
}

void SlotRegisters::set_present(bool present) {
  if (present == is_present()) return;
  present_ = present;
  config_.put(at_ + express::kSlotStatus, 2, status() ^ slot_status::kPresent);
  asked_ = blinked_ = false;
  // Whoever puts something in presses the button, too, to say that it may be switched on.
  raise(present ? slot_status::kPresenceChanged | slot_status::kButton : slot_status::kPresenceChanged);
  follow_link();
}

void SlotRegisters::press_button() {
  asked_ = true;
  blinked_ = false;
  raise(slot_status::kButton);
}

bool SlotRegisters::is_off(std::uint16_t control) {
  return (control & slot_control::kUnpowered) != 0 &&
         (control & slot_control::kPowerIndicator) == slot_control::kPowerOff;
}

SlotRegisters::Decision SlotRegisters::control_written(std::uint16_t before) {
  if (!can_be_asked()) return Decision::kNone;
  const std::uint16_t now = control();
  const bool had_power = (before & slot_control::kUnpowered) == 0;
  raise(slot_status::kCompleted);
  const bool released = is_present() && is_off(now) && !is_off(before);
  follow_link();
  if (released) {
    set_present(false);
    return Decision::kReleased;
  }
  if (asked_ && is_blinking()) blinked_ = true;
  if (is_present() && had_power && !is_powered()) return Decision::kCutOff;
  const bool shines = (now & slot_control::kPowerIndicator) == slot_control::kPowerOn && is_powered();
  if (!asked_ || !blinked_ || !shines) return Decision::kNone;
  asked_ = blinked_ = false;
  return Decision::kKept;
}

SlotRegisters::Decision SlotRegisters::link_control_written() {
  const bool was_active = shows_active_link();
  follow_link();
  return was_active && !is_link_active() ? Decision::kCutOff : Decision::kNone;
}

void SlotRegisters::reset() {
  asked_ = blinked_ = false;
  if (can_be_asked()) {
    const unsigned power = present_ ? slot_control::kPowerOn : slot_control::kPowerOff | slot_control::kUnpowered;
    config_.put(at_ + express::kSlotControl, 2, slot_control::kAttentionOff | power);
  }
  follow_link();
  config_.put(at_ + express::kSlotStatus, 2, present_ ? slot_status::kPresent : 0U);
}

}  // namespace holdfast::devices::pci
