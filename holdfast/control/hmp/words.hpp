// SPDX-License-Identifier: Apache-2.0
// `TYPE,id=ID,key=value`: how things that are made are written.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::control::hmp {

using Items = std::vector<std::pair<std::string, std::string>>;

/// Keys and values in their order; a first word without a key has `implied`, a later one is "on". A
/// comma within a value is written twice. Error: a key is empty or there twice.
Result<Items> read_items(std::string_view text, std::string_view implied);
/// "" if there is no such key.
std::string value_of(const Items& items, std::string_view key);

}  // namespace holdfast::control::hmp
