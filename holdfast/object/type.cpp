// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/type.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ranges>
#include <set>
#include <string>

#include "holdfast/object/text.hpp"

namespace holdfast::object {
namespace {

bool well_formed(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-_.,:+"}.find(c) != std::string_view::npos;
  });
}

Result<void> check_parents_end(const Type& type) {
  std::set<const Type*> seen;
  for (const Type* at = &type; at != nullptr; at = at->parent)
    if (!seen.insert(at).second)
      return fail("type '{}': its ancestry comes back to '{}'; a parent must not descend from its "
                  "child", type.name, at->name);
  return {};
}

Result<void> check_properties(const Type& type) {
  std::set<std::string_view> seen;
  for (const Property* property : type.all_properties())
    if (!seen.insert(property->name).second)
      return fail("type '{}': property '{}' is declared twice, by it or an ancestor", type.name,
                  property->name);
  return {};
}

}  // namespace

bool Type::is_a(const Type& other) const {
  for (const Type* at = this; at != nullptr; at = at->parent) {
    if (at == &other) return true;
    for (const Type* interface : at->interfaces)
      if (interface->is_a(other)) return true;
  }
  return false;
}

bool Type::is_a(std::string_view name_of_other) const {
  for (const Type* at = this; at != nullptr; at = at->parent) {
    if (at->name == name_of_other) return true;
    for (const Type* interface : at->interfaces)
      if (interface->is_a(name_of_other)) return true;
  }
  return false;
}

const Property* Type::find_property(std::string_view property) const {
  for (const Type* at = this; at != nullptr; at = at->parent)
    for (const Property& own : at->properties)
      if (own.name == property) return &own;
  return nullptr;
}

std::vector<const Property*> Type::all_properties() const {
  std::vector<const Property*> all;
  if (parent != nullptr) all = parent->all_properties();
  for (const Property& own : properties) all.push_back(&own);
  return all;
}

Result<void> TypeRegistry::check_ancestry(const Type& type) const {
  TRY(check_parents_end(type));
  if (type.parent != nullptr && !knows(*type.parent))
    return fail("type '{}': its parent '{}' is not registered; add it first", type.name,
                type.parent->name);
  const bool interface = type.kind == Type::Kind::kInterface;
  if (type.parent != nullptr && (type.parent->kind == Type::Kind::kInterface) != interface)
    return fail("type '{}': its parent '{}' is {} interface; interfaces descend from interfaces, "
                "and only they do", type.name, type.parent->name, interface ? "no" : "an");
  for (const Type* offered : type.interfaces) {
    if (!knows(*offered))
      return fail("type '{}': its interface '{}' is not registered; add it first", type.name,
                  offered->name);
    if (offered->kind != Type::Kind::kInterface)
      return fail("type '{}': '{}' is no interface", type.name, offered->name);
  }
  return {};
}

Result<void> TypeRegistry::check(const Type& type) const {
  if (!well_formed(type.name))
    return fail("'{}' is no name for a type: letters, digits and any of - _ . , : + are", type.name);
  if (find(type.name) != nullptr)
    return fail("type '{}' is registered already; names are unique", type.name);
  TRY(check_ancestry(type));
  return check_properties(type);
}

Result<void> TypeRegistry::add(const Type& type, std::any facet) {
  TRY(check(type));
  entries_.emplace(type.name, Entry{&type, std::move(facet)});
  return {};
}

const Type* TypeRegistry::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : found->second.type;
}

Result<const Type*> TypeRegistry::require(std::string_view name) const {
  if (const Type* type = find(name)) return type;
  std::vector<std::string_view> names;
  for (const auto known : std::views::keys(entries_)) names.push_back(known);
  const auto near = nearest(name, names);
  return fail("type '{}' is unknown{}", name,
              near.empty() ? std::string{} : fmt::format("; did you mean '{}'?", near));
}

bool TypeRegistry::is_a(std::string_view name, std::string_view ancestor) const {
  const Type* type = find(name);
  const Type* other = find(ancestor);
  return type != nullptr && other != nullptr && type->is_a(*other);
}

std::vector<const Type*> TypeRegistry::types() const {
  std::vector<const Type*> all;
  for (const Entry& entry : std::views::values(entries_)) all.push_back(entry.type);
  return all;
}

std::vector<const Type*> TypeRegistry::descendants(std::string_view ancestor,
                                                   Abstract abstract) const {
  std::vector<const Type*> chosen;
  for (const Entry& entry : std::views::values(entries_)) {
    if (abstract == Abstract::kExcluded && entry.type->kind != Type::Kind::kConcrete) continue;
    if (is_a(entry.type->name, ancestor)) chosen.push_back(entry.type);
  }
  return chosen;
}

}  // namespace holdfast::object
