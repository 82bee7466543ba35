// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/devices.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <any>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "holdfast/app/loader_devices.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/object/text.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::app {
namespace {

using boards::BoardPlan;
using boards::DeviceFacet;
using boards::DeviceSetting;

/// A type with what comes with it.
struct Kind {
  const object::Type* type;
  DeviceFacet facet;

  const DeviceSetting* setting(std::string_view name) const {
    for (const DeviceSetting& setting : facet.settings)
      if (setting.info.name == name) return &setting;
    return nullptr;
  }
  const object::Property* property(std::string_view name) const {
    const object::Property* found = type->find_property(name);
    return found == nullptr || found->settable == object::Settable::kNever ? nullptr : found;
  }
  /// What -global sets.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const DeviceSetting& setting : facet.settings) names.emplace_back(setting.info.name);
    for (const object::Property* one : type->all_properties())
      if (one->settable != object::Settable::kNever) names.emplace_back(one->name);
    return names;
  }
};

class Types {
 public:
  static Result<Types> make() {
    Types types;
    TRY(boards::register_device_types(types.registry_));
    return types;
  }

  Result<Kind> require(std::string_view name) const {
    const object::Type* type = registry_.find(name);
    const auto* facet = type == nullptr ? nullptr : registry_.facet<DeviceFacet>(*type);
    if (facet != nullptr) return Kind{type, *facet};
    std::vector<std::string_view> names;
    for (const object::Type* one : all()) names.push_back(one->name);
    const auto near = object::nearest(name, names);
    return fail("there is no device type '{}'; {}", name,
                near.empty() ? std::string{"-device help lists them"}
                             : fmt::format("did you mean '{}'?", near));
  }
  std::vector<const object::Type*> all() const {
    return registry_.descendants("device", object::Abstract::kExcluded);
  }
  const DeviceFacet& facet(const object::Type& type) const {
    return *registry_.facet<DeviceFacet>(type);
  }

 private:
  object::TypeRegistry registry_;
};

std::string list(const std::vector<std::string>& names) {
  return names.empty() ? "it has none" : fmt::format("it has {}", fmt::join(names, ", "));
}

/// Gives a row of a plan a value: in what it is built with, or once it is built.
Result<void> configure(BoardPlan::DeviceRow& row, const Kind& kind, const KeyValue& item,
                       const boards::SettingTargets& targets) {
  if (const DeviceSetting* setting = kind.setting(item.key)) {
    std::any config = *row.config;
    TRY(setting->apply(config, item.value, targets));
    row.config = std::make_shared<const std::any>(std::move(config));
    row.make = row.make_with(row.config);
    return {};
  }
  if (const object::Property* property = kind.property(item.key)) {
    if (!property->convert(item.value))
      return fail("{} is '{}'; it takes {}", item.key, item.value, property->accepts());
    row.properties.push_back({item.key, item.value});
    return {};
  }
  return fail("'{}' has no property '{}'; {}", kind.type->name, item.key, list(kind.names()));
}

std::string_view value_of(const OptionGroup& group, std::string_view key) {
  const std::string* value = group.find(key);
  return value == nullptr ? std::string_view{} : *value;
}

bool is_loader(const OptionGroup& group) { return value_of(group, "driver") == kLoaderDriver; }

class Adding {
 public:
  Adding(BoardPlan& plan, const Options& options, const MachineType& machine,
         const Backends& backends, const Types& types)
      : plan_{plan}, options_{options}, machine_{machine}, types_{types} {
    targets_.chardev = [&backends](std::string_view id) { return backends.find(id); };
  }

  Result<void> apply_globals() {
    for (const OptionGroup& global : options_.globals) {
      const auto applied = apply(global);
      if (!applied) return std::unexpected{about(global, applied.error())};
      if (*applied) TRY(check(global));
    }
    return {};
  }

  std::vector<AddedDevice> added() && { return std::move(added_); }

  Result<void> add(const OptionGroup& group) {
    TRY(read_group(group, [this](Fields& fields) { return add_from(fields); }));
    return check(group);
  }

 private:
  /// Whether the plan has anything that it is about.
  Result<bool> apply(const OptionGroup& global) {
    const Kind kind = TRY(types_.require(value_of(global, "driver")));
    bool any = false;
    for (auto& row : plan_.devices()) {
      if (!row.type->is_a(*kind.type) || board_says(row, kind, value_of(global, "property"))) continue;
      TRY(configure(row, kind, value_set_by(global), targets_));
      any = true;
    }
    return any;
  }

  /// Whether the board has a value of its own for it, which is not what the type has by default.
  static bool board_says(const BoardPlan::DeviceRow& row, const Kind& kind, std::string_view name) {
    const DeviceSetting* setting = kind.setting(name);
    return setting != nullptr && setting->get(*row.config) != setting->get(*kind.facet.config);
  }

  static KeyValue value_set_by(const OptionGroup& global) {
    return {std::string{value_of(global, "property")}, std::string{value_of(global, "value")}};
  }

  Result<void> add_from(Fields& fields) {
    const Kind kind = TRY(types_.require(fields.text("driver").value_or("")));
    const std::string name = name_of(fields);
    added_.push_back({name, &fields.group()});
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t address = 0;
    if (!kind.facet.region.empty()) {
      const auto at = TRY(fields.number("addr", 0, kMost));
      if (!at) return fail("addr is missing; it takes the address of its registers");
      address = *at;
    }
    const auto device = boards::add_device(plan_, *kind.type, kind.facet, name, address);
    TRY(configure_new(fields, kind));
    return wire(fields, kind, device);
  }

  std::string name_of(Fields& fields) {
    const std::string id = fields.text("id").value_or("");
    return id.empty() ? fmt::format("device[{}]", unnamed_++) : id;
  }

  Result<void> configure_new(Fields& fields, const Kind& kind) {
    auto& row = plan_.devices().back();
    for (const OptionGroup& global : options_.globals)
      if (kind.type->is_a(value_of(global, "driver")))
        TRY(configure(row, kind, value_set_by(global), targets_));
    for (const std::string& name : kind.names())
      if (const auto value = fields.text(name)) TRY(configure(row, kind, {name, *value}, targets_));
    return {};
  }

  /// Its interrupt goes where `irq` says; all other outputs lead nowhere.
  Result<void> wire(Fields& fields, const Kind& kind, const boards::DeviceRef& device) {
    const std::string interrupt{kind.facet.interrupt};
    plan_.leave_loose(device);
    if (interrupt.empty() || machine_.interrupt == nullptr) return {};
    const auto number = TRY(fields.number("irq", 0, std::numeric_limits<std::uint32_t>::max()));
    if (number)
      plan_.wire({{device.out(interrupt), machine_.interrupt(static_cast<unsigned>(*number))}});
    return {};
  }

  Result<void> check(const OptionGroup& group) const {
    const auto findings = TRY(plan_.findings());
    if (findings.empty()) return {};
    return std::unexpected{about(group, {fmt::format("{}", fmt::join(findings, "; "))})};
  }

  BoardPlan& plan_;
  const Options& options_;
  const MachineType& machine_;
  const Types& types_;
  boards::SettingTargets targets_;
  unsigned unnamed_ = 0;
  std::vector<AddedDevice> added_;
};

Result<void> check_device(const Types& types, const OptionGroup& group) {
  const auto kind = types.require(value_of(group, "driver"));
  if (!kind) return std::unexpected{about(group, kind.error())};
  const auto reason = kind->facet.only_built_in;
  if (!reason.empty())
    return std::unexpected{about(group, {fmt::format("'{}' comes with the machine; {}", kind->type->name, reason)})};
  return {};
}

Result<void> check_global(const Types& types, const OptionGroup& global) {
  const auto kind = types.require(value_of(global, "driver"));
  if (!kind) return std::unexpected{about(global, kind.error())};
  const auto name = value_of(global, "property");
  if (kind->setting(name) != nullptr || kind->property(name) != nullptr) return {};
  return std::unexpected{about(global, {fmt::format("'{}' has no property '{}'; {}", kind->type->name,
                                                    name, list(kind->names()))})};
}

std::string line(std::string_view name, std::string_view type, std::string_view help) {
  const std::string shape = fmt::format("  {}=<{}>", name, type);
  return help.empty() ? shape + "\n" : fmt::format("{:<28} - {}\n", shape, help);
}

std::string help_for(const Kind& kind) {
  std::string text = fmt::format("{} options:\n", kind.type->name);
  if (!kind.facet.only_built_in.empty())
    text += fmt::format("  comes with the machine; {}. For -global:\n", kind.facet.only_built_in);
  else if (!kind.facet.region.empty())
    text += line("addr", "uint64", "the address of its registers");
  if (!kind.facet.interrupt.empty())
    text += line("irq", "uint32", "its number at the interrupt controller; none: nobody hears it");
  for (const DeviceSetting& setting : kind.facet.settings)
    text += line(setting.info.name, setting.info.type_text(), setting.info.description);
  for (const object::Property* one : kind.type->all_properties())
    if (one->settable != object::Settable::kNever)
      text += line(one->name, one->type_text(), one->description);
  return text;
}

}  // namespace

Result<void> check_devices(const Options& options) {
  const Types types = TRY(Types::make());
  for (const OptionGroup& global : options.globals) TRY(check_global(types, global));
  for (const OptionGroup& group : options.devices)
    if (!is_loader(group)) TRY(check_device(types, group));
  return {};
}

Result<std::vector<AddedDevice>> add_devices(BoardPlan& plan, const Options& options,
                                             const MachineType& machine, const Backends& backends) {
  if (options.globals.empty() && options.devices.empty()) return {};
  const Types types = TRY(Types::make());
  Adding adding{plan, options, machine, backends, types};
  TRY(adding.apply_globals());
  for (const OptionGroup& group : options.devices)
    if (!is_loader(group)) TRY(adding.add(group));
  return std::move(adding).added();
}

Error blame(const Error& error, std::span<const AddedDevice> added) {
  for (const auto& [name, group] : added) {
    const std::string path = "/machine/" + name;
    if (error.message.starts_with(path + ":") || error.message.starts_with(path + "/"))
      return about(*group, error);
  }
  return error;
}

Result<std::string> devices_text(const std::string& subject) {
  const Types types = TRY(Types::make());
  if (!subject.empty()) {
    const auto kind = types.require(subject);
    if (!kind) return fail("-device {},help: {}", subject, kind.error().message);
    return help_for(*kind);
  }
  std::string text = "Devices:\n";
  for (const object::Type* type : types.all())
    if (types.facet(*type).only_built_in.empty())
      text += fmt::format("name \"{}\", desc \"{}\"\n", type->name, type->docs);
  text += fmt::format("name \"{}\", desc \"Puts a file or a value into memory, or starts a CPU elsewhere.\"\n",
                      kLoaderDriver);
  return text;
}

}  // namespace holdfast::app
