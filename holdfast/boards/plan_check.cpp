// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/plan_check.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "holdfast/base/extent.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/boards/system_bus.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/services.hpp"
#include "holdfast/hw/wiring.hpp"

namespace holdfast::boards {
namespace {

/// A placement whose region was found.
struct Shown {
  const BoardPlan::Placement* placement;
  Extent extent;
};

class Checker {
 public:
  Checker(const BoardPlan& plan, hw::Context& context) : plan_{plan}, context_{context} {}

  std::vector<std::string> run() {
    build();
    check_placements();
    check_links();
    check_wires();
    return std::move(findings_);
  }

 private:
  template <class... Args>
  void find(fmt::format_string<Args...> format, Args&&... args) {
    findings_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  bool elsewhere(const PartRef& ref) const {
    return std::ranges::find(plan_.existing_names(), ref.device) != plan_.existing_names().end();
  }

  void build() {
    add("bus", SystemBus::kType, [](const hw::DeviceInit& init) {
      return hw::Owned<hw::Device>{new SystemBus{init}};
    });
    for (const auto& row : plan_.devices()) {
      add(row.name, *row.type, row.make);
      const auto device = devices_.find(row.name);
      if (device == devices_.end()) continue;
      for (const auto& [name, value] : row.properties)
        if (const auto set = device->second->set_property(name, value); !set)
          find("{}", set.error().message);
    }
  }

  void add(const std::string& name, const object::Type& type, const BoardPlan::Make& make) {
    if (name.empty() || name.find('/') != std::string::npos)
      return find("'{}' is no name for a device", name);
    if (devices_.contains(name)) return find("two devices are called '{}'", name);
    devices_.emplace(name, make({.context = context_, .type = type, .name = name}));
  }

  hw::Part* part(const PartRef& ref) {
    const auto device = devices_.find(ref.device);
    if (device == devices_.end()) {
      find("{}: there is no device '{}'", ref.to_string(), ref.device);
      return nullptr;
    }
    hw::Part* found = device->second->find_part(ref.part);
    if (found == nullptr)
      find("{}: '{}' ({}) has no part '{}'; it has {}", ref.to_string(), ref.device,
           device->second->type().name, ref.part, parts_of(*device->second));
    return found;
  }

  static std::string parts_of(const hw::Device& device) {
    std::string names;
    for (const auto& info : device.part_infos()) {
      if (info.kind == "state") continue;
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", info.name, info.kind);
    }
    return names.empty() ? "none" : names;
  }

  template <class P>
  P* part_of(const PartRef& ref, const char* wanted) {
    hw::Part* found = part(ref);
    if (found == nullptr) return nullptr;
    auto* as = dynamic_cast<P*>(found);
    if (as == nullptr) find("{}: is no {} but: {}", ref.to_string(), wanted, found->kind());
    return as;
  }

  // --- regions -------------------------------------------------------------------------------------

  void check_placements() {
    std::vector<Shown> shown;
    for (const auto& placement : plan_.placements())
      if (const auto extent = extent_of(placement)) shown.push_back({&placement, *extent});
    for (std::size_t i = 0; i < shown.size(); ++i)
      for (std::size_t j = i + 1; j < shown.size(); ++j) compare(shown[i], shown[j]);
  }

  std::optional<Extent> extent_of(const BoardPlan::Placement& placement) {
    const MapRow& row = placement.row;
    std::uint64_t room = kAddressMax;
    if (!elsewhere(placement.container)) {
      const auto* container = part_of<hw::Container>(placement.container, "container");
      if (container == nullptr) return std::nullopt;
      room = container->size() - 1;  // kWholeSpace is 0
    }
    if (elsewhere(row.region)) return std::nullopt;
    const auto* region = part_of<hw::RegionPart>(row.region, "region");
    if (region == nullptr) return std::nullopt;
    const std::uint64_t span = region->size() - 1;
    if (row.at > room || span > room - row.at) {
      find("{}: {:#x} bytes at {:#x} do not fit into {}", row.region.to_string(), region->size(),
           row.at, placement.container.to_string());
      return std::nullopt;
    }
    return Extent{row.at, row.at + span};
  }

  void compare(const Shown& a, const Shown& b) {
    const MapRow& one = a.placement->row;
    const MapRow& other = b.placement->row;
    if (one.region == other.region)
      return find("{} is placed twice, at {:#x} and at {:#x}", one.region.to_string(), one.at,
                  other.at);
    if (a.placement->container != b.placement->container || one.priority != other.priority ||
        !a.extent.meets(b.extent))
      return;
    find("{} [{:#x}, {:#x}] of '{}' overlaps {} [{:#x}, {:#x}] of '{}'", one.region.to_string(),
         a.extent.first, a.extent.last, owner(one.region), other.region.to_string(),
         b.extent.first, b.extent.last, owner(other.region));
  }

  std::string owner(const PartRef& ref) {
    const auto device = devices_.find(ref.device);
    return device == devices_.end() ? ref.device : std::string{device->second->type().name};
  }

  // --- links ---------------------------------------------------------------------------------------

  void check_links() {
    std::set<const hw::Part*> set;
    for (const LinkRow& row : plan_.links()) {
      if (elsewhere(row.link)) {
        find("{}: links are set before a device is realized", row.link.to_string());
        continue;
      }
      const hw::Part* link = part(row.link);
      if (link == nullptr) continue;
      const bool is_bus = dynamic_cast<const hw::BusLink*>(link) != nullptr;
      if (!is_bus && dynamic_cast<const hw::RegionLink*>(link) == nullptr) {
        find("{}: is no link but: {}", row.link.to_string(), link->kind());
        continue;
      }
      if (!elsewhere(row.region)) {
        if (is_bus)
          part_of<hw::Bus>(row.region, "bus");
        else
          part_of<hw::RegionPart>(row.region, "region");
      }
      if (!set.insert(link).second) find("{}: is set twice", row.link.to_string());
    }
    for (const auto& [name, device] : devices_)
      for (hw::Device* one : device->subtree())
        one->for_each_part([&](hw::Part& part) {
          const auto* link = dynamic_cast<hw::RegionLink*>(&part);
          if (link != nullptr && link->is_required() && !set.contains(link))
            find("{}: leads nowhere; it takes a region", link->path());
          const auto* seat = dynamic_cast<hw::BusLink*>(&part);
          if (seat != nullptr && seat->get() == nullptr && !set.contains(seat))
            find("{}: leads nowhere; it takes a {} bus", seat->path(), seat->family());
        });
  }

  // --- wires ---------------------------------------------------------------------------------------

  using Line = std::pair<const hw::Part*, unsigned>;

  void check_wires() {
    std::set<Line> outputs;
    std::set<Line> inputs;
    for (const WireRow& row : plan_.wires()) {
      take_line<hw::IrqOutArray>(row.from, "output", outputs);
      take_line<hw::IrqInArray>(row.to, "input", inputs);
    }
    for (const auto& [name, device] : devices_) take_inner_lines(*device, outputs, inputs);
    for (const PinRef& loose : plan_.loose())
      take_line<hw::IrqOutArray>(loose, "output", outputs);
    for (const auto& [name, device] : devices_) {
      if (std::ranges::find(plan_.loose_devices(), name) != plan_.loose_devices().end()) continue;
      for (hw::Device* one : device->subtree())
        one->for_each_part([&](hw::Part& part) { check_loose(part, outputs); });
    }
  }

  /// What a device made of devices has wired by itself.
  void take_inner_lines(hw::Device& device, std::set<Line>& outputs, std::set<Line>& inputs) {
    for (hw::Device* one : device.subtree())
      one->for_each_part([&](hw::Part& part) {
        const auto* wiring = dynamic_cast<const hw::Wiring*>(&part);
        if (wiring == nullptr) return;
        for (const auto& line : wiring->lines()) {
          take_inner_line(*line.from, line.from_line, outputs);
          take_inner_line(*line.to, line.to_line, inputs);
        }
      });
  }

  void take_inner_line(const hw::Part& pins, unsigned line, std::set<Line>& taken) {
    if (!taken.insert({&pins, line}).second) find("{}[{}]: is wired twice", pins.path(), line);
  }

  template <class Pins>
  void take_line(const PinRef& ref, const char* what, std::set<Line>& taken) {
    if (elsewhere(ref.pin)) return;
    const auto* pins = part_of<Pins>(ref.pin, what);
    if (pins == nullptr) return;
    if (ref.line >= pins->count())
      return find("{}: '{}' has {} lines", ref.to_string(), ref.pin.to_string(), pins->count());
    if (!taken.insert({pins, ref.line}).second) find("{}: is wired twice", ref.to_string());
  }

  void check_loose(const hw::Part& part, const std::set<Line>& wired) {
    const auto* pins = dynamic_cast<const hw::IrqOutArray*>(&part);
    if (pins == nullptr) return;
    for (unsigned line = 0; line < pins->count(); ++line)
      if (!wired.contains({pins, line})) find("{}[{}]: leads nowhere", part.path(), line);
  }

  const BoardPlan& plan_;
  hw::Context& context_;
  std::map<std::string, hw::Owned<hw::Device>> devices_;
  std::vector<std::string> findings_;
};

}  // namespace

Result<std::vector<std::string>> check_plan(const BoardPlan& plan) {
  const auto services = TRY(hw::Services::make({.name = "check of board " + plan.name()}));
  return Checker{plan, services->context()}.run();
}

}  // namespace holdfast::boards
