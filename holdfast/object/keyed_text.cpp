// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/keyed_text.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "holdfast/object/text.hpp"

namespace holdfast::object {

Result<std::string> KeyedText::required(std::string_view key, std::string_view shape) {
  auto value = text(key);
  if (!value || value->empty()) return fail("{} is missing; it takes {}", key, shape);
  return std::move(*value);
}

Result<std::optional<bool>> KeyedText::flag(std::string_view key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto flag = parse_bool(*value);
  if (!flag) return fail("{} is '{}'; it takes on or off", key, *value);
  return flag;
}

Result<std::optional<std::uint64_t>> KeyedText::number(std::string_view key, std::uint64_t least,
                                                       std::uint64_t most) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto number = parse_unsigned(*value);
  if (!number || *number < least || *number > most)
    return fail("{} is '{}'; it takes a whole number from {} to {}", key, *value, least, most);
  return number;
}

Result<std::optional<std::uint64_t>> KeyedText::size(std::string_view key, std::uint64_t unit) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto bytes = parse_size(*value, unit);
  if (!bytes) return fail("{} is '{}'; it takes a size, such as 64K, 128M or 2G", key, *value);
  return bytes;
}

Result<std::optional<std::size_t>> KeyedText::choice(std::string_view key,
                                                     std::span<const std::string_view> names) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto found = std::ranges::find(names, *value);
  if (found == names.end())
    return fail("{} is '{}'; it takes {}", key, *value, fmt::join(names, ", "));
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace holdfast::object
