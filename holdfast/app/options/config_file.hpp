// SPDX-License-Identifier: Apache-2.0
// -readconfig: options in a file.
//
//   # a comment
//   [device "uart1"]
//     driver = "ns16550a"
//     addr = "0x10001000"
//
// A section is one option that takes keys and values; its name in quotes is the value of `id`.
#pragma once

#include <string_view>
#include <vector>

#include "holdfast/app/options/draft.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// The sections of a file as groups, `option` being the section's name. Errors name the line.
Result<std::vector<OptionGroup>> parse_config(std::string_view text);

/// The option itself: reads a file and takes up what it says.
Result<void> read_config_file(Draft& draft, std::string_view path);

}  // namespace holdfast::app
