// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/config_file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>

#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// What stands in double quotes, and nothing else.
std::optional<std::string> quoted(std::string_view text) {
  if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (text.find('"') != text.npos) return std::nullopt;
  return std::string{text};
}

/// `[name]` or `[name "id"]`
Result<OptionGroup> section(std::string_view line) {
  const auto wrong = [line] { return fail("'{}' is no section; it takes [GROUP] or [GROUP \"ID\"]", line); };
  if (!line.ends_with(']')) return wrong();
  const auto inside = trimmed(line.substr(1, line.size() - 2));
  const auto space = inside.find_first_of(kBlank);
  OptionGroup group{.option = std::string{inside.substr(0, space)}, .text = {}, .items = {}};
  if (group.option.empty()) return wrong();
  if (space == inside.npos) return group;
  const auto id = quoted(trimmed(inside.substr(space)));
  if (!id) return wrong();
  group.items.push_back({"id", *id});
  return group;
}

/// `key = "value"`
Result<KeyValue> setting(std::string_view line) {
  const auto equals = line.find('=');
  const auto value =
      equals == line.npos ? std::nullopt : quoted(trimmed(line.substr(equals + 1)));
  const auto key = trimmed(line.substr(0, equals));
  if (!value || key.empty() || key.find_first_of(" \t\"") != key.npos)
    return fail("'{}' is no setting; it takes KEY = \"VALUE\"", line);
  return KeyValue{std::string{key}, *value};
}

Result<void> take_line(std::vector<OptionGroup>& groups, std::string_view line) {
  if (line.empty() || line.starts_with('#')) return {};
  if (line.starts_with('[')) {
    groups.push_back(TRY(section(line)));
    return {};
  }
  if (groups.empty()) return fail("'{}' stands before the first section", line);
  groups.back().items.push_back(TRY(setting(line)));
  return {};
}

/// The text that would have said the same on the command line, for messages.
std::string as_text(const OptionGroup& group) {
  std::string text;
  for (const KeyValue& item : group.items)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", item.key, item.value);
  return text;
}

Result<void> take_group(Draft& draft, const OptionGroup& group) {
  for (const OptionRow& row : option_table()) {
    const auto name = row.config.empty() ? row.name : row.config;
    if (row.read_group == nullptr || row.help.empty() || name != group.option) continue;
    OptionGroup named = group;
    named.option = row.name;
    return row.read_group(draft, named);
  }
  return fail("there is no group '{}'; there are those that -help shows with KEY=VALUE", group.option);
}

}  // namespace

Result<std::vector<OptionGroup>> parse_config(std::string_view text) {
  std::vector<OptionGroup> groups;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto taken = take_line(groups, trimmed(text.substr(0, end)));
    if (!taken) return fail("line {}: {}", number, taken.error().message);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  for (OptionGroup& group : groups) group.text = as_text(group);
  return groups;
}

Result<void> read_config_file(Draft& draft, std::string_view path) {
  if (path.empty()) return fail("the name is empty; it takes the path of a file");
  if (!draft.invocation.read_file) return fail("files cannot be read here");
  const std::string text = TRY(draft.invocation.read_file(std::string{path}));
  for (const OptionGroup& group : TRY(parse_config(text)))
    if (const auto taken = take_group(draft, group); !taken)
      return fail("[{}] {}: {}", group.option, group.text, taken.error().message);
  return {};
}

}  // namespace holdfast::app
