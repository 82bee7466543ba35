// SPDX-License-Identifier: Apache-2.0
// A root port of PCI Express: a bridge with one slot behind it, into which devices are plugged and from which
// they are pulled while the machine runs.
//
// Native hot-plug. Putting a device in shows as presence, with the attention button pressed; the guest powers
// the slot up, and finds the device. A request to take it out presses the button: the guest lets go of the
// device by powering the slot down, or keeps it (slot_registers.hpp has how it says so). Without power a device
// is out of reach in every respect: configuration, memory, DMA. Torn out, it is gone, presence and link show it.
//
// Events interrupt by MSI-X, which has one vector, or by INTA.
//
// Modelled: the slot as above; type 1 header and windows of bridge.hpp; PCI Express and MSI-X capabilities.
// Not modelled: error reporting, access control services, power management events, link training.
// SPEC: PCI Express Base Specification, 6.7, 7.5.3.
//
// LOCK: the gate, for the slot's registers too; the machine asks from the control thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/devices/pci/bridge.hpp"
#include "holdfast/devices/pci/capability.hpp"
#include "holdfast/devices/pci/msix.hpp"
#include "holdfast/devices/pci/slot_registers.hpp"
#include "holdfast/hw/machine_requests.hpp"
#include "holdfast/hw/slot.hpp"

namespace holdfast::devices::pci {

class RootPort final : public Bridge {
 public:
  static const object::Type kType;
  struct Config {
    std::uint8_t port = 0;      // by which link capabilities know it
    std::uint8_t chassis = 0;   // kept, and shown to nobody
    std::uint32_t slot = 0;     // the number of the slot, 13 bits
    bool hotplug = true;
  };
  RootPort(const hw::DeviceInit& init, const Config& config);

 private:
  /// What the machine knows of it.
  class PortSlot final : public hw::Part, public hw::Slot {
   public:
    explicit PortSlot(RootPort& port) : Part{port, "slot", "slot"}, port_{port} {}
    std::string slot_name() const override { return port_.full_path(); }
    Result<Answer> ask() override;
    std::vector<hw::Device*> occupants() override;
    void vacate() override;
    // Relaxed: a seating is told from the next one, and nothing else goes with it.
    std::uint64_t seating() const override { return seating_.load(std::memory_order_relaxed); }
    /// Another one from now on.
    void seated() { seating_.fetch_add(1, std::memory_order_relaxed); }

   private:
    RootPort& port_;  // contains this
    std::atomic<std::uint64_t> seating_{0};
  };

  Result<void> seated(Bus& bus) override;
  Ref<hw::InPin> presence_input(Address address) override;
  hw::Slot* slot_of(const hw::Device& device) override;
  Result<void> hot_pluggable() const override;
  Result<void> takes_more() const override;
  void config_written(unsigned at, unsigned bytes, memory::Transaction& map) override;
  void on_reset(hw::ResetPhase phase) override;
  void set_present(bool present);
  void decided(SlotRegisters::Decision decision);
  /// Power and interrupt follow the slot's registers.
  void follow_slot();

  const Config config_;
  Express express_;
  hw::Container bar_content_{*this, "messages", 0x1000};
  Bar bar_{*this, 0, bar_content_};
  Msix msix_{*this, {.vectors = 1, .bar = bar_, .content = bar_content_, .table = 0, .pending = 0x800}};
  SlotRegisters slot_{config(), express_.at()};
  PortSlot port_slot_{*this};
  std::uint16_t control_ = 0;  // as the guest last left it
  bool wants_interrupt_ = false;
};

}  // namespace holdfast::devices::pci
