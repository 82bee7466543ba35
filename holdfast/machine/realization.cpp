// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/realization.hpp"

#include <utility>

#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/reset.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::machine {

Realization::~Realization() {
  while (!made_.empty()) made_.pop_back();  // the last one first
}

Result<void> Realization::run() {
  TRY(build());
  TRY(set_links());
  TRY(check_places());
  TRY(prepare());
  TRY(lay_wires());
  TRY(publish());
  hand_over();
  return {};
}

namespace {

/// "peripheral/rtc1" as folder and name; most names have no folder.
struct Place {
  std::string_view folder;
  std::string_view name;
};
Place place_of(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == name.npos) return {.folder = {}, .name = name};
  return {.folder = name.substr(0, slash), .name = name.substr(slash + 1)};
}

}  // namespace

Result<object::Node*> Realization::parent_of(std::string_view name) {
  const Place place = place_of(name);
  if (place.folder.empty()) return &machine_.node();
  if (object::Node* folder = machine_.folder(place.folder)) return folder;
  return fail("{}: the machine has no place '{}'", name, place.folder);
}

Result<void> Realization::build() {
  for (const auto& row : plan_.devices()) {
    if (device(row.name) != nullptr) return fail("{}: there is a device of that name", row.name);
    if (machine_.is_leaving(row.name))
      return fail("{}: a device of that name is being removed", row.name);
    const std::string below = TRY(parent_of(row.name))->path();
    const std::string name{place_of(row.name).name};
    const std::string path = below + "/" + name;
    if (machine_.tree().has(path)) return fail("{}: the name is taken", path);
    made_.push_back({row.name, row.make({.context = machine_.context(),
                                         .type = *row.type,
                                         .name = name,
                                         .below = below})});
    for (const auto& [property, value] : row.properties)
      TRY(made_.back().device->set_property(property, value));
  }
  return {};
}

hw::Device* Realization::device(std::string_view name) {
  for (const Entry& entry : made_)
    if (entry.name == name) return entry.device.get();
  return machine_.find_now(name);
}

template <class P>
Result<P*> Realization::part(const boards::PartRef& ref, std::string_view wanted) {
  hw::Device* owner = device(ref.device);
  if (owner == nullptr) return fail("{}: there is no device '{}'", ref.to_string(), ref.device);
  auto* found = owner->find_part<P>(ref.part);
  if (found == nullptr)
    return fail("{}: '{}' has no {} of that name", ref.to_string(), ref.device, wanted);
  return found;
}

template <class P>
Result<P*> Realization::pins(const boards::PinRef& ref, std::string_view wanted) {
  auto* found = TRY(part<P>(ref.pin, wanted));
  if (ref.line >= found->count())
    return fail("{}: '{}' has {} lines", ref.to_string(), ref.pin.to_string(), found->count());
  if (found->pin(ref.line)->is_connected()) return fail("{}: is wired twice", ref.to_string());
  return found;
}

Result<void> Realization::set_links() {
  for (const auto& row : plan_.links()) {
    auto* any = TRY(part<hw::Part>(row.link, "link"));
    if (auto* seat = dynamic_cast<hw::BusLink*>(any)) {
      auto* bus = TRY(part<hw::Bus>(row.region, "bus"));
      TRY(seat->set(*bus));
      continue;
    }
    auto* link = TRY(part<hw::RegionLink>(row.link, "region link"));
    auto* target = TRY(part<hw::RegionPart>(row.region, "region"));
    TRY(link->set(*target));
  }
  return {};
}

// Against what the machine has; against one another the plan was checked.
Result<void> Realization::check_places() {
  for (const auto& [container, row] : plan_.placements()) {
    const auto* into = TRY(part<hw::Container>(container, "container"));
    const auto* region = TRY(part<hw::RegionPart>(row.region, "region"));
    const std::uint64_t room = into->size() - 1;  // memory::kWholeSpace is 0
    const std::uint64_t span = region->size() - 1;
    if (row.at > room || span > room - row.at)
      return fail("{}: {:#x} bytes at {:#x} do not fit into {}", row.region.to_string(), region->size(),
                  row.at, container.to_string());
    if (!into->exists()) continue;
    const Extent extent{row.at, row.at + span};
    const auto there = machine_.fabric().occupant(into->region(), extent, row.priority);
    if (!there) continue;
    const hw::Device* owner = machine_.owner_of(there->name);
    std::string name = there->name;
    if (name.starts_with("/machine/")) name.erase(0, std::string_view{"/machine/"}.size());
    return fail("{} [{:#x}, {:#x}] of '{}' overlaps {} [{:#x}, {:#x}] of '{}'", name, there->extent.first,
                there->extent.last, owner == nullptr ? "the machine" : owner->type().name,
                row.region.to_string(), extent.first, extent.last,
                device(row.region.device)->type().name);
  }
  return {};
}

Result<void> Realization::prepare() {
  for (const Entry& entry : made_) TRY(entry.device->prepare());
  std::vector<hw::Device*> fresh;
  for (const Entry& entry : made_) fresh.push_back(entry.device.get());
  hw::reset_fresh(fresh);
  return {};
}

// Before anything is visible, as it may fail. A change on a wire waits for its receiver's gate to open.
Result<void> Realization::lay_wires() {
  for (const auto& [from, to] : plan_.wires()) {
    auto* output = TRY(pins<hw::IrqOutArray>(from, "output"));
    auto* input = TRY(pins<hw::IrqInArray>(to, "input"));
    TRY(hw::connect(*output, from.line, *input, to.line));
  }
  return {};
}

Result<void> Realization::publish() {
  memory::Transaction map;
  for (const auto& [container, row] : plan_.placements()) {
    const auto* into = TRY(part<hw::Container>(container, "container"));
    const auto* region = TRY(part<hw::RegionPart>(row.region, "region"));
    if (!region->exists()) return fail("{}: is not made yet", region->path());
    map.add(into->region(), row.at, region->region(), row.priority);
  }
  for (const Entry& entry : made_) entry.device->publish(map);
  TRY(machine_.fabric().commit(std::move(map)));
  for (const Entry& entry : made_) entry.device->published(*TRY(parent_of(entry.name)));
  return {};
}

void Realization::hand_over() {
  for (Entry& entry : made_)
    machine_.devices_.push_back({std::move(entry.name), std::move(entry.device)});
  made_.clear();
}

}  // namespace holdfast::machine
