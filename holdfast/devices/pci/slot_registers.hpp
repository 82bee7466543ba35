// SPDX-License-Identifier: Apache-2.0
// The registers of a hot-plug slot in the PCI Express capability of the port above it: attention button,
// power controller, both indicators, presence, and the state of the link below, which the guest can disable. What
// the guest's writes to them mean is worked out here, and nowhere acted upon.
//
// A guest lets go of what is in the slot by switching off power and power indicator; the order does not
// matter, what counts is the write by which both have become off. It keeps what it was asked for if it lets
// the power indicator blink and then shine again with power on, as when the button is pressed a second time.
//
// Modelled: what is named above, and command completion, which is at once. Not: power faults, latches,
// interlocks.
//
// SPEC: PCI Express Base Specification, 6.7 and 7.5.3.9 to 7.5.3.11.
// LOCK: the port's gate.
#pragma once

#include <cstdint>

#include "holdfast/devices/pci/config_space.hpp"

namespace holdfast::devices::pci {

/// Registers of the PCI Express capability, from its beginning.
namespace express {
inline constexpr unsigned kLinkControl = 0x10;
inline constexpr unsigned kLinkStatus = 0x12;
inline constexpr unsigned kSlotCapabilities = 0x14;
inline constexpr unsigned kSlotControl = 0x18;
inline constexpr unsigned kSlotStatus = 0x1a;
inline constexpr std::uint16_t kLinkDisable = 0x0010;  // in kLinkControl
inline constexpr std::uint16_t kLinkActive = 0x2000;   // in kLinkStatus
}  // namespace express

namespace slot_capability {
inline constexpr std::uint32_t kButton = 1U << 0U;
inline constexpr std::uint32_t kPowerController = 1U << 1U;
inline constexpr std::uint32_t kAttentionIndicator = 1U << 3U;
inline constexpr std::uint32_t kPowerIndicator = 1U << 4U;
inline constexpr std::uint32_t kSurprise = 1U << 5U;
inline constexpr std::uint32_t kHotPlug = 1U << 6U;
inline constexpr unsigned kNumberShift = 19;
}  // namespace slot_capability

namespace slot_control {
inline constexpr std::uint16_t kButton = 0x0001;    // enables that event's interrupt, as do the next
inline constexpr std::uint16_t kPresence = 0x0008;
inline constexpr std::uint16_t kCompleted = 0x0010;
inline constexpr std::uint16_t kHotPlug = 0x0020;   // enables them all
inline constexpr std::uint16_t kAttentionIndicator = 0x00c0;
inline constexpr std::uint16_t kAttentionOff = 0x00c0;
inline constexpr std::uint16_t kPowerIndicator = 0x0300;
inline constexpr std::uint16_t kPowerOn = 0x0100;    // indicators
inline constexpr std::uint16_t kPowerBlinks = 0x0200;
inline constexpr std::uint16_t kPowerOff = 0x0300;
inline constexpr std::uint16_t kUnpowered = 0x0400;  // the controller
inline constexpr std::uint16_t kLink = 0x1000;       // enables that event's interrupt
}  // namespace slot_control

namespace slot_status {
inline constexpr std::uint16_t kButton = 0x0001;
inline constexpr std::uint16_t kPresenceChanged = 0x0008;
inline constexpr std::uint16_t kCompleted = 0x0010;
inline constexpr std::uint16_t kPresent = 0x0040;
inline constexpr std::uint16_t kLinkChanged = 0x0100;
inline constexpr std::uint16_t kEvents = kButton | kPresenceChanged | kCompleted | kLinkChanged;
}  // namespace slot_status

class SlotRegisters {
 public:
  enum class HotPlug : std::uint8_t { kNo, kYes };

  /// Of the capability at `at`. `config` outlives this.
  SlotRegisters(ConfigSpace& config, unsigned at) : config_{config}, at_{at} {}

  /// What the guest finds; before the port is realized. `number` has 13 bits.
  void define(HotPlug hot_plug, std::uint32_t number);

  bool can_be_asked() const { return hot_plug_ == HotPlug::kYes; }
  bool is_present() const { return present_; }
  bool is_powered() const { return (control() & slot_control::kUnpowered) == 0; }
  /// What is below can be reached.
  bool is_link_active() const { return is_present() && is_powered() && !is_link_disabled(); }
  bool is_blinking() const {
    return (control() & slot_control::kPowerIndicator) == slot_control::kPowerBlinks;
  }
  /// Whether the slot wants to interrupt: an event that is enabled has not been dealt with.
  bool wants_interrupt() const;

  // --- what happens ---------------------------------------------------------------------------------

  /// Something is put in, or found gone.
  void set_present(bool present);
  /// Somebody presses the button, to have what is there removed.
  void press_button();
  enum class Decision : std::uint8_t {
    kNone,
    kReleased,  // what is there may go
    kKept,      // the button was pressed in vain
    kCutOff,    // what is there has lost its power or its link, and so its state
  };
  /// The guest has written the control register, which was `before`. At most one decision a write.
  Decision control_written(std::uint16_t before);
  /// The guest has written the link's control register.
  Decision link_control_written();
  /// A slot with something in it has power from the start.
  void reset();

  std::uint16_t control() const { return config_.get16(at_ + express::kSlotControl); }

 private:
  std::uint16_t status() const { return config_.get16(at_ + express::kSlotStatus); }
  void raise(std::uint16_t events);
  bool is_link_disabled() const {
    return (config_.get16(at_ + express::kLinkControl) & express::kLinkDisable) != 0;
  }
  bool shows_active_link() const {
    return (config_.get16(at_ + express::kLinkStatus) & express::kLinkActive) != 0;
  }
  /// Shows whether the link is active.
  void follow_link();
  static bool is_off(std::uint16_t control);

  ConfigSpace& config_;
  const unsigned at_;
  HotPlug hot_plug_ = HotPlug::kNo;
  bool present_ = false;  // whatever a reset makes of the registers
  bool asked_ = false;    // the button was pressed, and the guest has not decided
  bool blinked_ = false;  // since then
};

}  // namespace holdfast::devices::pci
