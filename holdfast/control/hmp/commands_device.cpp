// SPDX-License-Identifier: Apache-2.0
// Devices that come and go, and what types of them there are.
#include <array>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/control/hmp/words.hpp"

namespace holdfast::control::hmp {
namespace {

Result<void> list_types(Call& call) {
  const auto& types = call.monitor.types();
  for (const object::Type* type : types.descendants("device", object::Abstract::kExcluded)) {
    const auto* facet = types.facet<boards::DeviceFacet>(*type);
    if (facet == nullptr || !facet->only_built_in.empty()) continue;
    call.say("name \"{}\", desc \"{}\"", type->name, type->docs);
  }
  return {};
}

Result<void> show_type(Call& call, const std::string& name) {
  const auto answer = call.ask("device-list-properties", {{"typename", name}});
  if (!answer) return std::unexpected{answer.error()};
  call.say("{} options:", name);
  for (const qmp::Json& one : *answer) {
    const std::string shape = fmt::format(
        "  {}=<{}>", one.at("name").get<std::string>(), one.at("type").get<std::string>());
    const std::string described =
        one.contains("description") ? " - " + one.at("description").get<std::string>() : "";
    const std::string fallback =
        one.contains("default-value") ? fmt::format(" (default: {})", one.at("default-value").dump()) : "";
    call.say("{}", described.empty() && fallback.empty()
                       ? shape
                       : fmt::format("{:<26}{}{}", shape, described, fallback));
  }
  return {};
}

Result<void> add_device(Call& call) {
  const auto items = TRY(read_items(call.text("device"), "driver"));
  const std::string driver = value_of(items, "driver");
  if (driver == "help" || driver == "?") return list_types(call);
  for (const auto& [key, value] : items)
    if (key == "help" || key == "?") return show_type(call, driver);
  qmp::Json arguments = qmp::Json::object();
  for (const auto& [key, value] : items) arguments[key] = value;
  return call.tell("device_add", arguments);
}

Result<void> remove_device(Call& call) { return call.tell("device_del", {{"id", call.text("id")}}); }

Result<void> tear_out(Call& call) {
  return call.tell("x-surprise-remove", {{"id", call.text("id")}});
}

constexpr auto kDeviceRows = std::to_array<Row>({
    {.name = "device_add",
     .arguments = {rest("device", Completes::kDeviceType)},
     .help = "plugs a device, TYPE[,id=ID][,KEY=VALUE...]; help lists the types, TYPE,help what one takes",
     .perform = add_device},
    {.name = "device_del",
     .arguments = {word("id", Completes::kDeviceId)},
     .help = "unplugs a device, by its id or path; in a slot the guest is asked first",
     .perform = remove_device},
    {.name = "surprise_remove",
     .arguments = {word("id", Completes::kDeviceId)},
     .help = "tears a device out, by its id or path: nobody is asked",
     .perform = tear_out},
});

}  // namespace

std::span<const Row> device_rows() { return kDeviceRows; }

}  // namespace holdfast::control::hmp
