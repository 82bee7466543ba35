// SPDX-License-Identifier: Apache-2.0
// Types and the composition tree. Properties are read and set through the gates of their objects.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <type_traits>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/machine_type.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/configuration.hpp"
#include "holdfast/machine/cpu_place.hpp"
#include "holdfast/machine/device_adder.hpp"

namespace holdfast::control::qmp {
namespace {

constexpr std::string_view kRoot = "object";

Json to_json(const object::PropertyValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

std::optional<object::PropertyValue> from_json(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return std::nullopt;
}

bool is_abstract(const object::Type& type) { return type.kind != object::Type::Kind::kConcrete; }

/// Which have an ancestry of their own: no object is one.
bool is_interface(const object::Type& type) { return type.kind == object::Type::Kind::kInterface; }

Json type_info(const object::Type& type) {
  Json info{{"name", type.name}};
  if (type.parent != nullptr)
    info["parent"] = type.parent->name;
  else if (!is_interface(type))
    info["parent"] = kRoot;
  if (is_abstract(type)) info["abstract"] = true;
  return info;
}

Answer list_types(Call& call) {
  const bool abstract = call.arguments.value("abstract", false);
  const auto implements = call.text_if("implements");
  const auto wanted = [&](const object::Type& type) {
    if (!implements) return true;
    return *implements == kRoot ? !is_interface(type) : type.is_a(*implements);
  };
  Json all = Json::array();
  if (abstract && implements.value_or(std::string{kRoot}) == kRoot)
    all.push_back({{"name", kRoot}, {"abstract", true}});
  for (const object::Type* type : call.types.types())
    if ((abstract || !is_abstract(*type)) && wanted(*type)) all.push_back(type_info(*type));
  return all;
}

std::expected<object::Tree::Entry, QmpError> entry_at(Call& call) {
  auto entry = call.machine.tree().resolve(call.text("path"));
  if (!entry) return std::unexpected{QmpError{"DeviceNotFound", entry.error().message}};
  return *entry;
}

/// What every device shows, whatever its type.
struct DeviceFact {
  std::string_view name;
  std::string_view type;
  std::string_view description;
  Json (*get)(const hw::Device& device);
};

/// Where the bus that it sits on is in the tree.
std::string path_of_bus(const hw::Device& device) {
  std::string path;
  device.for_each_part([&](const hw::Part& part) {
    if (part.kind() != "bus link") return;
    const hw::Bus* bus = static_cast<const hw::BusLink&>(part).get();
    if (bus != nullptr) path = bus->node_path();
  });
  return path;
}

constexpr auto kDeviceFacts = std::to_array<DeviceFact>({
    {"realized", "bool", "whether it is a part of the machine",
     [](const hw::Device& device) { return Json(device.realized()); }},
    {"hotplugged", "bool", "whether it came while the machine was there",
     [](const hw::Device& device) { return Json(hw::Configuration::is_hot_plugged(device)); }},
    {"parent_bus", "link<bus>", "the bus that it sits on",
     [](const hw::Device& device) { return Json(path_of_bus(device)); }},
});

/// Null if its type has a property of that name, or it is no such fact.
const DeviceFact* fact(const object::Object& object, std::string_view name) {
  const auto found = std::ranges::find(kDeviceFacts, name, &DeviceFact::name);
  if (found == kDeviceFacts.end() || object.type().find_property(name) != nullptr) return nullptr;
  return dynamic_cast<const hw::Device*>(&object) == nullptr ? nullptr : found;
}

Answer list_object(Call& call) {
  auto entry = entry_at(call);
  if (!entry) return std::unexpected{entry.error()};
  Json all = Json::array();
  all.push_back({{"name", "type"}, {"type", "string"}});
  // What is below it goes before what it shows: a bus is called as the user wants.
  std::set<std::string> names;
  const auto add = [&](const std::string& name, const std::string& type) {
    if (names.insert(name).second) all.push_back({{"name", name}, {"type", type}});
  };
  const auto children = call.machine.tree().children(entry->path);
  if (children)
    for (const auto& child : *children) add(child.name, fmt::format("child<{}>", child.type));
  const object::Object* object = entry->object.get();
  if (object == nullptr) return all;
  for (const DeviceFact& one : kDeviceFacts)
    if (fact(*object, one.name) != nullptr) add(std::string{one.name}, std::string{one.type});
  for (const object::PropertyInfo& property : object->properties()) add(property.name, property.type);
  return all;
}

std::string path_of_child(const object::Tree::Entry& entry, std::string_view name) {
  return fmt::format("{}/{}", entry.path == "/" ? "" : entry.path, name);
}
bool is_child(Call& call, const object::Tree::Entry& entry, std::string_view name) {
  return name.find('/') == name.npos && call.machine.tree().has(path_of_child(entry, name));
}

Answer get_property(Call& call) {
  auto entry = entry_at(call);
  if (!entry) return std::unexpected{entry.error()};
  const std::string name = call.text("property");
  if (name == "type") return Json(entry->type);
  if (is_child(call, *entry, name)) return Json(path_of_child(*entry, name));
  const object::Object* object = entry->object.get();
  if (object == nullptr)
    return generic_error(fmt::format("{}: there is no property '{}'", entry->path, name));
  if (const DeviceFact* found = fact(*object, name)) {
    const auto& device = static_cast<const hw::Device&>(*object);
    if (device.gate().is_closed())
      return generic_error(fmt::format("{}: is being removed", device.full_path()));
    return found->get(device);
  }
  auto value = object->get_property(name);
  if (!value) return std::unexpected{QmpError{value.error()}};
  return to_json(*value);
}

Answer set_property(Call& call) {
  auto entry = entry_at(call);
  if (!entry) return std::unexpected{entry.error()};
  object::Object* object = entry->object.get();
  const std::string name = call.text("property");
  if (name == "type" || is_child(call, *entry, name))
    return generic_error(fmt::format("{}: property '{}' is read-only", entry->path, name));
  if (object == nullptr)
    return generic_error(fmt::format("{}: there is no property '{}'", entry->path, name));
  if (fact(*object, name) != nullptr)
    return generic_error(fmt::format("{}: property '{}' is read-only", entry->path, name));
  const auto value = from_json(call.arguments.at("value"));
  if (!value) return generic_error(fmt::format("{}: '{}' takes no such value", entry->path, name));
  const auto set = object->set_property(name, *value);
  if (!set) return std::unexpected{QmpError{set.error()}};
  return Json::object();
}

Json property_info(const object::Property& property) {
  Json info{{"name", property.name}, {"type", property.type_text()}};
  if (!property.description.empty()) info["description"] = property.description;
  std::visit(
      [&](const auto& value) {
        if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(value)>, std::monostate>)
          info["default-value"] = value;
      },
      property.fallback);
  return info;
}

std::expected<const object::Type*, QmpError> type_named(Call& call) {
  const std::string name = call.text("typename");
  if (const object::Type* type = call.types.find(name)) return type;
  return std::unexpected{QmpError{"DeviceNotFound", fmt::format("there is no type '{}'", name)}};
}

Json property_info(const object::PropertyInfo& property) {
  Json info{{"name", property.name}, {"type", property.type}};
  if (!property.description.empty()) info["description"] = property.description;
  return info;
}

/// What an object of the type shows that is made now; of an abstract one, what all of them do.
std::vector<object::PropertyInfo> properties_of(Call& call, const object::Type& type) {
  for (const MachineTypeInfo& machine : call.about.machine_types)
    if (boards::machine_type(machine.name) == &type) return machine.properties;
  if (const auto* facet = call.types.facet<boards::DeviceFacet>(type); facet != nullptr)
    return facet->make({.context = call.machine.context(), .type = type, .name = std::string{type.name}})
        ->properties();
  std::vector<object::PropertyInfo> all;
  for (const object::Property* property : type.all_properties())
    all.push_back({std::string{property->name}, property->type_text(), std::string{property->description}, {}});
  return all;
}

Answer list_properties(Call& call) {
  Json all = Json::array({{{"name", "type"}, {"type", "string"}}});
  if (call.text("typename") == kRoot) return all;
  const auto type = type_named(call);
  if (!type) return std::unexpected{type.error()};
  if (is_interface(**type))
    return generic_error(fmt::format("'{}' is an interface, of which there are no objects", (*type)->name));
  if ((*type)->is_a("device"))
    for (const DeviceFact& one : kDeviceFacts)
      if ((*type)->find_property(one.name) == nullptr)
        all.push_back({{"name", one.name}, {"type", one.type}, {"description", one.description}});
  for (const object::PropertyInfo& property : properties_of(call, **type))
    all.push_back(property_info(property));
  if (!(*type)->is_a(boards::kMachineType)) return all;
  for (const std::string_view folder : {machine::Machine::kPeripherals, machine::Machine::kAnonymous})
    all.push_back({{"name", folder}, {"type", "child<container>"}});
  return all;
}

// An object is built to be looked at, and dropped: nothing of it stays, and nobody sees it.
Answer list_type(Call& call) {
  if (call.text("typename") == kRoot) return generic_error(fmt::format("'{}' is not a device type", kRoot));
  const auto found = type_named(call);
  if (!found) return std::unexpected{found.error()};
  const object::Type* type = *found;
  const std::string name{type->name};
  const auto* facet = call.types.facet<boards::DeviceFacet>(*type);
  if (!type->is_a("device")) return generic_error(fmt::format("'{}' is not a device type", name));
  if (is_abstract(*type) || facet == nullptr)
    return generic_error(fmt::format("'{}' is an abstract device type, of which there are no devices", name));
  Json all = Json::array();
  if (!facet->region.empty())
    all.push_back({{"name", "addr"}, {"type", "uint64"}, {"description", "where its registers are"}});
  if (!facet->interrupt.empty())
    all.push_back({{"name", "irq"}, {"type", "uint32"}, {"description", "where its interrupt leads"}});
  if (const machine::DeviceKind kind{type, facet}; kind.is_cpu())
    for (const auto& [property, what] : machine::kPlaceOfCpu)
      all.push_back({{"name", property}, {"type", "uint32"}, {"description", what}});
  for (const auto& setting : facet->settings) all.push_back(property_info(setting.info));
  // A property may show what a setting of its name, or the place, became.
  const auto listed = [&all](std::string_view property) {
    return std::ranges::any_of(all, [=](const Json& info) { return info["name"] == property; });
  };
  for (const object::Property* property : type->all_properties())
    if (!listed(property->name)) all.push_back(property_info(*property));
  const auto device = facet->make({.context = call.machine.context(), .type = *type, .name = name});
  for (const hw::Device::PartInfo& part : device->part_infos())
    if (part.kind == "region link") all.push_back({{"name", part.name}, {"type", "link<region>"}});
  return all;
}

constexpr auto kObjectCommands = std::to_array<CommandRow>({
    {"qom-list-types", list_types},
    {"qom-list", list_object},
    {"qom-get", get_property},
    {"qom-set", set_property},
    {"qom-list-properties", list_properties},
    {"device-list-properties", list_type},
});

}  // namespace

std::span<const CommandRow> object_commands() { return kObjectCommands; }

}  // namespace holdfast::control::qmp
