// SPDX-License-Identifier: Apache-2.0
// `-device loader,…`: not a device, but something to be put into memory or a CPU to be started
// elsewhere, which a machine does while it is made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/boards/loader/generic_load.hpp"

namespace holdfast::app {

/// The name that -device knows it by.
inline constexpr std::string_view kLoaderDriver = "loader";

/// What `-device loader,help` prints.
std::string loader_text();

/// Those of the -device options that are of this kind, in their order.
Result<std::vector<boards::GenericLoad>> loads(const Options& options);

}  // namespace holdfast::app
