// SPDX-License-Identifier: Apache-2.0
// `{"driver": "ns16550a", "addr": 4096}`: an option's values as a JSON object, which is another
// spelling of the list of keys and values. Members of objects inside become `outer.inner`, elements
// of arrays `name.0`; true and false become on and off. Strings may be in single quotes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/options/keyval.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// Errors: not JSON, not an object, a null, a member given twice, more than 32 levels.
Result<std::vector<KeyValue>> parse_json_object(std::string_view text);

/// A member of an object, if it is a whole number and no text; as parse_json_object() gives it.
std::optional<std::string> whole_number(std::string_view text, std::string_view member);

}  // namespace holdfast::app
