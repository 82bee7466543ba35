// SPDX-License-Identifier: Apache-2.0
// `-device` and `-global`: devices that a user adds to a board, and values that all of a type get.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "holdfast/app/machines.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/boards/plan.hpp"

namespace holdfast::app {

/// Says of each -device and -global whether its type is there and can be had. Makes nothing.
Result<void> check_devices(const Options& options);

/// A device of a plan, and the option that asked for it.
struct AddedDevice {
  std::string name;
  const OptionGroup* group;  // of the options
};

/// Applies -global to what a board has, and adds what -device asks for. The plan is good afterwards;
/// errors begin with the option.
Result<std::vector<AddedDevice>> add_devices(boards::BoardPlan& plan, const Options& options,
                                             const MachineType& machine, const Backends& backends);

/// The error, with the option that asked for the device that it names, if one did.
Error blame(const Error& error, std::span<const AddedDevice> added);

/// What `-device help` prints, or for a type `-device TYPE,help`.
Result<std::string> devices_text(const std::string& type);

}  // namespace holdfast::app
