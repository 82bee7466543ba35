// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/group.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "holdfast/app/options/json.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::app {

const std::string* OptionGroup::find(std::string_view key) const {
  for (auto item = items.rbegin(); item != items.rend(); ++item)
    if (item->key == key) return &item->value;
  return nullptr;
}

std::string OptionGroup::id() const {
  const std::string* id = find("id");
  return id == nullptr ? std::string{} : *id;
}

void OptionGroup::set(std::string_view key, std::string value) {
  std::erase_if(items, [&](const KeyValue& item) { return item.key == key; });
  items.push_back({std::string{key}, std::move(value)});
}

Error about(const OptionGroup& group, const Error& error) {
  return {fmt::format("-{} {}: {}", group.option, group.text, error.message)};
}

Result<OptionGroup> parse_group(std::string_view option, std::string_view text,
                                std::string_view implied) {
  OptionGroup group{.option = std::string{option}, .text = std::string{text}, .items = {}};
  group.items = text.starts_with('{') ? TRY(parse_json_object(text))
                                      : TRY(parse_keyval(text, implied, Words::kSwitches));
  return group;
}

std::optional<std::string> Fields::text(std::string_view key) {
  known_.emplace_back(key);
  const std::string* value = group_.find(key);
  if (value == nullptr) return std::nullopt;
  return *value;
}

Result<std::string> Fields::required_text(std::string_view key, std::string_view shape) {
  auto value = text(key);
  if (!value || value->empty()) return fail("{} is missing; it takes {}", key, shape);
  return std::move(*value);
}

Result<std::optional<bool>> Fields::flag(std::string_view key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto flag = object::parse_bool(*value);
  if (!flag) return fail("{} is '{}'; it takes on or off", key, *value);
  return flag;
}

Result<std::optional<std::uint64_t>> Fields::number(std::string_view key, std::uint64_t least,
                                                    std::uint64_t most) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto number = object::parse_unsigned(*value);
  if (!number || *number < least || *number > most)
    return fail("{} is '{}'; it takes a whole number from {} to {}", key, *value, least, most);
  return number;
}

Result<std::optional<std::uint64_t>> Fields::size(std::string_view key, std::uint64_t unit) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto bytes = object::parse_size(*value, unit);
  if (!bytes)
    return fail("{} is '{}'; it takes a size, such as 64K, 128M or 2G", key, *value);
  return bytes;
}

Result<std::optional<std::size_t>> Fields::choice(std::string_view key,
                                                  std::span<const std::string_view> names) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto found = std::ranges::find(names, *value);
  if (found == names.end())
    return fail("{} is '{}'; it takes {}", key, *value, fmt::join(names, ", "));
  return static_cast<std::size_t>(found - names.begin());
}

std::vector<KeyValue> Fields::with_prefix(std::string_view prefix) {
  known_.emplace_back(prefix);
  std::vector<KeyValue> items;
  for (const KeyValue& item : group_.items)
    if (item.key.starts_with(prefix)) items.push_back({item.key.substr(prefix.size()), item.value});
  return items;
}

bool Fields::is_known(std::string_view key) const {
  return std::ranges::any_of(known_, [key](std::string_view known) {
    return known == key || (known.ends_with('.') && key.starts_with(known));
  });
}

std::vector<KeyValue> Fields::rest() {
  std::vector<KeyValue> items;
  for (const KeyValue& item : group_.items)
    if (!is_known(item.key)) items.push_back(item);
  for (const KeyValue& item : items) known_.push_back(item.key);
  return items;
}

Result<void> Fields::finish() const {
  for (const KeyValue& item : group_.items)
    if (!is_known(item.key)) {
      if (known_.empty()) return fail("there is no '{}'; it takes nothing more", item.key);
      return fail("there is no '{}'; there are {}", item.key, fmt::join(known_, ", "));
    }
  return {};
}

}  // namespace holdfast::app
