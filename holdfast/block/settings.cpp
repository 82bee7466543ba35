// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/settings.hpp"

#include <fmt/ranges.h>

namespace holdfast::block {

std::optional<std::string> Settings::text(std::string_view key) {
  asked_.emplace(key);
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second;
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

void Settings::put_below(std::string_view key, const Settings& inner) {
  for (const auto& [name, value] : inner.values_) set(fmt::format("{}.{}", key, name), value);
}

Result<void> Settings::finish(std::string_view driver) const {
  for (const auto& [name, value] : values_)
    if (!asked_.contains(name))
      return fail("driver '{}' does not take '{}'; it takes {}", driver, name, fmt::join(asked_, ", "));
  return {};
}

}  // namespace holdfast::block
