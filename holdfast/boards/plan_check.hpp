// SPDX-License-Identifier: Apache-2.0
// What is wrong with a board plan. Builds its devices in a world of their own, looks, and drops them.
#pragma once

#include <string>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::boards {

class BoardPlan;

/// A line for each finding. Fails only if the host refuses the descriptors that looking takes.
Result<std::vector<std::string>> check_plan(const BoardPlan& plan);

}  // namespace holdfast::boards
