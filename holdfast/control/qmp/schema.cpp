// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qmp/schema.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "holdfast/base/check.hpp"

namespace holdfast::control {

extern const std::string_view kSchemaText;
extern const std::string_view kKnownText;

namespace {

constexpr std::array<std::string_view, 5> kBuiltIn{"str", "int", "number", "bool", "any"};

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

Result<SchemaEntry> heading(std::string_view line) {
  using Kind = SchemaEntry::Kind;
  SchemaEntry entry;
  const auto kind = next_word(line);
  std::string_view name = next_word(line);
  if (kind == "enum") {
    entry.kind = Kind::kEnum;
    if (!name.ends_with(':')) return fail("an enum's name ends in a colon");
    name.remove_suffix(1);
    for (auto word = next_word(line); !word.empty(); word = next_word(line))
      entry.values.emplace_back(word);
  } else if (kind == "object" || kind == "event") {
    entry.kind = kind == "object" ? Kind::kObject : Kind::kEvent;
  } else if (kind == "command") {
    entry.kind = Kind::kCommand;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      if (word == "oob")
        entry.oob = true;
      else if (word == "preconfig")
        entry.preconfig = true;
      else if (word == "->")
        entry.returns = next_word(line);
      else
        return fail("'{}' is neither oob nor preconfig nor ->", word);
    }
  } else {
    return fail("'{}' is no kind of entry", kind);
  }
  if (name.empty()) return fail("a name is missing");
  entry.name = name;
  return entry;
}

Result<void> detail(SchemaEntry& entry, std::string_view line) {
  const auto word = next_word(line);
  if (word == "|") {
    entry.docs += entry.docs.empty() ? "" : " ";
    entry.docs += line.substr(std::min<std::size_t>(1, line.size()));
    return {};
  }
  if (word == "...") {
    entry.open = true;
    return {};
  }
  if (word == "case") {
    std::string_view value = next_word(line);
    if (!value.ends_with(':')) return fail("'{}': a case ends in a colon", value);
    value.remove_suffix(1);
    entry.variants.push_back({std::string{value}, std::string{next_word(line)}});
    return {};
  }
  if (!word.ends_with(':')) return fail("'{}': a member ends in a colon", word);
  std::string_view name = word.substr(0, word.size() - 1);
  const bool optional = name.ends_with('?');
  if (optional) name.remove_suffix(1);
  entry.members.push_back({std::string{name}, std::string{next_word(line)}, optional});
  return {};
}

std::string_view element_of(std::string_view type) {
  return type.starts_with('[') ? type.substr(1, type.size() - 2) : type;
}

std::string members_text(const SchemaEntry& entry) {
  std::string text;
  for (const auto& [name, type, optional] : entry.members)
    text += fmt::format("| `{}` | `{}` | {} |\n", name, type, optional ? "optional" : "");
  for (const auto& [value, object] : entry.variants)
    text += fmt::format("| … | those of `{}` | with `{}` `{}` |\n", object, entry.members.front().name, value);
  if (entry.open) text += "| … | | what the type takes |\n";
  return text.empty() ? text : "\n| member | type | |\n| --- | --- | --- |\n" + text;
}

}  // namespace

const SchemaMember* SchemaEntry::member(std::string_view member_name) const {
  const auto found = std::ranges::find(members, member_name, &SchemaMember::name);
  return found == members.end() ? nullptr : &*found;
}

Result<Schema> Schema::parse(std::string_view text) {
  Schema schema;
  for (int number = 1; !text.empty(); ++number) {
    const auto line = next_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    Result<void> done;
    if (!line.starts_with(' ')) {
      auto entry = heading(line);
      if (entry)
        schema.entries_.push_back(std::move(*entry));
      else
        done = std::unexpected{entry.error()};
    } else if (schema.entries_.empty()) {
      done = fail("a member of nothing");
    } else {
      done = detail(schema.entries_.back(), line);
    }
    if (!done) return fail("schema, line {}: {}", number, done.error().message);
  }
  TRY(schema.check());
  return schema;
}

Result<void> Schema::check() const {
  const auto known = [this](std::string_view type) {
    const auto element = element_of(type);
    if (std::ranges::find(kBuiltIn, element) != kBuiltIn.end()) return true;
    const SchemaEntry* entry = find(element);
    return entry != nullptr && (entry->kind == SchemaEntry::Kind::kEnum ||
                                entry->kind == SchemaEntry::Kind::kObject);
  };
  for (const SchemaEntry& entry : entries_) {
    if (find(entry.name) != &entry) return fail("schema: '{}' is there twice", entry.name);
    for (const SchemaMember& member : entry.members)
      if (!known(member.type))
        return fail("schema: {}: member '{}' is of no type", entry.name, member.name);
    TRY(check_variants(entry));
    if (!entry.returns.empty() && !known(entry.returns))
      return fail("schema: {}: returns no type", entry.name);
  }
  return {};
}

Result<void> Schema::check_variants(const SchemaEntry& entry) const {
  if (entry.variants.empty()) return {};
  const SchemaEntry* tag = entry.members.empty() ? nullptr : find(entry.members.front().type);
  if (tag == nullptr || tag->kind != SchemaEntry::Kind::kEnum || entry.members.front().optional)
    return fail("schema: {}: it has cases, and its first member is no enum", entry.name);
  std::vector<std::string> values;
  for (const auto& [value, object] : entry.variants) {
    values.push_back(value);
    const SchemaEntry* more = find(object);
    if (more == nullptr || more->kind != SchemaEntry::Kind::kObject || !more->variants.empty())
      return fail("schema: {}: case '{}' is of no object", entry.name, value);
    for (const SchemaMember& member : more->members)
      if (entry.member(member.name) != nullptr)
        return fail("schema: {}: case '{}' has another '{}'", entry.name, value, member.name);
  }
  if (values != tag->values) return fail("schema: {}: its cases are not those of {}", entry.name, tag->name);
  return {};
}

std::vector<SchemaMember> Schema::members(const SchemaEntry& entry, std::string_view value) const {
  std::vector<SchemaMember> all = entry.members;
  const auto found = std::ranges::find(entry.variants, value, &SchemaVariant::value);
  if (found == entry.variants.end()) return all;
  for (const SchemaMember& member : find(found->object)->members) all.push_back(member);
  return all;
}

const Schema& Schema::get() {
  static const Schema kSchema = [] {
    auto parsed = parse(kSchemaText);
    HF_CHECK(parsed.has_value(), "{}", parsed.error().message);
    return std::move(*parsed);
  }();
  return kSchema;
}

const SchemaEntry* Schema::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &SchemaEntry::name);
  return found == entries_.end() ? nullptr : &*found;
}

const SchemaEntry* Schema::command(std::string_view name) const {
  const SchemaEntry* entry = find(name);
  return entry != nullptr && entry->kind == SchemaEntry::Kind::kCommand ? entry : nullptr;
}

std::string Schema::reference() const {
  using Kind = SchemaEntry::Kind;
  std::string text =
      "# Monitor protocol: reference\n\n"
      "Made from `holdfast/control/schema/`; do not edit. How a conversation goes is in\n"
      "[architecture](architecture.md).\n\n## Commands\n";
  for (const SchemaEntry& entry : entries_)
    if (entry.kind == Kind::kCommand)
      text += fmt::format("\n### {}\n{}{}{}{}\n{}", entry.name, entry.docs,
                          entry.oob ? " May be executed out of band." : "",
                          entry.preconfig ? " Known before the machine is made, too." : "",
                          entry.returns.empty() ? "" : fmt::format(" Returns `{}`.", entry.returns),
                          members_text(entry));
  text += "\n## Events\n";
  for (const SchemaEntry& entry : entries_)
    if (entry.kind == Kind::kEvent)
      text += fmt::format("\n### {}\n{}\n{}", entry.name, entry.docs, members_text(entry));
  text += "\n## Types\n";
  for (const SchemaEntry& entry : entries_) {
    if (entry.kind == Kind::kEnum)
      text += fmt::format("\n### {}\nOne of `{}`.\n", entry.name, fmt::join(entry.values, "`, `"));
    if (entry.kind == Kind::kObject)
      text += fmt::format("\n### {}\n{}", entry.name, members_text(entry));
  }
  text += "\n## What clients of other emulators know\n\n| name | here |\n| --- | --- |\n";
  auto known = known_text();
  while (!known.empty()) {
    auto line = next_line(known);
    const auto name = next_word(line);
    if (!name.empty())
      text += fmt::format("| `{}` | {} |\n", name, line.empty() ? " present" : line);
  }
  return text;
}

std::string_view known_text() { return kKnownText; }

}  // namespace holdfast::control
