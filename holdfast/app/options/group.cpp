// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/group.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "holdfast/app/options/json.hpp"

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
