// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/device_adder.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <any>
#include <limits>
#include <optional>
#include <utility>

#include "holdfast/boards/device_configuration.hpp"
#include "holdfast/boards/memory_module.hpp"
#include "holdfast/hw/cpu.hpp"
#include "holdfast/machine/cpu_place.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::machine {
namespace {

using boards::BoardPlan;
using boards::DeviceSetting;
using boards::PartRef;

std::string list(const std::vector<std::string>& names) {
  return names.empty() ? "it has none" : fmt::format("it has {}", fmt::join(names, ", "));
}

/// The last value of that name, if there is one.
const std::string* value_of(const DeviceWish& wish, std::string_view name) {
  const std::string* found = nullptr;
  for (const DeviceWish::Value& value : wish.values)
    if (value.name == name) found = &value.text;
  return found;
}

Result<std::uint64_t> number(std::string_view name, const std::string& text, std::uint64_t most) {
  const auto value = object::parse_unsigned(text);
  if (!value || *value > most)
    return fail("{} is '{}'; it takes a whole number from 0 to {}", name, text, most);
  return *value;
}

Result<std::string> text_of(const DeviceKind& kind, const DeviceWish::Value& value) {
  const bool place = value.name == "addr" && kind.type->is_a("pci-device");
  if (!place || value.form == DeviceWish::Value::Form::kText) return value.text;
  constexpr std::int64_t kMost = 255;
  const auto number = object::parse_signed(value.text);
  if (!number || *number < -1 || *number > kMost)
    return fail("addr is {}; as a number it takes -1 to {}, device times 8 and function", value.text, kMost);
  return *number == -1 ? std::string{} : fmt::format("{:x}.{:x}", *number / 8, *number % 8);
}

constexpr std::uint64_t kModuleAlignment = 4096;

Result<std::uint64_t> module_address(const std::string& text, const Extent& window, std::uint64_t size) {
  const auto at = object::parse_unsigned(text);
  const std::uint64_t room = window.last - window.first;
  if (!at || *at % kModuleAlignment != 0 || *at < window.first || size - 1 > room ||
      *at - window.first > room - (size - 1))
    return fail("addr is '{}'; it takes a multiple of {} from which {} bytes lie between {:#x} and {:#x}",
                text, kModuleAlignment, size, window.first, window.last);
  return *at;
}

std::string line(std::string_view name, std::string_view type, std::string_view help) {
  const std::string shape = fmt::format("  {}=<{}>", name, type);
  return help.empty() ? shape + "\n" : fmt::format("{:<28} - {}\n", shape, help);
}

}  // namespace

std::vector<hw::Bus*> buses(Machine& machine) {
  std::vector<hw::Bus*> all;
  for (hw::Device* device : machine.devices_now())
    for (hw::Device* one : device->subtree())
      one->for_each_part([&](hw::Part& part) {
        if (part.kind() != "bus") return;  // of all those parts nearly none is: a comparison is quick
        if (auto* bus = dynamic_cast<hw::Bus*>(&part)) all.push_back(bus);
      });
  return all;
}

boards::SettingNames setting_names(Machine& machine) {
  return {.drive = [&machine](const block::Backend& drive) -> std::string {
    for (const auto& node : machine.drives().list())
      if (node.backend.get() == &drive) return node.name;
    return {};
  }};
}

bool is_id(std::string_view id) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !id.empty() && letter(id.front()) && std::ranges::all_of(id, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

Error not_an_id(std::string_view id) {
  return {fmt::format("id is '{}'; it takes letters, digits, '-', '.' and '_', a letter first", id)};
}

// --- types -----------------------------------------------------------------------------------------

Result<DeviceKind> DeviceKind::find(const object::TypeRegistry& types, std::string_view name) {
  const object::Type* type = types.find(name);
  const auto* facet = type == nullptr ? nullptr : types.facet<boards::DeviceFacet>(*type);
  if (facet != nullptr) return DeviceKind{type, facet};
  std::vector<std::string_view> names;
  for (const object::Type* one : types.descendants("device", object::Abstract::kExcluded))
    names.push_back(one->name);
  const auto near = object::nearest(name, names);
  return fail("there is no device type '{}'; {}", name,
              near.empty() ? std::string{"-device help lists them"}
                           : fmt::format("did you mean '{}'?", near));
}

const DeviceSetting* DeviceKind::setting(std::string_view name) const {
  for (const DeviceSetting& setting : facet->settings)
    if (setting.info.name == name) return &setting;
  return nullptr;
}

const object::Property* DeviceKind::property(std::string_view name) const {
  const object::Property* found = type->find_property(name);
  return found == nullptr || found->settable == object::Settable::kNever ? nullptr : found;
}

bool DeviceKind::is_cpu() const { return type->is_a(hw::Cpu::kType); }

bool DeviceKind::is_memory_module() const { return type->is_a(boards::MemoryModule::kType); }

std::vector<std::string> DeviceKind::names() const {
  std::vector<std::string> names;
  for (const DeviceSetting& setting : facet->settings) names.emplace_back(setting.info.name);
  for (const object::Property* one : type->all_properties())
    if (one->settable != object::Settable::kNever) names.emplace_back(one->name);
  return names;
}

Result<void> DeviceKind::configure(BoardPlan::DeviceRow& row, std::string_view name,
                                   const std::string& text,
                                   const boards::SettingTargets& targets) const {
  if (const DeviceSetting* found = setting(name)) {
    std::any config = *row.config;
    TRY(found->apply(config, text, targets));
    row.config = std::make_shared<const std::any>(std::move(config));
    row.make = row.make_with(row.config);
    return {};
  }
  const object::Property* found = property(name);
  if (found == nullptr) return fail("'{}' has no property '{}'; {}", type->name, name, list(names()));
  if (!found->convert(text)) return fail("{} is '{}'; it takes {}", name, text, found->accepts());
  row.properties.push_back({std::string{name}, text});
  return {};
}

// --- adding ----------------------------------------------------------------------------------------

Result<DeviceKind> DeviceAdder::find_pluggable(const object::TypeRegistry& types,
                                               std::string_view driver) {
  const DeviceKind kind = TRY(DeviceKind::find(types, driver));
  if (!kind.facet->only_built_in.empty())
    return fail("'{}' comes with the machine; {}", kind.type->name, kind.facet->only_built_in);
  return kind;
}

Result<std::string> DeviceAdder::add(const DeviceWish& wish) const {
  const DeviceKind kind = TRY(find_pluggable(types_, wish.driver));
  const std::string name = TRY(name_for(wish.id));
  BoardPlan plan{"device " + name};
  TRY(place(plan, kind, name, wish));
  using Came = hw::Configuration::Came;
  boards::show_settings(plan, types_, setting_names(machine_),
                        time_ == Time::kRunning ? Came::kLater : Came::kWithTheMachine);
  TRY(machine_.realize(plan));
  return name;
}

Result<std::string> DeviceAdder::name_for(const std::string& id) const {
  const auto taken = [this](const std::string& name) {
    return machine_.is_leaving(name) || machine_.tree().has("/machine/" + name);
  };
  if (id.empty()) {
    for (unsigned number = 0;; ++number) {
      std::string name = fmt::format("{}/device[{}]", boards::kAnonymous, number);
      if (!taken(name)) return name;
    }
  }
  if (!is_id(id)) return std::unexpected{not_an_id(id)};
  std::string name = fmt::format("{}/{}", boards::kPeripherals, id);
  if (machine_.is_leaving(name))
    return fail("id '{}' is that of a device that is being removed; it is free when that is done", id);
  if (taken(name)) return fail("id '{}' is taken; it takes one that no device has", id);
  return name;
}

Result<void> DeviceAdder::place(BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                                const DeviceWish& wish) const {
  if (kind.is_cpu()) return place_cpu(plan, kind, name, wish);
  if (kind.is_memory_module()) return place_module(plan, kind, name, wish);
  if (!kind.facet->bus.empty()) return place_on_bus(plan, kind, name, wish);
  std::uint64_t address = 0;
  if (!kind.facet->region.empty()) {
    const std::string* at = value_of(wish, "addr");
    if (at == nullptr) return fail("addr is missing; it takes the address of its registers");
    address = TRY(number("addr", *at, std::numeric_limits<std::uint64_t>::max()));
  }
  const auto device = boards::add_device(plan, *kind.type, *kind.facet, name, address);
  return set_values(plan, device, kind, wish);
}

Result<void> DeviceAdder::place_cpu(BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                                    const DeviceWish& wish) const {
  const auto sockets = board_ == nullptr ? std::vector<boards::Expansion::CpuSocket>{} : board_->cpu_sockets();
  if (sockets.empty()) return fail("'{}': the machine has no places for CPUs", kind.type->name);
  const auto places = board_->cpu_places();
  const std::string* core = value_of(wish, "core-id");
  if (core == nullptr)
    return fail("core-id is missing; {}", places->free_text());
  const auto id = object::parse_unsigned(*core);
  const auto socket = std::ranges::find_if(sockets, [&](const auto& one) { return id && one.core == *id; });
  if (socket == sockets.end()) return fail("core-id is '{}'; {}", *core, places->free_text());
  if (socket->type != kind.type)
    return fail("core-id {} is a place for '{}', not for '{}'", *core, socket->type->name, kind.type->name);
  if (const auto taker = places->taker(socket->core))
    return fail("core-id {} is taken by {}; {}", *core, *taker, places->free_text());
  if (const std::string* node = value_of(wish, "node-id");
      node != nullptr && object::parse_unsigned(*node) != socket->node)
    return fail("node-id is '{}'; {}", *node,
                socket->node ? fmt::format("that place is in node {}", *socket->node)
                             : "the machine has no nodes");
  board_->add_cpu(plan, name, socket->core);
  return set_values(plan, boards::DeviceRef{name}, kind, wish);
}

// The address and the slot that nobody named are settled here, so that those who ask are told.
Result<void> DeviceAdder::place_module(BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                                       const DeviceWish& wish) const {
  const auto room = board_ == nullptr ? std::nullopt : board_->memory_room();
  if (!room)
    return fail("'{}': the machine has no slots for memory; -m SIZE,slots=N,maxmem=SIZE makes some",
                kind.type->name);
  const auto device = plan.add({.name = name,
                                .type = kind.type,
                                .make = kind.facet->make,
                                .config = kind.facet->config,
                                .make_with = kind.facet->make_with});
  TRY(set_values(plan, device, kind, wish));
  auto& row = plan.devices().back();
  auto config = std::any_cast<boards::MemoryModule::Config>(*row.config);
  if (config.memory == nullptr) return fail("memdev is missing; it takes the id of a memory object");
  if (!config.memory->user().empty())
    return fail("memory '{}' is in use by {}; it takes one that is not", config.memory->id(),
                config.memory->user());
  if (config.node >= room->nodes)
    return fail("node is {}; it takes a whole number from 0 to {}", config.node, room->nodes - 1);
  if (config.slot < 0) {
    const auto free = room->slots->free();
    if (free.empty()) return fail("all {} slots for memory are taken", room->slots->count());
    config.slot = static_cast<std::int32_t>(free.front());
  }
  config.slots = room->slots;
  if (const std::string* at = value_of(wish, "addr"); at != nullptr && *at != "0")
    config.address = TRY(module_address(*at, room->window, config.memory->size()));
  else
    config.address = TRY(find_room(room->window, config.memory->size()));
  config.plugged = time_ == Time::kRunning ? boards::MemoryModule::Plugged::kLater
                                           : boards::MemoryModule::Plugged::kAtStart;
  plan.map({{config.address, device.region(std::string{kind.facet->region})}});
  row.config = std::make_shared<const std::any>(std::move(config));
  row.make = row.make_with(row.config);
  return {};
}

Result<void> DeviceAdder::place_on_bus(BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                                       const DeviceWish& wish) const {
  const hw::Bus* const bus = TRY(find_bus(kind, wish));
  const auto device = boards::add_device(plan, *kind.type, *kind.facet, name, 0);
  plan.link({{device.link("bus"), name_of(*bus)}});
  TRY(set_values(plan, device, kind, wish));
  return check_required(plan.devices().back(), kind);
}

Result<void> DeviceAdder::check_required(const BoardPlan::DeviceRow& row, const DeviceKind& kind) {
  const std::string_view name = kind.facet->required;
  const DeviceSetting* const found = name.empty() ? nullptr : kind.setting(name);
  if (found == nullptr || !object::to_text(found->get(*row.config)).empty()) return {};
  return fail("{} is missing; it takes {}", name, found->info.description);
}

Result<hw::Bus*> DeviceAdder::find_bus(const DeviceKind& kind, const DeviceWish& wish) const {
  const auto all = buses(machine_);
  if (const std::string* wanted = value_of(wish, "bus")) {
    for (hw::Bus* bus : all)
      if (bus->bus_name() == *wanted) {
        if (time_ == Time::kRunning) {
          TRY(bus->hot_pluggable());
          TRY(bus->takes_more());
        }
        return bus;
      }
    std::vector<std::string> names;
    for (const hw::Bus* bus : all) names.push_back(bus->bus_name());
    return fail("there is no bus '{}'; {}", *wanted,
                names.empty() ? "the machine has none"
                              : fmt::format("the machine has {}", fmt::join(names, ", ")));
  }
  bool any = false;
  const hw::Bus* full = nullptr;
  for (hw::Bus* bus : all) {
    if (bus->family() != kind.facet->bus) continue;
    any = true;
    if (time_ == Time::kRunning && !bus->hot_pluggable()) continue;
    if (bus->has_room()) return bus;
    full = bus;
  }
  if (full != nullptr)
    return fail("'{}' finds no place: all {} buses are full", kind.type->name, kind.facet->bus);
  if (any)
    return fail("'{}' finds no place: no {} bus takes devices while the machine runs", kind.type->name,
                kind.facet->bus);
  return fail("'{}' sits on a {} bus; the machine has none", kind.type->name, kind.facet->bus);
}

PartRef DeviceAdder::name_of(const hw::Bus& bus) const {
  const std::string root = machine_.node().path() + "/";
  const std::string& owner = machine_.owner_of(bus.path())->full_path();
  const std::string& device = bus.device().full_path();
  std::string part = bus.name();
  if (device.size() > owner.size()) part = device.substr(owner.size() + 1) + "/" + part;
  return {.device = owner.substr(root.size()), .part = std::move(part)};
}

/// The lowest address in the window where nothing is for so many bytes.
Result<std::uint64_t> DeviceAdder::find_room(const Extent& window, std::uint64_t size) const {
  constexpr std::uint64_t kLargePage = 2U << 20U;
  const std::uint64_t alignment = size % kLargePage == 0 ? kLargePage : kModuleAlignment;
  const memory::MemoryRegion& bus = machine_.bus().memory().region();
  auto place = Extent::of_size(window.first, size);
  while (place && window.contains(*place)) {
    const auto there = machine_.fabric().occupant(bus, *place, 0);
    if (!there) return place->first;
    place = Extent::of_size((there->extent.last / alignment + 1) * alignment, size);
  }
  return fail("there is no room for {} bytes between {:#x} and {:#x}; -m maxmem= says how much there is",
              size, window.first, window.last);
}

Result<void> DeviceAdder::set_values(BoardPlan& plan, const boards::DeviceRef& device,
                                     const DeviceKind& kind, const DeviceWish& wish) const {
  auto& row = plan.devices().back();
  const auto all = targets();
  const auto places = whereabouts(kind);
  for (const GlobalValue& global : globals_)
    if (kind.type->is_a(global.driver))
      TRY(kind.configure(row, global.property, global.text, all));
  for (const DeviceWish::Value& value : wish.values) {
    if (value.name == "irq" && has_interrupt(kind)) {
      const auto line = TRY(number("irq", value.text, std::numeric_limits<std::uint32_t>::max()));
      const auto pin = board_->interrupt(static_cast<unsigned>(line));
      if (!pin) return fail("irq is {}: the board has no such input", line);
      plan.wire({{device.out(std::string{kind.facet->interrupt}), *pin}});
      continue;
    }
    if (std::ranges::find(places, value.name) != places.end()) continue;
    if (kind.setting(value.name) == nullptr && kind.property(value.name) == nullptr)
      return fail("'{}' has no property '{}'; {}", kind.type->name, value.name, list(accepted(kind)));
    const std::string text = TRY(text_of(kind, value));
    TRY(kind.configure(row, value.name, text, all));
  }
  return {};
}

bool DeviceAdder::has_interrupt(const DeviceKind& kind) const {
  return !kind.facet->interrupt.empty() && board_ != nullptr && board_->interrupt(0).has_value();
}

std::vector<std::string> DeviceAdder::whereabouts(const DeviceKind& kind) const {
  if (kind.is_cpu()) return {"core-id", "node-id"};
  std::vector<std::string> names;
  if (!kind.facet->bus.empty()) names.emplace_back("bus");
  if (!kind.facet->region.empty()) names.emplace_back("addr");
  if (has_interrupt(kind)) names.emplace_back("irq");
  return names;
}

std::vector<std::string> DeviceAdder::accepted(const DeviceKind& kind) const {
  std::vector<std::string> names = whereabouts(kind);
  for (std::string& name : kind.names()) names.push_back(std::move(name));
  return names;
}

boards::SettingTargets DeviceAdder::targets() const {
  return {.chardev = [this](std::string_view id) { return machine_.find_backend(id); },
          .memory = [this](std::string_view id) -> hw::MemoryBackend* {
            for (hw::MemoryBackend* memory : machine_.memory_now())
              if (memory->id() == id) return memory;
            return nullptr;
          },
          .drive = [this](std::string_view name) { return machine_.drives().get(name); }};
}

// --- help ------------------------------------------------------------------------------------------

std::string device_types_text(const object::TypeRegistry& types) {
  std::string text = "Devices:\n";
  for (const object::Type* type : types.descendants("device", object::Abstract::kExcluded))
    if (const auto* facet = types.facet<boards::DeviceFacet>(*type);
        facet != nullptr && facet->only_built_in.empty())
      text += fmt::format("name \"{}\", desc \"{}\"\n", type->name, type->docs);
  return text;
}

Result<std::string> device_type_text(const object::TypeRegistry& types, std::string_view name) {
  const DeviceKind kind = TRY(DeviceKind::find(types, name));
  const boards::DeviceFacet& facet = *kind.facet;
  std::string text = fmt::format("{} options:\n", kind.type->name);
  if (!facet.only_built_in.empty())
    text += fmt::format("  comes with the machine; {}. For -global:\n", facet.only_built_in);
  else if (!facet.region.empty())
    text += line("addr", "uint64", "the address of its registers");
  if (kind.is_cpu())
    for (const auto& [property, what] : kPlaceOfCpu) text += line(property, "uint32", what);
  if (!facet.bus.empty() && facet.only_built_in.empty())
    text += line("bus", "str", fmt::format("the {} bus it sits on; none: the first that has room", facet.bus));
  if (!facet.interrupt.empty())
    text += line("irq", "uint32", "its number at the interrupt controller; none: nobody hears it");
  for (const DeviceSetting& setting : facet.settings)
    text += line(setting.info.name, setting.info.type_text(), setting.info.description);
  for (const object::Property* one : kind.type->all_properties())
    if (one->settable != object::Settable::kNever)
      text += line(one->name, one->type_text(), one->description);
  return text;
}

}  // namespace holdfast::machine
