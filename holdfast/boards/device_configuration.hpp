// SPDX-License-Identifier: Apache-2.0
// Devices that show what they are configured with: each setting of a registered type becomes a read-only
// property of the devices of that type, with the value it was given or has by default. Where the type has a
// property of that name already, which shows what became of the setting, that one is shown.
#pragma once

#include <any>
#include <span>
#include <vector>

#include "holdfast/boards/device_setting.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/hw/configuration.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::boards {

using ConfiguredValues = std::vector<hw::Configuration::Value>;
ConfiguredValues configured_values(const object::Type& type, std::span<const DeviceSetting> settings,
                                   const std::any& config, const SettingNames& names);

/// Builds what `make` does, which then shows the values.
BoardPlan::Make showing(BoardPlan::Make make, ConfiguredValues values,
                        hw::Configuration::Came came = hw::Configuration::Came::kWithTheMachine);

/// Lets every device of the plan show its settings, as `types` has them. Last before the plan is realised:
/// what is configured later is not shown.
void show_settings(BoardPlan& plan, const object::TypeRegistry& types, const SettingNames& names,
                   hw::Configuration::Came came);

}  // namespace holdfast::boards
