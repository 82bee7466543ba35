// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/object.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "holdfast/object/text.hpp"

namespace holdfast::object {
namespace {

/// The getter of a choice gives an index; people and protocols see its name.
PropertyValue shown(const Property& property, PropertyValue value) {
  if (property.kind != Property::Kind::kChoice) return value;
  const auto index = std::get<std::uint64_t>(value);
  if (index >= property.choices.size()) return fmt::format("{}", index);
  return std::string{property.choices[index]};
}

PropertyValue fallback_of(const Property& property) {
  return std::visit(
      [](const auto& value) -> PropertyValue {
        using T = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::same_as<T, std::monostate>)
          return std::string{};
        else if constexpr (std::same_as<T, std::string_view>)
          return std::string{value};
        else
          return value;
      },
      property.fallback);
}

Result<void> check_link(const Property& property, Object& from, const PropertyValue& value) {
  const auto& path = std::get<std::string>(value);
  if (path.empty()) return {};
  const auto handle = TRY(detail::resolve_link(from, path));
  const Object* target = handle.get();
  if (target == nullptr || !target->is_a(property.type)) return detail::not_a_target(path);
  return {};
}

}  // namespace

Object::Object(const Type& type, Tree& tree) : type_{type}, node_{tree, type.name, this} {}

Object::~Object() {
  // Before the node goes, so that no lookup makes a live handle to what is being destroyed.
  expire_handles();
}

Result<const Property*> Object::require_property(std::string_view name) const {
  if (const Property* property = type_.find_property(name)) return property;
  std::vector<std::string_view> names;
  for (const Property* property : type_.all_properties()) names.push_back(property->name);
  const auto near = nearest(name, names);
  return fail("{}: type '{}' has no property '{}'{}", path(), type_.name, name,
              near.empty() ? std::string{} : fmt::format("; did you mean '{}'?", near));
}

Result<void> Object::set_property(std::string_view name, const PropertyValue& value) {
  if (type_.find_property(name) == nullptr)
    TRY(access([]() -> Result<void> { return {}; }));  // what is going has nothing of its own to set
  // What an object has of its own is for looking at.
  const bool is_own =
      type_.find_property(name) == nullptr &&
      std::ranges::any_of(own_properties(), [&](const PropertyInfo& own) { return own.name == name; });
  const Property* declared = is_own ? nullptr : TRY(require_property(name));
  if (declared == nullptr || declared->settable == Settable::kNever || declared->set == nullptr)
    return fail("{}: property '{}' is read-only", path(), name);
  const Property& property = *declared;
  if (property.settable == Settable::kBeforeRealize && realized())
    return fail("{}: property '{}' can only be set before the object is realized", path(), name);
  auto converted = property.convert(value);
  if (!converted)
    return fail("{}: property '{}' does not take '{}'; it takes {}", path(), name, to_text(value),
                property.accepts());
  const auto set = access([&]() -> Result<void> {
    if (property.kind == Property::Kind::kLink) TRY(check_link(property, *this, *converted));
    return property.set(*this, std::move(*converted));
  });
  if (set) return {};
  // Of text the setter alone knows what it takes.
  if (property.kind == Property::Kind::kString)
    return fail("{}: property '{}' does not take '{}': {}", path(), name, to_text(value),
                set.error().message);
  return fail("{}: property '{}' does not take '{}': {}; it takes {}", path(), name, to_text(value),
              set.error().message, property.accepts());
}

Result<PropertyValue> Object::read(const Property& property) const {
  PropertyValue value;
  TRY(access([&]() -> Result<void> {
    value = shown(property, property.get(*this));
    return {};
  }));
  return value;
}

Result<PropertyValue> Object::get_property(std::string_view name) const {
  if (const Property* declared = type_.find_property(name)) return read(*declared);
  for (PropertyInfo& own : own_properties())
    if (own.name == name) return std::move(own.value);
  TRY(access([]() -> Result<void> { return {}; }));  // what is going has nothing of its own to show
  return std::unexpected{require_property(name).error()};
}

std::vector<PropertyInfo> Object::properties() const {
  std::vector<PropertyInfo> all;
  for (const Property* declared : type_.all_properties()) {
    auto value = read(*declared);
    if (!value) continue;  // the object is going; what is left of it is not for show
    all.push_back({std::string{declared->name}, declared->type_text(),
                   std::string{declared->description}, std::move(*value)});
  }
  for (PropertyInfo& own : own_properties()) all.push_back(std::move(own));
  return all;
}

Result<void> check_fallbacks(const Object& fresh) {
  for (const Property* property : fresh.type().all_properties()) {
    if (std::holds_alternative<std::monostate>(property->fallback)) continue;
    const auto value = TRY(fresh.get_property(property->name));
    if (value != fallback_of(*property))
      return fail("type '{}': property '{}' is said to be '{}' at first and is '{}'",
                  fresh.type().name, property->name, to_text(fallback_of(*property)),
                  to_text(value));
  }
  return {};
}

namespace detail {

Result<Handle<Object>> resolve_link(Object& from, const std::string& path) {
  auto entry = TRY(from.node().tree().resolve(path));
  if (entry.object.expired()) return not_a_target(entry.path);
  return std::move(entry.object);
}

std::unexpected<Error> not_a_target(const std::string& path) {
  return fail("'{}' is of another type", path);
}

}  // namespace detail
}  // namespace holdfast::object
