// SPDX-License-Identifier: Apache-2.0
// What sits on PCI buses.
#include <fmt/core.h>

#include <array>

#include "holdfast/control/pci_facts.hpp"
#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::qmp {
namespace {

Json devices_on(const devices::pci::Bus& bus);

// Where nothing shows, clients expect all ones, signed.
Json region_json(const PciFacts::Region& region) {
  Json json{{"bar", region.bar},
            {"type", region.io ? "io" : "memory"},
            {"address", region.at ? static_cast<std::int64_t>(*region.at) : std::int64_t{-1}},
            {"size", region.size}};
  if (!region.io) {
    json["prefetch"] = region.prefetchable;
    json["mem_type_64"] = region.wide;
  }
  return json;
}

Json range_json(const PciFacts::Range& range) { return {{"base", range.base}, {"limit", range.limit}}; }

Json bridge_json(const PciFacts::Bridge& bridge) {
  Json json{{"bus",
             {{"number", bridge.primary},
              {"secondary", bridge.secondary},
              {"subordinate", bridge.subordinate},
              {"io_range", range_json(bridge.io)},
              {"memory_range", range_json(bridge.memory)},
              {"prefetchable_range", range_json(bridge.prefetchable)}}}};
  if (bridge.secondary != 0 && bridge.behind != nullptr) json["devices"] = devices_on(*bridge.behind);
  return json;
}

Json function_json(devices::pci::Function& function) {
  const PciFacts facts = pci_facts(function);
  Json json{{"bus", facts.bus},
            {"slot", facts.address.device},
            {"function", facts.address.function},
            {"class_info", {{"class", facts.class_code}}},
            {"id", {{"vendor", facts.vendor}, {"device", facts.device}}},
            {"irq_pin", facts.interrupt_pin},
            {"qdev_id", facts.id},
            {"regions", Json::array()}};
  if (const auto name = pci_class_name(facts.class_code); !name.empty()) json["class_info"]["desc"] = name;
  if (!facts.bridge) {
    json["id"]["subsystem"] = facts.subsystem;
    json["id"]["subsystem-vendor"] = facts.subsystem_vendor;
  }
  if (facts.interrupt_pin != 0) json["irq"] = facts.interrupt_line;
  for (const PciFacts::Region& region : facts.regions) json["regions"].push_back(region_json(region));
  if (facts.bridge) json["pci_bridge"] = bridge_json(*facts.bridge);
  return json;
}

Json devices_on(const devices::pci::Bus& bus) {
  Json all = Json::array();
  for (devices::pci::Function* function : functions_on(bus)) all.push_back(function_json(*function));
  return all;
}

Answer query_pci(Call& call) {
  Json all = Json::array();
  for (const devices::pci::Bus* root : pci_roots(call.machine))
    all.push_back({{"bus", root->number()}, {"devices", devices_on(*root)}});
  return all;
}

constexpr auto kPciCommands = std::to_array<CommandRow>({{"query-pci", query_pci}});

}  // namespace

std::span<const CommandRow> pci_commands() { return kPciCommands; }

}  // namespace holdfast::control::qmp
