// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/text_coding.hpp"

#include <array>
#include <cstdint>

namespace holdfast::control {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(std::string_view digits) {
  Values values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  return values;
}

constexpr Values with_capitals(Values values) {
  for (std::size_t i = 0; i < 6; ++i) values['A' + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}

constexpr Values kHexValues = with_capitals(values_of(kHexDigits));
constexpr Values kBase64Values = values_of(kBase64Digits);

unsigned value_of(const Values& values, char digit) {
  return values[static_cast<unsigned char>(digit)];
}

unsigned value_of(std::byte byte) { return std::to_integer<unsigned>(byte); }

}  // namespace

void append_hex(std::string& text, std::span<const std::byte> bytes) {
  text.reserve(text.size() + 2 * bytes.size());
  for (const std::byte byte : bytes) {
    text += kHexDigits[value_of(byte) >> 4U];
    text += kHexDigits[value_of(byte) & 15U];
  }
}

std::optional<std::vector<std::byte>> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const unsigned high = value_of(kHexValues, digits[i]);
    const unsigned low = value_of(kHexValues, digits[i + 1]);
    if (high == kNoDigit || low == kNoDigit) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(high << 4U | low));
  }
  return bytes;
}

void append_base64(std::string& text, std::span<const std::byte> bytes) {
  text.reserve(text.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8U | (k < count ? value_of(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= count ? kBase64Digits[group >> (18 - 6 * k) & 63U] : '=';
  }
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  unsigned group = 0;
  unsigned bits = 0;
  for (const char digit : text) {
    const unsigned value = value_of(kBase64Values, digit);
    if (value == kNoDigit) return std::nullopt;
    group = group << 6U | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::byte>(group >> bits & 0xffU));
  }
  return bytes;
}

}  // namespace holdfast::control
