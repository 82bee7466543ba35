// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/settings.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "holdfast/object/text.hpp"

namespace holdfast::block {

std::optional<std::string> Settings::text(std::string_view key) {
  asked_.emplace(key);
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Result<std::string> Settings::required(std::string_view key, std::string_view shape) {
  auto value = text(key);
  if (!value || value->empty()) return fail("{} is missing; it takes {}", key, shape);
  return std::move(*value);
}

Result<std::optional<bool>> Settings::flag(std::string_view key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto flag = object::parse_bool(*value);
  if (!flag) return fail("{} is '{}'; it takes on or off", key, *value);
  return flag;
}

Result<std::optional<std::uint64_t>> Settings::number(std::string_view key, std::uint64_t most) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto number = object::parse_unsigned(*value);
  if (!number || *number > most)
    return fail("{} is '{}'; it takes a whole number up to {}", key, *value, most);
  return number;
}

Result<std::optional<std::uint64_t>> Settings::size(std::string_view key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto bytes = object::parse_size(*value);
  if (!bytes) return fail("{} is '{}'; it takes a size, such as 64K, 128M or 2G", key, *value);
  return bytes;
}

Result<std::optional<std::size_t>> Settings::choice(std::string_view key,
                                                    std::span<const std::string_view> names) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto found = std::ranges::find(names, *value);
  if (found == names.end())
    return fail("{} is '{}'; it takes {}", key, *value, fmt::join(names, ", "));
  return static_cast<std::size_t>(found - names.begin());
}

Settings Settings::below(std::string_view key) {
  const std::string prefix = std::string{key} + ".";
  Settings inner;
  for (const auto& [name, value] : values_)
    if (name.starts_with(prefix)) {
      inner.set(name.substr(prefix.size()), value);
      asked_.insert(name);
    }
  return inner;
}

Result<void> Settings::finish(std::string_view driver) const {
  for (const auto& [name, value] : values_)
    if (!asked_.contains(name))
      return fail("driver '{}' does not take '{}'; it takes {}", driver, name, fmt::join(asked_, ", "));
  return {};
}

}  // namespace holdfast::block
