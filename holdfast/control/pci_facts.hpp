// SPDX-License-Identifier: Apache-2.0
// What monitors tell of a PCI function: who it is, where it sits, where its BARs show; of a bridge, what it
// lets through. Looked up in its configuration space, inside its gate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/devices/pci/function.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::control {

struct PciFacts {
  unsigned bus = 0;
  devices::pci::Address address{};
  std::uint16_t class_code = 0;  // class and subclass
  std::uint16_t vendor = 0;
  std::uint16_t device = 0;
  std::uint16_t subsystem_vendor = 0;  // of a bridge 0
  std::uint16_t subsystem = 0;         // the same
  std::uint8_t interrupt_pin = 0;      // 0: none
  std::uint8_t interrupt_line = 0;
  std::string id;  // of the user; "" if it has none

  struct Region {
    unsigned bar = 0;
    bool io = false;
    bool prefetchable = false;
    bool wide = false;
    std::uint64_t size = 0;
    std::optional<std::uint64_t> at;  // on its bus, if it shows
  };
  std::vector<Region> regions{};

  struct Range {
    std::uint64_t base;
    std::uint64_t limit;
  };
  struct Bridge {
    unsigned primary;
    unsigned secondary;
    unsigned subordinate;
    Range io;
    Range memory;
    Range prefetchable;
    devices::pci::Bus* behind;  // null if it is none of this process's kinds; control thread
  };
  std::optional<Bridge> bridge{};
};

/// Control thread.
PciFacts pci_facts(devices::pci::Function& function);
/// Those that sit on a bus, in order of their addresses. Control thread.
std::vector<devices::pci::Function*> functions_on(const devices::pci::Bus& bus);
/// All root buses. Control thread.
std::vector<devices::pci::Bus*> pci_roots(machine::Machine& machine);
/// "Host bridge"; "" if the class has no name here.
std::string_view pci_class_name(std::uint16_t class_code);
/// What users call a device; "" if it has no name of theirs.
std::string user_id(const hw::Device& device);

}  // namespace holdfast::control
