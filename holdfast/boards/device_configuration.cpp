// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/device_configuration.hpp"

#include <utility>

#include "holdfast/boards/device_facet.hpp"

namespace holdfast::boards {

ConfiguredValues configured_values(const object::Type& type, std::span<const DeviceSetting> settings,
                                   const std::any& config, const SettingNames& names) {
  ConfiguredValues values;
  for (const DeviceSetting& setting : settings)
    if (type.find_property(setting.info.name) == nullptr)
      values.push_back({.info = &setting.info, .value = setting.shown(config, names)});
  return values;
}

BoardPlan::Make showing(BoardPlan::Make make, ConfiguredValues values, hw::Configuration::Came came) {
  return [make = std::move(make), values = std::move(values), came](hw::DeviceInit init) {
    auto device = make(std::move(init));
    hw::Configuration::give(*device, values, came);
    return device;
  };
}

void show_settings(BoardPlan& plan, const object::TypeRegistry& types, const SettingNames& names,
                   hw::Configuration::Came came) {
  for (BoardPlan::DeviceRow& row : plan.devices()) {
    const auto* facet = types.facet<DeviceFacet>(*row.type);
    if (facet == nullptr || row.config == nullptr || row.make_with == nullptr) {
      row.make = showing(std::move(row.make), {}, came);
      continue;
    }
    row.make = showing(row.make_with(row.config),
                       configured_values(*row.type, facet->settings, *row.config, names), came);
  }
}

}  // namespace holdfast::boards
