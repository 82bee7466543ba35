// SPDX-License-Identifier: Apache-2.0
// Devices that come and go.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::control::qmp {
namespace {

using boards::BoardPlan;
using boards::DeviceFacet;
using machine::Machine;

/// As the command line would have it.
std::string as_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  return value.dump();
}

struct Kind {
  const object::Type& type;
  const DeviceFacet& facet;
};

Result<void> configure(BoardPlan::DeviceRow& row, const Kind& kind, const std::string& key,
                       const std::string& value, const boards::SettingTargets& targets) {
  for (const auto& setting : kind.facet.settings) {
    if (setting.info.name != key) continue;
    std::any config = *row.config;
    TRY(setting.apply(config, value, targets));
    row.config = std::make_shared<const std::any>(std::move(config));
    row.make = row.make_with(row.config);
    return {};
  }
  const object::Property* property = kind.type.find_property(key);
  if (property == nullptr || property->settable == object::Settable::kNever)
    return fail("'{}' has no property '{}' that can be set", kind.type.name, key);
  if (!property->convert(value))
    return fail("{} is '{}'; it takes {}", key, value, property->accepts());
  row.properties.push_back({key, value});
  return {};
}

/// Lower-case letters and what else an identifier of a user may have.
bool is_id(std::string_view id) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !id.empty() && letter(id.front()) && std::ranges::all_of(id, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

Result<std::string> name_of(Call& call) {
  if (call.has("id")) {
    const std::string id = call.text("id");
    if (!is_id(id)) return fail("id '{}': letters, digits, - . and _ make one, a letter first", id);
    return fmt::format("{}/{}", Machine::kPeripherals, id);
  }
  for (unsigned number = 0;; ++number) {
    std::string name = fmt::format("{}/device[{}]", Machine::kAnonymous, number);
    if (!call.machine.tree().has("/machine/" + name)) return name;
  }
}

Result<std::uint64_t> number_of(Call& call, const char* key, std::uint64_t most) {
  const auto value = object::parse_unsigned(as_text(call.arguments.at(key)));
  if (!value || *value > most) return fail("{} takes a number from 0 to {}", key, most);
  return *value;
}

Result<void> plug(Call& call, const Kind& kind) {
  std::uint64_t address = 0;
  if (!kind.facet.region.empty()) {
    if (!call.has("addr")) return fail("addr is missing; it takes the address of its registers");
    address = TRY(number_of(call, "addr", std::numeric_limits<std::uint64_t>::max()));
  }
  if (call.has("bus")) return fail("'{}' sits on no bus that has a name", kind.type.name);
  BoardPlan plan{"device_add"};
  const auto device =
      boards::add_device(plan, kind.type, kind.facet, TRY(name_of(call)), address);
  boards::SettingTargets targets;
  targets.chardev = [&call](std::string_view id) -> chardev::Chardev* {
    for (chardev::Chardev* backend : call.machine.backends_now())
      if (backend->id() == id) return backend;
    return nullptr;
  };
  for (const auto& [key, value] : call.arguments.items()) {
    if (key == "driver" || key == "id" || (key == "addr" && !kind.facet.region.empty())) continue;
    if (key == "irq" && !kind.facet.interrupt.empty() && call.about.interrupt) {
      const auto number = TRY(number_of(call, "irq", std::numeric_limits<std::uint32_t>::max()));
      const boards::PinRef pin = call.about.interrupt(static_cast<unsigned>(number));
      plan.wire({{device.out(std::string{kind.facet.interrupt}), pin}});
      continue;
    }
    if (value.is_structured() || value.is_null()) return fail("{} takes no list or object", key);
    TRY(configure(plan.devices().back(), kind, key, as_text(value), targets));
  }
  return call.machine.realize(plan);
}

Answer add(Call& call) {
  const std::string driver = call.text("driver");
  const object::Type* type = call.types.find(driver);
  const auto* facet = type == nullptr ? nullptr : call.types.facet<DeviceFacet>(*type);
  if (facet == nullptr)
    return generic_error(fmt::format("driver '{}': there is no such device type", driver));
  if (!facet->only_built_in.empty())
    return generic_error(
        fmt::format("driver '{}' comes with the machine; {}", driver, facet->only_built_in));
  const auto plugged = plug(call, {*type, *facet});
  if (!plugged) return std::unexpected{QmpError{plugged.error()}};
  return Json::object();
}

/// What Machine::unplug takes, of an id or a path.
std::string name_from(const std::string& id) {
  constexpr std::string_view kAbove = "/machine/";
  if (id.starts_with(kAbove)) return id.substr(kAbove.size());
  return fmt::format("{}/{}", Machine::kPeripherals, id);
}

bool is_leaving(Machine& machine, const std::string& path) {
  return std::ranges::any_of(machine.tickets_now(),
                             [&](const auto& ticket) { return ticket->path() == path; });
}

Answer remove(Call& call) {
  const std::string id = call.text("id");
  const std::string name = name_from(id);
  const std::string path = "/machine/" + name;
  if (is_leaving(call.machine, path))
    return generic_error(fmt::format("device '{}' is being unplugged already", id));
  const bool is_peripheral = name.starts_with(std::string{Machine::kPeripherals} + "/") ||
                             name.starts_with(std::string{Machine::kAnonymous} + "/");
  if (!call.machine.tree().has(path))
    return std::unexpected{QmpError{"DeviceNotFound", fmt::format("device '{}' not found", id)}};
  if (!is_peripheral)
    return generic_error(fmt::format("device '{}' comes with the machine and stays with it", id));
  call.machine.unplug(name);
  return Json::object();
}

constexpr auto kRows = std::to_array<CommandRow>({
    {"device_add", add},
    {"device_del", remove},
});

}  // namespace

std::span<const CommandRow> device_commands() { return kRows; }

}  // namespace holdfast::control::qmp
