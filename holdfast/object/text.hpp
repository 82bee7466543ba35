// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and switches as people write them on a command line or in a monitor.
//
// Each parser takes the whole text or nothing: no blanks, no rest. The caller knows the name of
// what is being set, so it words the error; these only say whether there is a value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::object {

/// on, yes, true, y / off, no, false, n.
std::optional<bool> parse_bool(std::string_view text);

/// Decimal, 0x hexadecimal, 0b binary or 0 octal. A sign is refused.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

/// The same with an optional leading minus or plus.
std::optional<std::int64_t> parse_signed(std::string_view text);

std::optional<double> parse_double(std::string_view text);

/// Bytes. A number as above, or a decimal number, with fraction if wanted, and one of the suffixes
/// B K M G T P E in either case, which are powers of 1024. Text without a suffix is in units of
/// `unit` bytes ("128" is 128 MiB where the unit is 1 MiB). Fractions of a byte are dropped.
std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit = 1);

/// "128M", "1536K", "4097": the largest suffix that is exact.
std::string format_size(std::uint64_t bytes);

/// The candidate that a person who typed `text` most likely meant, or "" if none is near.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace holdfast::object
