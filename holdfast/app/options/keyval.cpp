// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/keyval.hpp"

#include <algorithm>

#include "holdfast/base/comma_list.hpp"

namespace holdfast::app {
namespace {

bool well_formed(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-_.[]"}.find(c) != std::string_view::npos;
  });
}

Result<KeyValue> word_of(std::string item, std::string_view implied, Words words) {
  if (item.empty()) return fail("nothing stands before a comma; write key=value,key=value");
  if (!implied.empty()) return KeyValue{std::string{implied}, std::move(item)};
  if (words == Words::kRefused || !well_formed(item))
    return fail("'{}' has no value; write key=value (a comma inside a value is written twice)", item);
  if (item.size() > 2 && item.starts_with("no")) return KeyValue{item.substr(2), "off"};
  return KeyValue{std::move(item), "on"};
}

}  // namespace

Result<std::vector<KeyValue>> parse_keyval(std::string_view text, std::string_view implied,
                                           Words words) {
  std::vector<KeyValue> items;
  while (!text.empty()) {
    std::string item = take_item(text);
    const auto equals = item.find('=');
    if (equals == item.npos) {
      items.push_back(TRY(word_of(std::move(item), items.empty() ? implied : "", words)));
      continue;
    }
    std::string key = item.substr(0, equals);
    if (!well_formed(key))
      return fail("'{}' is no key; a key is made of letters, digits and any of -_.[]", key);
    items.push_back({std::move(key), item.substr(equals + 1)});
  }
  return items;
}

}  // namespace holdfast::app
