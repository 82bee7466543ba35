// SPDX-License-Identifier: Apache-2.0
// `unix:/run/x,server=on,wait=off`: the short way to write a character back-end, as -serial takes it.
#pragma once

#include <string_view>

#include "holdfast/app/options/group.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// What -chardev would take, without the id; see chardev/spelling.hpp.
Result<OptionGroup> parse_short_chardev(std::string_view text);

}  // namespace holdfast::app
