// SPDX-License-Identifier: Apache-2.0
// How options are written one after the other: `a,b=c,,d` is the two items "a" and "b=c,d".
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

/// Takes the text up to the next single comma off the front of `rest`, doubled commas made single.
std::string take_item(std::string_view& rest);

}  // namespace holdfast
