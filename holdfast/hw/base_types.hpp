// SPDX-License-Identifier: Apache-2.0
// Types of hardware that are no class of their own: what devices can do, and where they sit.
#pragma once

#include "holdfast/base/result.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::hw {

/// "resettable": takes part in resets, in three phases. Every device does.
extern const object::Type kResettable;
/// "hotplug-handler": has places where things come and go while the machine runs.
extern const object::Type kHotplugHandler;
/// "sys-bus-device": a device whose registers are on the system bus.
extern const object::Type kSysBusDevice;

/// "bus", abstract: what devices sit on.
extern const object::Type kBusType;

/// Adds these, Device's, and what they rest on.
Result<void> add_base_types(object::TypeRegistry& registry);

}  // namespace holdfast::hw
