// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/address.hpp"

#include <fmt/core.h>

#include <charconv>
#include <optional>

namespace holdfast::devices::pci {
namespace {

std::optional<unsigned> hexadecimal(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  const auto dot = text.find('.');
  const auto device = hexadecimal(text.substr(0, dot));
  const auto function =
      dot == text.npos ? std::optional{0U} : hexadecimal(text.substr(dot + 1));
  if (!device || !function || *device >= kDevices || *function >= kFunctions)
    return fail("it takes DEVICE or DEVICE.FUNCTION in hexadecimal, up to 1f.7");
  return Address{.device = static_cast<std::uint8_t>(*device),
                 .function = static_cast<std::uint8_t>(*function)};
}

std::string Address::to_string() const { return fmt::format("{:02x}.{:x}", device, function); }

}  // namespace holdfast::devices::pci
