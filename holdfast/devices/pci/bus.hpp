// SPDX-License-Identifier: Apache-2.0
// A PCI bus: where functions sit. It belongs to a host bridge or to a bridge between buses, which
// derives from it to say what lies above.
//
// Everything that is routed by address is a container, so that it is routed by the memory core and
// severed like everything else:
//
//   memory    where the functions' memory BARs go, at bus addresses
//   io        the same for I/O BARs, 64 KiB
//   config    configuration space as seen from here: 1 MiB a bus number. The bus's own functions are in
//             it at its number; a bridge on this bus shows a window onto its secondary bus's there.
//
// A host bridge shows windows of these to the system; a bridge shows windows of its secondary bus's
// memory, io and config in those of its primary bus, and moves them as the guest writes its registers.
//
// Interrupts and presence are wires: a function that sits down gets an input pin from the bus's owner
// and connects to it. When the function goes, the wire is cut and the pin's resting level is its last
// change; nobody has to be told.
//
// LOCK: the containers are edited by transactions; everything else is for the control thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/devices/pci/bus_control.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/wire.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::devices::pci {

inline constexpr unsigned kIntxPins = 4;

class Bus : public hw::Bus {
 public:
  static constexpr std::string_view kFamily = "PCI";
  static constexpr std::uint64_t kFunctionBytes = 0x1000;
  static constexpr std::uint64_t kBusBytes = kAddresses * kFunctionBytes;
  static constexpr std::uint64_t kConfigBytes = 256 * kBusBytes;
  static constexpr std::uint64_t kIoBytes = 0x1'0000;

  enum class Kind : std::uint8_t { kExpress, kConventional };

  bool has_room() const override { return control_->has_room(); }
  /// A guest that is not told would not know.
  Result<void> hot_pluggable() const override;
  Kind kind_of_bus() const { return kind_; }
  const Ref<BusControl>& control() const { return control_; }
  std::uint8_t number() const { return control_->number(); }
  /// Those that sit here, in order of their addresses.
  std::vector<object::Handle<Function>> functions() const { return control_->all(); }

  hw::Container& memory() { return memory_; }
  hw::Container& io() { return io_; }
  hw::Container& config() { return config_; }

  // --- what its owner says ------------------------------------------------------------------------

  /// Whether there is no bus above: functions here belong to the root complex.
  virtual bool is_root() const = 0;
  /// What a function sees that sits here and may be a bus master; null if that is not there (any more).
  virtual hw::RegionPart* dma_root() const = 0;
  /// Where a function's interrupt pin leads, 0 for INTA; a pin of its own for each who asks.
  virtual Ref<hw::InPin> intx_input(Address address, unsigned pin) = 0;
  /// High while a function sits there; empty if nobody wants to know.
  virtual Ref<hw::InPin> presence_input(Address /*address*/) { return {}; }

 protected:
  struct Init {
    std::string name;
    Kind kind = Kind::kExpress;
    std::uint8_t first_device = 0;
    std::uint8_t last_device = kDevices - 1;
  };
  Bus(hw::Device& device, std::string part_name, Init init);

  /// Its functions show in `config` at this number from now on; 0 is for roots. Any thread, inside the
  /// gate of a bridge.
  void renumber(std::uint8_t number, memory::Transaction& map);
  /// Its functions do not show in `config`.
  void hide(memory::Transaction& map);

 private:
  const Kind kind_;
  hw::Container memory_;
  hw::Container io_;
  hw::Container config_;
  hw::Container functions_;
  const Ref<BusControl> control_;
};

/// The pin at a bridge's primary side for a pin at its secondary side.
/// SPEC: PCI-to-PCI Bridge Architecture 1.2, 9.1.
constexpr unsigned swizzle(unsigned device, unsigned pin) { return (device + pin) % kIntxPins; }

}  // namespace holdfast::devices::pci
