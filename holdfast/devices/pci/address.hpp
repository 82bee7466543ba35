// SPDX-License-Identifier: Apache-2.0
// Where on a bus a function is: one of 32 devices, and one of its 8 functions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"

namespace holdfast::devices::pci {

inline constexpr unsigned kDevices = 32;
inline constexpr unsigned kFunctions = 8;
inline constexpr unsigned kAddresses = kDevices * kFunctions;

struct Address {
  std::uint8_t device = 0;    // below kDevices
  std::uint8_t function = 0;  // below kFunctions

  static constexpr Address from_number(unsigned number) {
    return {.device = static_cast<std::uint8_t>(number / kFunctions % kDevices),
            .function = static_cast<std::uint8_t>(number % kFunctions)};
  }
  /// "3", "3.1": hexadecimal. The error says what it takes.
  static Result<Address> parse(std::string_view text);

  /// As in requester ids and in configuration addresses.
  constexpr unsigned number() const { return device * kFunctions + function; }
  /// "03.1"
  std::string to_string() const;
  friend auto operator<=>(const Address&, const Address&) = default;
};

}  // namespace holdfast::devices::pci
