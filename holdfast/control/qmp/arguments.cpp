// SPDX-License-Identifier: Apache-2.0
// Arguments against the schema, and the schema for programs.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::qmp {
namespace {

/// "" if the value is of the type; else what it takes.
std::string mismatch(const Schema& schema, std::string_view type, const Json& value) {
  if (type == "any") return "";
  if (type == "str") return value.is_string() ? "" : "text";
  if (type == "int") return value.is_number_integer() ? "" : "a whole number";
  if (type == "number") return value.is_number() ? "" : "a number";
  if (type == "bool") return value.is_boolean() ? "" : "true or false";
  if (type.starts_with('[')) {
    if (!value.is_array()) return "a list";
    for (const Json& one : value)
      if (auto wrong = mismatch(schema, type.substr(1, type.size() - 2), one); !wrong.empty())
        return "in its list " + wrong;
    return "";
  }
  const SchemaEntry* entry = schema.find(type);
  if (entry->kind == SchemaEntry::Kind::kEnum) {
    const bool known = value.is_string() && std::ranges::find(entry->values, value.get<std::string>()) !=
                                                entry->values.end();
    return known ? "" : fmt::format("{}", fmt::join(entry->values, ", "));
  }
  if (!value.is_object()) return "an object";
  for (const SchemaMember& member : entry->members)
    if (const auto inner = value.find(member.name); inner != value.end())
      if (auto wrong = mismatch(schema, member.type, *inner); !wrong.empty())
        return fmt::format("in its '{}' {}", member.name, wrong);
  return "";
}

struct BuiltIn {
  const char* name;
  const char* json_type;
};
constexpr std::array<BuiltIn, 5> kBuiltIn{
    {{"str", "string"}, {"int", "int"}, {"number", "number"}, {"bool", "boolean"}, {"any", "value"}}};
constexpr const char* kNothing = "q_empty";

Json members_of(const SchemaEntry& entry) {
  Json members = Json::array();
  for (const auto& [name, type, optional] : entry.members) {
    Json member{{"name", name}, {"type", type}};
    if (optional) member["default"] = nullptr;
    members.push_back(std::move(member));
  }
  return members;
}

/// An object's, or those of a command's arguments.
Json object_info(std::string_view name, const SchemaEntry& entry) {
  Json info{{"name", name}, {"meta-type", "object"}, {"members", members_of(entry)}};
  if (entry.variants.empty()) return info;
  info["tag"] = entry.members.front().name;
  info["variants"] = Json::array();
  for (const auto& [value, object] : entry.variants)
    info["variants"].push_back({{"case", value}, {"type", object}});
  return info;
}

/// What is wrong with the value of a member, if anything.
std::expected<void, QmpError> check_value(const Schema& schema, const SchemaEntry& command,
                                          const SchemaMember& member, const Json& value) {
  const auto wanted = mismatch(schema, member.type, value);
  if (wanted.empty()) return {};
  return generic_error(fmt::format("{}: argument '{}' takes {}", command.name, member.name, wanted));
}

Json enum_info(const SchemaEntry& entry) {
  Json members = Json::array();
  for (const std::string& value : entry.values) members.push_back({{"name", value}});
  return {{"name", entry.name}, {"meta-type", "enum"}, {"members", members}, {"values", entry.values}};
}

}  // namespace

std::expected<void, QmpError> check_arguments(const Schema& schema, const SchemaEntry& command,
                                              const Json& arguments) {
  std::string which;  // which others there are
  if (!command.variants.empty()) {
    const SchemaMember& tag = command.members.front();
    const auto said = arguments.find(tag.name);
    if (said == arguments.end())
      return generic_error(fmt::format("{}: argument '{}' is missing", command.name, tag.name));
    if (auto checked = check_value(schema, command, tag, *said); !checked) return checked;
    which = said->get<std::string>();
  }
  const auto members = schema.members(command, which);
  for (const auto& [name, value] : arguments.items()) {
    const auto member = std::ranges::find(members, name, &SchemaMember::name);
    if (member == members.end()) {
      if (command.open) continue;
      return generic_error(fmt::format("{}: there is no argument '{}'", command.name, name));
    }
    if (auto checked = check_value(schema, command, *member, value); !checked) return checked;
  }
  for (const SchemaMember& member : members)
    if (!member.optional && !arguments.contains(member.name))
      return generic_error(fmt::format("{}: argument '{}' is missing", command.name, member.name));
  return {};
}

Json introspection(const Schema& schema) {
  using Kind = SchemaEntry::Kind;
  Json all = Json::array();
  for (const auto& [name, json_type] : kBuiltIn)
    all.push_back({{"name", name}, {"meta-type", "builtin"}, {"json-type", json_type}});
  all.push_back({{"name", kNothing}, {"meta-type", "object"}, {"members", Json::array()}});
  std::set<std::string> lists;
  const auto note = [&](const std::string& type) {
    if (type.starts_with('[')) lists.insert(type);
  };
  for (const SchemaEntry& entry : schema.entries()) {
    for (const SchemaMember& member : entry.members) note(member.type);
    note(entry.returns);
    if (entry.kind == Kind::kEnum) {
      all.push_back(enum_info(entry));
      continue;
    }
    if (entry.kind == Kind::kObject) {
      all.push_back(object_info(entry.name, entry));
      continue;
    }
    std::string arguments = kNothing;
    if (!entry.members.empty()) {
      arguments = "q_obj_" + entry.name + "-arg";
      all.push_back(object_info(arguments, entry));
    }
    Json info{{"name", entry.name}, {"arg-type", arguments}};
    info["meta-type"] = entry.kind == Kind::kEvent ? "event" : "command";
    if (entry.kind == Kind::kCommand) {
      info["ret-type"] = entry.returns.empty() ? kNothing : entry.returns;
      if (entry.oob) info["allow-oob"] = true;
    }
    all.push_back(std::move(info));
  }
  for (const std::string& list : lists)
    all.push_back({{"name", list},
                   {"meta-type", "array"},
                   {"element-type", list.substr(1, list.size() - 2)}});
  return all;
}

}  // namespace holdfast::control::qmp
