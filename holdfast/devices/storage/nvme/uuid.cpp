// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/uuid.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <iterator>

namespace holdfast::devices::nvme {

std::optional<Uuid> parse_uuid(const std::string& text) {
  Uuid bytes{};
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash != (text[i] == '-')) return std::nullopt;
    if (!is_dash) digits += text[i];
  }
  if (text.size() != 36 || digits.size() != 2 * bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    unsigned value = 0;
    const char* const first = digits.data() + 2 * i;
    const auto done = std::from_chars(first, first + 2, value, 16);
    if (done.ec != std::errc{} || done.ptr != first + 2) return std::nullopt;
    bytes[i] = static_cast<std::byte>(value);
  }
  return bytes;
}

Uuid uuid_of(const std::string& words) {
  Uuid bytes{};
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325U + half;  // FNV-1a
    for (const char c : words) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
    for (std::size_t i = 0; i < 8; ++i)
      bytes[half * 8 + i] = static_cast<std::byte>(hash >> (8 * i));
  }
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x80};  // version 8
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  return bytes;
}

std::string uuid_text(const Uuid& uuid) {
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(uuid[i]));
  }
  return text;
}

}  // namespace holdfast::devices::nvme
