// SPDX-License-Identifier: Apache-2.0
// A root port at device 1 of a PciWorld's root bus, seen with the eyes of the guest that drives its slot.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "holdfast/devices/pci/root_port.hpp"
#include "holdfast/devices/pci/slot_registers.hpp"
#include "tests/support/pci_devices.hpp"
#include "tests/support/pci_world.hpp"

namespace holdfast::test {

class SlotWorld : public PciWorld {
 public:
  static constexpr unsigned kPort = 1;
  static constexpr std::uint64_t kWindow = pci_map::kLow + 0x10'0000;
  static constexpr std::uint64_t kWindowBytes = 0x10'0000;
  static constexpr std::uint64_t kMessages = pci_map::kLow;  // the port's own BAR
  static constexpr std::uint32_t kNobody = 0xffff'ffff;
  static constexpr std::uint32_t kProbeId = 0xf001'1b36;

  // Of the control register: indicators and power.
  static constexpr std::uint16_t kOn = 0x0100;
  static constexpr std::uint16_t kBlinks = 0x0200;
  static constexpr std::uint16_t kOff = 0x0300;
  static constexpr std::uint16_t kNoPower = 0x0400;

  explicit SlotWorld(devices::pci::RootPort::Config config = {}) {
    EXPECT_TRUE(plug<devices::pci::RootPort>("port", "1", config));
    (*this)->reset();
    at_ = capability(kPort, devices::pci::capability::kExpress);
    number_and_open();
  }

  /// Bus 1 behind the port, its window open. What firmware does after each reset.
  void number_and_open() {
    constexpr auto kBound = static_cast<std::uint32_t>(kWindow >> 16);
    set_config(kPort, devices::pci::reg::kPrimaryBus, 4, 0x00ff'0100);
    set_config(kPort, devices::pci::reg::kMemoryBase, 4, kBound << 16 | kBound);
    set_config(kPort, devices::pci::reg::kBar0, 4, static_cast<std::uint32_t>(kMessages));
    set_config(kPort, devices::pci::reg::kCommand, 2, 0x6);
  }
  /// Into the slot.
  template <class T = PciProbe>
  Result<void> insert(std::string name = "probe", std::string addr = "0") {
    return plug_on<T>({"port", "secondary"}, std::move(name), std::move(addr));
  }

  std::uint16_t status() { return static_cast<std::uint16_t>(config(kPort, at_ + 0x1a, 2)); }
  std::uint16_t control() { return static_cast<std::uint16_t>(config(kPort, at_ + 0x18, 2)); }
  std::uint16_t power() { return control() & (kOff | kNoPower); }
  bool link() { return (config(kPort, at_ + 0x12, 2) & 0x2000) != 0; }
  void clear(std::uint16_t events) { set_config(kPort, at_ + 0x1a, 2, events); }
  /// Indicator and power, all interrupts disabled.
  void command(std::uint16_t value) { set_config(kPort, at_ + 0x18, 2, value); }
  void settle() { (*this)->control().run_pending(); }

  void power_up() { command(kOn); }
  void let_go() {
    command(kBlinks);
    command(kOff | kNoPower);
    settle();
  }

  std::uint32_t id_in_slot(unsigned function = 0) { return read32(config_at(0, function, 0, 1)); }
  /// The device's BAR 0 at the window's beginning, and DMA allowed.
  void map_device() {
    store(config_at(0, 0, devices::pci::reg::kBar0, 1), 4, kWindow);
    store(config_at(0, 0, devices::pci::reg::kBar0 + 4, 1), 4, 0);
    store(config_at(0, 0, devices::pci::reg::kCommand, 1), 2, 0x6);
  }

  unsigned capability_at() const { return at_; }

 private:
  unsigned at_ = 0;
};

}  // namespace holdfast::test
