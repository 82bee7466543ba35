// SPDX-License-Identifier: Apache-2.0
// `-device` and `-global`: devices that a user adds to a board, and values that all of a type get.
#pragma once

#include <string>
#include <vector>

#include "holdfast/app/backends.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::app {

/// Says of each -device and -global whether its type is there and can be had. Makes nothing.
Result<void> check_devices(const Options& options);

/// What -global says of devices that are yet to come.
std::vector<machine::GlobalValue> global_values(const Options& options);

/// Applies -global to what a board has. Errors begin with the option.
Result<void> apply_globals(boards::BoardPlan& plan, const Options& options,
                           const object::TypeRegistry& types, const Backends& backends);

/// Adds what -device asks for to a machine that has its board. Errors begin with the option.
Result<void> add_devices(machine::Machine& machine, const machine::DeviceAdder& adder,
                         const Options& options);

/// What `-device help` prints, or for a type `-device TYPE,help`.
Result<std::string> devices_text(const std::string& type);

}  // namespace holdfast::app
