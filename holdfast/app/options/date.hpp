// SPDX-License-Identifier: Apache-2.0
// `2006-06-17T16:01:21` and `2006-06-17`: a day, and a time of it, in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::app {

/// Seconds since 1970-01-01; nothing if the text is no date or there is no such day.
std::optional<std::int64_t> parse_date(std::string_view text);

}  // namespace holdfast::app
