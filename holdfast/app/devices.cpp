// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/devices.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <utility>

#include "holdfast/app/loader_devices.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/app/options/json.hpp"
#include "holdfast/boards/device_types.hpp"

namespace holdfast::app {
namespace {

using boards::BoardPlan;
using machine::DeviceAdder;
using machine::DeviceKind;

Result<object::TypeRegistry> all_types() {
  object::TypeRegistry types;
  TRY(boards::register_device_types(types));
  return types;
}

std::string value_of(const OptionGroup& group, std::string_view key) {
  const std::string* value = group.find(key);
  return value == nullptr ? std::string{} : *value;
}

bool is_loader(const OptionGroup& group) { return value_of(group, "driver") == kLoaderDriver; }

/// Whether the board has a value of its own for it, which is not what the type has by default.
bool board_says(const BoardPlan::DeviceRow& row, const DeviceKind& kind, std::string_view name) {
  const boards::DeviceSetting* setting = kind.setting(name);
  return setting != nullptr && setting->get(*row.config) != setting->get(*kind.facet->config);
}

/// Whether the plan has anything that it is about.
Result<bool> apply_global(BoardPlan& plan, const OptionGroup& global,
                          const object::TypeRegistry& types, const boards::SettingTargets& targets) {
  const DeviceKind kind = TRY(DeviceKind::find(types, value_of(global, "driver")));
  const std::string name = value_of(global, "property");
  bool any = false;
  for (auto& row : plan.devices()) {
    if (!row.type->is_a(*kind.type) || board_says(row, kind, name)) continue;
    TRY(kind.configure(row, name, value_of(global, "value"), targets));
    any = true;
  }
  if (!any) return false;
  const auto findings = TRY(plan.findings());
  if (!findings.empty()) return fail("{}", fmt::join(findings, "; "));
  return true;
}

Result<void> check_global(const object::TypeRegistry& types, const OptionGroup& global) {
  const DeviceKind kind = TRY(DeviceKind::find(types, value_of(global, "driver")));
  const auto name = value_of(global, "property");
  if (kind.setting(name) != nullptr || kind.property(name) != nullptr) return {};
  const auto names = kind.names();
  return fail("'{}' has no property '{}'; {}", kind.type->name, name,
              names.empty() ? "it has none" : fmt::format("it has {}", fmt::join(names, ", ")));
}

machine::DeviceWish wish_of(const OptionGroup& group) {
  machine::DeviceWish wish{.driver = value_of(group, "driver"), .id = value_of(group, "id")};
  using Form = machine::DeviceWish::Value::Form;
  const bool json = group.text.starts_with('{');
  for (const KeyValue& item : group.items) {
    if (item.key == "driver" || item.key == "id") continue;
    const bool number = json && whole_number(group.text, item.key) == item.value;
    wish.values.push_back({item.key, item.value, number ? Form::kNumber : Form::kText});
  }
  return wish;
}

}  // namespace

Result<void> check_devices(const Options& options) {
  const auto types = TRY(all_types());
  for (const OptionGroup& global : options.globals)
    if (const auto good = check_global(types, global); !good && !is_of_cpu_model(global))
      return std::unexpected{about(global, good.error())};
  for (const OptionGroup& group : options.devices) {
    if (is_loader(group)) continue;
    const auto kind = DeviceAdder::find_pluggable(types, value_of(group, "driver"));
    if (!kind) return std::unexpected{about(group, kind.error())};
  }
  return {};
}

std::vector<machine::GlobalValue> global_values(const Options& options) {
  std::vector<machine::GlobalValue> values;
  for (const OptionGroup& global : options.globals) {
    if (is_of_cpu_model(global)) continue;  // harts that come are made by it, as the first ones are
    values.push_back({.driver = value_of(global, "driver"),
                      .property = value_of(global, "property"),
                      .text = value_of(global, "value")});
  }
  return values;
}

Result<void> apply_globals(BoardPlan& plan, const Options& options,
                           const object::TypeRegistry& types, const Backends& backends) {
  const boards::SettingTargets targets{
      .chardev = [&backends](std::string_view id) { return backends.find(id); }};
  for (const OptionGroup& global : options.globals) {
    if (is_of_cpu_model(global)) continue;  // the board was planned by it
    if (const auto applied = apply_global(plan, global, types, targets); !applied)
      return std::unexpected{about(global, applied.error())};
  }
  return {};
}

Result<void> add_devices(machine::Machine& machine, const DeviceAdder& adder, const Options& options) {
  bool any = false;
  for (const OptionGroup& group : options.devices) {
    if (is_loader(group)) continue;
    if (const auto added = adder.add(wish_of(group)); !added)
      return std::unexpected{about(group, added.error())};
    any = true;
  }
  // They begin together with the board: what is loaded into memory goes into theirs, too.
  if (any) machine.reset();
  return {};
}

Result<std::string> devices_text(const std::string& subject) {
  const auto types = TRY(all_types());
  if (subject == kLoaderDriver) return loader_text();
  if (!subject.empty()) {
    auto text = machine::device_type_text(types, subject);
    if (!text) return fail("-device {},help: {}", subject, text.error().message);
    return text;
  }
  return machine::device_types_text(types) +
         fmt::format("name \"{}\", desc \"Puts a file or a value into memory, or starts a CPU elsewhere.\"\n",
                     kLoaderDriver);
}

}  // namespace holdfast::app
