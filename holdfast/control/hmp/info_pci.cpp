// SPDX-License-Identifier: Apache-2.0
// `info pci`: the functions on PCI buses, those behind bridges included.
#include <array>

#include "holdfast/control/hmp/command.hpp"

namespace holdfast::control::hmp {
namespace {

using qmp::Json;

std::uint64_t field_of(const Json& json, const char* name) {
  return json.at(name).is_number_unsigned() ? json.at(name).get<std::uint64_t>()
                                            : static_cast<std::uint64_t>(json.at(name).get<std::int64_t>());
}

void show_region(Call& call, const Json& region) {
  const std::uint64_t at = field_of(region, "address");
  const std::uint64_t last = at + field_of(region, "size") - 1;
  if (region.at("type") == "io")
    return call.say("      BAR{}: I/O at {:#06x} [{:#06x}].", field_of(region, "bar"), at, last);
  call.say("      BAR{}: {} bit{} memory at {:#010x} [{:#010x}].", field_of(region, "bar"),
           region.at("mem_type_64").get<bool>() ? 64 : 32,
           region.at("prefetch").get<bool>() ? " prefetchable" : "", at, last);
}

void show_bridge(Call& call, const Json& bus) {
  call.say("      BUS {}.", field_of(bus, "number"));
  call.say("      secondary bus {}.", field_of(bus, "secondary"));
  call.say("      subordinate bus {}.", field_of(bus, "subordinate"));
  const Json& io = bus.at("io_range");
  call.say("      IO range [{:#06x}, {:#06x}]", field_of(io, "base"), field_of(io, "limit"));
  const Json& memory = bus.at("memory_range");
  call.say("      memory range [{:#010x}, {:#010x}]", field_of(memory, "base"), field_of(memory, "limit"));
  const Json& prefetchable = bus.at("prefetchable_range");
  call.say("      prefetchable memory range [{:#010x}, {:#010x}]", field_of(prefetchable, "base"),
           field_of(prefetchable, "limit"));
}

void show(Call& call, const Json& one) {
  call.say("  Bus {:2}, device {:3}, function {}:", field_of(one, "bus"), field_of(one, "slot"),
           field_of(one, "function"));
  const Json& kind = one.at("class_info");
  const Json& id = one.at("id");
  call.say("    {}: PCI device {:04x}:{:04x}",
           kind.contains("desc") ? kind.at("desc").get<std::string>()
                                 : fmt::format("Class {:04}", field_of(kind, "class")),
           field_of(id, "vendor"), field_of(id, "device"));
  if (id.contains("subsystem"))
    call.say("      PCI subsystem {:04x}:{:04x}", field_of(id, "subsystem-vendor"), field_of(id, "subsystem"));
  if (one.contains("irq"))
    call.say("      IRQ {}, pin {}", field_of(one, "irq"),
             static_cast<char>('A' + static_cast<int>(field_of(one, "irq_pin")) - 1));
  if (one.contains("pci_bridge")) show_bridge(call, one.at("pci_bridge").at("bus"));
  for (const Json& region : one.at("regions")) show_region(call, region);
  call.say("      id \"{}\"", one.at("qdev_id").get<std::string>());
  if (one.contains("pci_bridge") && one.at("pci_bridge").contains("devices"))
    for (const Json& behind : one.at("pci_bridge").at("devices")) show(call, behind);
}

Result<void> functions(Call& call) {
  const Json buses = TRY(call.ask("query-pci"));
  for (const Json& bus : buses)
    for (const Json& one : bus.at("devices")) show(call, one);
  if (buses.empty()) call.say("This machine has no PCI bus.");
  return {};
}

constexpr auto kInfoPciRows =
    std::to_array<Row>({{.name = "pci", .help = "the devices on PCI buses", .perform = functions}});

}  // namespace

std::span<const Row> info_pci_rows() { return kInfoPciRows; }

}  // namespace holdfast::control::hmp
