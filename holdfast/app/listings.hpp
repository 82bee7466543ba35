// SPDX-License-Identifier: Apache-2.0
// What the emulator answers to a command line that asks instead of running something.
#pragma once

#include <string>

#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// The text for an action that is not kRun. Errors: what was asked about does not exist.
Result<std::string> answer(const Options& options);

/// The file that -readconfig names, if it is a regular one of at most 1 MiB.
Result<std::string> read_config_text(const std::string& path);

}  // namespace holdfast::app
