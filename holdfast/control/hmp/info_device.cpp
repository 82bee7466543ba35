// SPDX-License-Identifier: Apache-2.0
// `info`: the devices of the machine, and the tree of all its objects.
#include <array>
#include <map>
#include <vector>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/configuration.hpp"
#include "holdfast/control/pci_facts.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/memory/map_snapshot.hpp"

namespace holdfast::control::hmp {
namespace {

using memory::MapSnapshot;

/// Where regions lie on the bus, by owner and name; not those that only aliases show.
class Addresses {
 public:
  explicit Addresses(machine::Machine& machine) {
    const memory::AddressSpace bus{machine.fabric(), machine.bus().memory().region(), {.name = "monitor"}};
    const std::array spaces{bus.control()};
    const MapSnapshot map = machine.fabric().snapshot(spaces);
    struct Place {
      MapSnapshot::Index region;
      std::uint64_t base;
    };
    std::vector<Place> stack;
    if (map.spaces.front().root) stack.push_back({*map.spaces.front().root, 0});
    while (!stack.empty()) {
      const Place place = stack.back();
      stack.pop_back();
      const MapSnapshot::Region& region = map.regions[place.region];
      addresses_.try_emplace({region.owner, region.name}, place.base + region.offset);
      for (const auto child : region.children) stack.push_back({child, place.base + region.offset});
    }
  }

  /// All ones: nowhere.
  std::uint64_t of(const hw::Device& device, const memory::MemoryRegion& region) const {
    const auto found = addresses_.find({device.full_path(), region.name()});
    return found == addresses_.end() ? ~std::uint64_t{0} : found->second;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::uint64_t> addresses_;
};

std::string value_text(const object::PropertyValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("\"{}\"", *text);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return fmt::format("{0} ({0:#x})", *number);
  return object::to_text(value);
}

template <class Pins>
std::string pins_text(std::string_view kind, const Pins& pins) {
  // The one that boards call the interrupt input has no name to clients.
  return fmt::format("{} \"{}\" {}", kind, pins.name() == "in" ? "" : pins.name(), pins.count());
}

std::string clock_text(const hw::Clock& clock) {
  constexpr std::array<std::string_view, 4> kUnits{"", "K", "M", "G"};
  auto frequency = static_cast<double>(clock.hz());
  std::size_t unit = 0;
  for (; frequency >= 1000 && unit + 1 < kUnits.size(); ++unit) frequency /= 1000;
  const bool follows = dynamic_cast<const hw::ClockIn*>(&clock) != nullptr;
  return fmt::format("clock-{} \"{}\" freq_hz={:.3g} {}Hz", follows ? "in" : "out", clock.name(), frequency,
                     kUnits[unit]);
}

/// What of a PCI function lies elsewhere than on the system's bus.
void describe_function(Call& call, devices::pci::Function& function, std::size_t indent) {
  const PciFacts facts = pci_facts(function);
  const auto name = pci_class_name(facts.class_code);
  call.say("{:{}}class {}, addr {:02x}:{}, pci id {:04x}:{:04x} (sub {:04x}:{:04x})", "", indent,
           name.empty() ? fmt::format("Class {:04x}", facts.class_code) : std::string{name}, facts.bus,
           facts.address.to_string(), facts.vendor, facts.device, facts.subsystem_vendor, facts.subsystem);
  for (const PciFacts::Region& region : facts.regions) {
    const std::uint64_t at = region.at.value_or(~std::uint64_t{0});
    call.say("{:{}}bar {}: {} at {:#x} [{:#x}]", "", indent, region.bar, region.io ? "i/o" : "mem", at,
             at + region.size - 1);
  }
}

/// Says of a device what it is and has; `indent` is that of its first line.
void describe(Call& call, hw::Device& device, const Addresses& addresses, std::size_t indent) {
  call.say("{:{}}dev: {}, id \"{}\"", "", indent, device.type().name, user_id(device));
  if (call.flag("b")) return;
  indent += 2;
  auto* const function = dynamic_cast<devices::pci::Function*>(&device);
  std::vector<std::string> pins;
  std::vector<std::string> clocks;
  struct Window {
    const memory::MemoryRegion* region;
    std::uint64_t size;
  };
  std::vector<Window> windows;
  device.for_each_part([&](hw::Part& part) {
    if (const auto* in = dynamic_cast<const hw::IrqInArray*>(&part)) pins.push_back(pins_text("gpio-in", *in));
    if (const auto* out = dynamic_cast<const hw::IrqOutArray*>(&part)) pins.push_back(pins_text("gpio-out", *out));
    if (const auto* clock = dynamic_cast<const hw::Clock*>(&part)) clocks.push_back(clock_text(*clock));
    if (const auto* region = dynamic_cast<const hw::RegionPart*>(&part); region != nullptr && region->exists() &&
        function == nullptr && region->region().kind() != memory::RegionKind::kContainer)
      windows.push_back({&region->region(), region->size()});
  });
  for (const std::string& line : pins) call.say("{:{}}{}", "", indent, line);
  for (const std::string& line : clocks) call.say("{:{}}{}", "", indent, line);
  // What a device is configured by, not what it does: the same before and after a look.
  if (const auto* configuration = hw::Configuration::of(device))
    for (const auto& [info, value] : configuration->values())
      call.say("{:{}}{} = {}", "", indent, info->name, value_text(value));
  for (const object::Property* property : device.type().all_properties())
    if (const auto value = device.get_property(property->name))
      call.say("{:{}}{} = {}", "", indent, property->name, value_text(*value));
  if (function != nullptr) describe_function(call, *function, indent);
  for (const Window& window : windows)
    call.say("{:{}}mmio {:016x}/{:016x}", "", indent, addresses.of(device, *window.region), window.size);
}

/// All devices, each below the bus it sits on.
class DeviceTree {
 public:
  explicit DeviceTree(Call& call) : call_{call}, addresses_{call.machine()} {
    for (hw::Device* device : call.machine().devices_now())
      for (hw::Device* one : device->subtree()) sits_on_[bus_of(*one)].push_back(one);
  }

  void show(const hw::Bus* bus, std::string_view name, std::string_view type, std::size_t indent) {
    call_.say("{:{}}bus: {}\n{:{}}type {}", "", indent, name, "", indent + 2, type);
    for (hw::Device* device : sits_on_[bus]) {
      describe(call_, *device, addresses_, indent + 2);
      std::vector<const hw::Bus*> buses;
      device->for_each_part([&](const hw::Part& part) {
        if (const auto* one = dynamic_cast<const hw::Bus*>(&part)) buses.push_back(one);
      });
      for (const hw::Bus* one : buses) show(one, one->bus_name(), one->bus_type(), indent + 4);
    }
  }

 private:
  /// Null: the system's.
  static const hw::Bus* bus_of(const hw::Device& device) {
    const hw::Bus* bus = nullptr;
    device.for_each_part([&](const hw::Part& part) {
      if (const auto* link = dynamic_cast<const hw::BusLink*>(&part)) bus = link->get();
    });
    return bus;
  }

  Call& call_;
  const Addresses addresses_;
  std::map<const hw::Bus*, std::vector<hw::Device*>> sits_on_;
};

Result<void> device_tree(Call& call) {
  DeviceTree{call}.show(nullptr, "main-system-bus", "System", 0);
  return {};
}

Result<void> object_tree(Call& call) {
  const auto root = TRY(call.machine().tree().resolve(call.text_or("path", "/machine")));
  for (const auto& entry : TRY(call.machine().tree().walk(root.path)))
    call.say("{:{}}/{} ({})", "", 2 * entry.depth, entry.name, entry.type);
  return {};
}

Result<void> models(Call& call) {
  const auto& types = call.monitor.types();
  for (const object::Type* type : types.descendants("device", object::Abstract::kExcluded)) {
    const auto* facet = types.facet<boards::DeviceFacet>(*type);
    call.say("name \"{}\", desc \"{}\"{}", type->name, type->docs,
             facet != nullptr && facet->only_built_in.empty() ? "" : ", no-user");
  }
  return {};
}

constexpr auto kInfoDeviceRows = std::to_array<Row>({
    {.name = "qtree",
     .arguments = {flag("b")},
     .help = "the devices, with their pins, properties and registers; -b: only what they are",
     .perform = device_tree},
    {.name = "qom-tree",
     .arguments = {maybe(word("path", Completes::kPath))},
     .help = "all objects below one; below the machine if none is named",
     .perform = object_tree},
    {.name = "qdm", .help = "the device types there are", .perform = models},
});

}  // namespace

std::span<const Row> info_device_rows() { return kInfoDeviceRows; }

}  // namespace holdfast::control::hmp
