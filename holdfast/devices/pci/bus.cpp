// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/bus.hpp"

#include <utility>

namespace holdfast::devices::pci {

Bus::Bus(hw::Device& owner, std::string part_name, Init init)
    : hw::Bus{owner, std::move(part_name),
              {.name = init.name,
               .type = init.kind == Kind::kExpress ? "PCIE" : "PCI",
               .family = kFamily}},
      kind_{init.kind},
      memory_{owner, name() + ".memory"},
      io_{owner, name() + ".io", kIoBytes},
      config_{owner, name() + ".config", kConfigBytes},
      functions_{owner, name() + ".functions", kBusBytes},
      control_{BusControl::make({.name = std::move(init.name),
                                 .first_device = init.first_device,
                                 .last_device = init.last_device,
                                 .functions = functions_.region().control(),
                                 .memory = memory_.region().control(),
                                 .io = io_.region().control()})} {}

Result<void> Bus::hot_pluggable() const {
  return fail("bus '{}' does not support hotplugging", bus_name());
}

void Bus::hide(memory::Transaction& map) { map.remove(functions_.region()); }

void Bus::renumber(std::uint8_t number, memory::Transaction& map) {
  control_->set_number(number);
  hide(map);
  map.add(config_.region(), number * kBusBytes, functions_.region());
}

}  // namespace holdfast::devices::pci
