// SPDX-License-Identifier: Apache-2.0
// Bytes as text: hexadecimal and base 64 (RFC 4648 §4).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::control {

/// Two lower-case digits a byte, appended.
void append_hex(std::string& text, std::span<const std::byte> bytes);
/// Nothing if there is an odd number of digits or something that is none.
std::optional<std::vector<std::byte>> from_hex(std::string_view digits);

void append_base64(std::string& text, std::span<const std::byte> bytes);
/// Nothing if the text is not a whole number of groups, or has something else in it.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace holdfast::control
