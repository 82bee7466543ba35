// SPDX-License-Identifier: Apache-2.0
// The configuration of a "blkdebug" node. A rule would be about what a device does with the node, which
// none does; so it may have comments and empty lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"

namespace holdfast::block {

constexpr std::size_t kMostRules = std::size_t{1} << 20;  // bytes of a configuration

Result<void> check_rules(std::string_view text);
/// Of a regular file, for nobody is waited for.
Result<void> read_rules(const std::string& path);

}  // namespace holdfast::block
