// SPDX-License-Identifier: Apache-2.0
// `info`: the devices of the machine, and the tree of all its objects.
#include <array>
#include <map>
#include <vector>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/hw/clock_tree.hpp"
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

/// What users call it; "" if it has no name of theirs.
std::string user_id(const hw::Device& device) {
  const std::string above = fmt::format("/machine/{}/", machine::Machine::kPeripherals);
  const std::string& path = device.full_path();
  return path.starts_with(above) ? path.substr(above.size()) : std::string{};
}

std::string value_text(const object::PropertyValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("\"{}\"", *text);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return fmt::format("{0} ({0:#x})", *number);
  return object::to_text(value);
}

template <class Pins>
std::string pins_text(std::string_view kind, const Pins& pins) {
  // The one that boards call the interrupt input has no name to clients.
  return fmt::format("    {} \"{}\" {}", kind, pins.name() == "in" ? "" : pins.name(), pins.count());
}

std::string clock_text(const hw::Clock& clock) {
  constexpr std::array<std::string_view, 4> kUnits{"", "K", "M", "G"};
  auto frequency = static_cast<double>(clock.hz());
  std::size_t unit = 0;
  for (; frequency >= 1000 && unit + 1 < kUnits.size(); ++unit) frequency /= 1000;
  const bool follows = dynamic_cast<const hw::ClockIn*>(&clock) != nullptr;
  return fmt::format("    clock-{} \"{}\" freq_hz={:.3g} {}Hz", follows ? "in" : "out", clock.name(), frequency,
                     kUnits[unit]);
}

void describe(Call& call, hw::Device& device, const Addresses& addresses) {
  call.say("  dev: {}, id \"{}\"", device.type().name, user_id(device));
  if (call.flag("b")) return;
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
        region->region().kind() != memory::RegionKind::kContainer)
      windows.push_back({&region->region(), region->size()});
  });
  for (const std::string& line : pins) call.say("{}", line);
  for (const std::string& line : clocks) call.say("{}", line);
  // What a device is configured by, not what it does: the same before and after a look.
  for (const object::Property* property : device.type().all_properties())
    if (const auto value = device.get_property(property->name))
      call.say("    {} = {}", property->name, value_text(*value));
  for (const Window& window : windows)
    call.say("    mmio {:016x}/{:016x}", addresses.of(device, *window.region), window.size);
}

Result<void> device_tree(Call& call) {
  const Addresses addresses{call.machine()};
  call.say("bus: main-system-bus\n  type System");
  for (hw::Device* device : call.machine().devices_now())
    for (hw::Device* one : device->subtree()) describe(call, *one, addresses);
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

constexpr auto kRows = std::to_array<Row>({
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

std::span<const Row> info_device_rows() { return kRows; }

}  // namespace holdfast::control::hmp
