// SPDX-License-Identifier: Apache-2.0
// Devices that come and go.
#include <fmt/core.h>

#include <array>

#include "holdfast/control/qmp/command.hpp"
#include "holdfast/hw/cpu.hpp"

namespace holdfast::control::qmp {
namespace {

using machine::Machine;

Answer add_device(Call& call) {
  using Form = machine::DeviceWish::Value::Form;
  machine::DeviceWish wish{.driver = call.text("driver")};
  if (call.has("id")) {
    wish.id = call.text("id");
    if (wish.id.empty()) return std::unexpected{QmpError{machine::not_an_id("")}};
  }
  for (const auto& [key, value] : call.arguments.items()) {
    if (key == "driver" || key == "id") continue;
    auto text = as_text(key, value);
    if (!text) return std::unexpected{QmpError{text.error()}};
    wish.values.push_back({key, std::move(*text), value.is_number_integer() ? Form::kNumber : Form::kText});
  }
  const auto added = call.adder.add(wish);
  if (!added) return std::unexpected{QmpError{added.error()}};
  return Json::object();
}

/// What Machine::unplug takes, of an id or a path.
std::string name_from(const std::string& id) {
  constexpr std::string_view kAbove = "/machine/";
  if (id.starts_with(kAbove)) return id.substr(kAbove.size());
  return fmt::format("{}/{}", Machine::kPeripherals, id);
}

/// Checks that there is a device of that id, and that it may go.
std::expected<hw::Device*, QmpError> find_leaving(Call& call, const std::string& id,
                                                  const std::string& name) {
  if (call.machine.is_unplug_requested(name))
    return generic_error(fmt::format("device '{}' is being unplugged already", id));
  if (call.machine.is_leaving(name))
    return std::unexpected{QmpError{
        "DeviceNotFound", fmt::format("device '{}' not found; it is being removed", id)}};
  if (!call.machine.tree().has("/machine/" + name))
    return std::unexpected{QmpError{"DeviceNotFound", fmt::format("device '{}' not found", id)}};
  const bool is_peripheral = name.starts_with(std::string{Machine::kPeripherals} + "/") ||
                             name.starts_with(std::string{Machine::kAnonymous} + "/");
  const auto* cpu = dynamic_cast<hw::Cpu*>(call.machine.find_now(name));
  const bool has_socket = cpu != nullptr && call.adder.board() != nullptr &&
                          call.adder.board()->cpu_places();
  if (!is_peripheral && !has_socket)
    return generic_error(fmt::format("device '{}' comes with the machine and stays with it", id));
  hw::Device* device = call.machine.find_now(name);
  if (device == nullptr)
    return generic_error(fmt::format("device '{}' is a part of another and goes with that", id));
  return device;
}

// The first request stands until the device is severed, or the guest has answered; from then on there
// is no such device, though its id is free only with DEVICE_DELETED.
Answer remove_device(Call& call) {
  const std::string id = call.text("id");
  const std::string name = name_from(id);
  const auto device = find_leaving(call, id, name);
  if (!device) return std::unexpected{device.error()};
  if (const auto free = call.machine.check_unpluggable(**device); !free)
    return std::unexpected{QmpError{free.error()}};
  if (call.machine.slot_of(**device) == nullptr) {
    call.machine.unplug(name);
  } else if (const auto asked = call.machine.ask_to_unplug(name); !asked) {
    return std::unexpected{QmpError{asked.error()}};
  }
  return Json::object();
}

Answer tear_out(Call& call) {
  const std::string id = call.text("id");
  const std::string name = name_from(id);
  const auto device = find_leaving(call, id, name);
  if (!device) return std::unexpected{device.error()};
  call.machine.unplug(name, Machine::Consent::kSurprise);
  return Json::object();
}

constexpr auto kDeviceCommands = std::to_array<CommandRow>({
    {"device_add", add_device},
    {"device_del", remove_device},
    {"x-surprise-remove", tear_out},
});

}  // namespace

std::span<const CommandRow> device_commands() { return kDeviceCommands; }

Result<std::string> as_text(const std::string& key, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_structured() || value.is_null()) return fail("{} takes no list or object", key);
  return value.dump();
}

}  // namespace holdfast::control::qmp
