// SPDX-License-Identifier: Apache-2.0
// Where firmware files are when the user names none, or names one without saying where.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "holdfast/base/result.hpp"

namespace holdfast::boards {

/// What `-bios` means: "none" is nothing; "default", or no option at all, is OpenSBI with dynamic
/// information; else it is a path, or the name of a file in one of the folders, or in those where
/// Debian puts firmware. Errors name what was looked for and the package that has it.
Result<std::optional<std::string>> find_firmware(const std::optional<std::string>& bios,
                                                 std::span<const std::string> folders);

}  // namespace holdfast::boards
