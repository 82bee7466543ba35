// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/python_schema.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace holdfast::control {
namespace {

using Kind = SchemaEntry::Kind;

constexpr std::string_view kHead = R"(# SPDX-License-Identifier: Apache-2.0
"""What monitors say and hear, as types, and every command as a method.

Made from holdfast/control/schema/qmp.txt by the test qmp_test; do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast

)";

constexpr std::string_view kCommands = R"(

def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


class Commands:
    """Every command of the schema. Words of a name that a dash divides are divided by an underscore."""

    def execute(self, command: str, arguments: Mapping[str, Any] | None = None, **keywords: Any) -> Any:
        raise NotImplementedError
)";

std::string type_of(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kBuiltIn{
      {{"str", "str"}, {"int", "int"}, {"number", "float"}, {"bool", "bool"}, {"any", "Any"}}};
  if (type.starts_with('[')) return fmt::format("list[{}]", type_of(type.substr(1, type.size() - 2)));
  for (const auto& [ours, theirs] : kBuiltIn)
    if (type == ours) return std::string{theirs};
  return std::string{type};
}

std::string with(std::string_view text, char from, std::string_view to) {
  std::string changed;
  for (const char c : text)
    if (c == from) changed += to;
    else changed += c;
  return changed;
}

/// A name that Python takes.
std::string name_of(std::string_view name) {
  constexpr std::array<std::string_view, 6> kReserved{"from", "in", "is", "class", "global", "import"};
  std::string text = with(name, '-', "_");
  if (std::ranges::find(kReserved, text) != kReserved.end()) text += '_';
  return text;
}

std::string object_type(const SchemaEntry& entry, std::string_view name) {
  std::string text = fmt::format("{} = TypedDict(\"{}\", {{\n", name, name);
  for (const auto& [member, type, optional] : entry.members)
    text += optional ? fmt::format("    \"{}\": NotRequired[\"{}\"],\n", member, type_of(type))
                     : fmt::format("    \"{}\": \"{}\",\n", member, type_of(type));
  return text + "})\n";
}

/// Where the first member says which others there are, all of those, as options.
std::vector<SchemaMember> arguments_of(const Schema& schema, const SchemaEntry& entry) {
  std::vector<SchemaMember> all = entry.members;
  for (const SchemaVariant& variant : entry.variants)
    for (const SchemaMember& member : schema.find(variant.object)->members)
      all.push_back({member.name, member.type, true});
  return all;
}

std::string method(const Schema& schema, const SchemaEntry& entry) {
  const auto members = arguments_of(schema, entry);
  std::string parameters;
  std::string given;
  for (const bool optional : {false, true})
    for (const SchemaMember& member : members) {
      if (member.optional != optional) continue;
      const std::string name = name_of(member.name);
      parameters += fmt::format("        {}: {}{},\n", name, type_of(member.type),
                                optional ? " | None = None" : "");
      given += fmt::format("            \"{}\": {},\n", member.name, name);
    }
  if (entry.open) parameters += "        **more: Any,\n";
  const std::string returns = entry.returns.empty() ? "None" : type_of(entry.returns);
  std::string text =
      parameters.empty()
          ? fmt::format("\n    def {}(self) -> {}:\n", name_of(entry.name), returns)
          : fmt::format("\n    def {}(\n        self,\n        *,\n{}    ) -> {}:\n", name_of(entry.name),
                        parameters, returns);
  if (entry.open && entry.members.empty())
    text = fmt::format("\n    def {}(self, **more: Any) -> {}:\n", name_of(entry.name), returns);
  text += fmt::format("        \"\"\"{}\"\"\"\n", entry.docs);
  std::string call = fmt::format("self.execute(\"{}\"", entry.name);
  if (!given.empty() || entry.open)
    call += fmt::format(", _given({{\n{}{}        }})", given, entry.open ? "            **more,\n" : "");
  call += ")";
  if (entry.returns.empty()) return text + fmt::format("        {}\n", call);
  if (returns == "Any") return text + fmt::format("        return {}\n", call);
  return text + fmt::format("        return cast({}, {})\n", returns, call);
}

}  // namespace

std::string python_schema(const Schema& schema) {
  std::string text{kHead};
  for (const SchemaEntry& entry : schema.entries())
    if (entry.kind == Kind::kEnum)
      text += fmt::format("{} = Literal[\"{}\"]\n", entry.name, fmt::join(entry.values, "\", \""));
  for (const SchemaEntry& entry : schema.entries())
    if (entry.kind == Kind::kObject) text += object_type(entry, entry.name);
  text += "\n# What comes with events.\n";
  for (const SchemaEntry& entry : schema.entries())
    if (entry.kind == Kind::kEvent && !entry.members.empty())
      text += object_type(entry, entry.name + "_data");
  text += kCommands;
  for (const SchemaEntry& entry : schema.entries())
    if (entry.kind == Kind::kCommand) text += method(schema, entry);
  return text;
}

}  // namespace holdfast::control
