// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/hmp/words.hpp"

#include <algorithm>

#include "holdfast/base/comma_list.hpp"

namespace holdfast::control::hmp {

Result<Items> read_items(std::string_view text, std::string_view implied) {
  Items items;
  while (!text.empty()) {
    const std::string item = take_item(text);
    const auto equals = item.find('=');
    std::string key = item.substr(0, equals);
    std::string value = equals == item.npos ? "on" : item.substr(equals + 1);
    if (equals == item.npos && items.empty() && !implied.empty()) {
      value = std::move(key);
      key = implied;
    }
    if (key.empty()) return fail("'{}' has no key; it takes KEY=VALUE", item);
    if (std::ranges::find(items, key, &Items::value_type::first) != items.end())
      return fail("'{}' is there twice", key);
    items.emplace_back(std::move(key), std::move(value));
  }
  return items;
}

std::string value_of(const Items& items, std::string_view key) {
  const auto found = std::ranges::find(items, key, &Items::value_type::first);
  return found == items.end() ? std::string{} : found->second;
}

}  // namespace holdfast::control::hmp
