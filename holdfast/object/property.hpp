// SPDX-License-Identifier: Apache-2.0
// Typed properties: what of an object can be read and set by name.
//
// A property is a line in a static table, made from a member at compile time:
//
//   constinit const object::Property Plic::kProperties[] = {
//       object::property<&Plic::sources_>("num-sources", "interrupt sources",
//                                         {.fallback = 96U, .min = 1, .max = 1023}),
//       object::size<&Plic::window_>("window", "bytes of register space"),
//       object::choice<&Plic::mode_>("mode", "PlicMode", kModeNames, "how contexts are numbered"),
//   };
//
// (kProperties is a static member, declared as `static const object::Property kProperties[];`, so
// that the members it names can be private; defined in the .cpp file, where the class is complete.)
// The table is shared by all objects of the type. A value is checked and converted before
// a setter sees it, so a setter only meets values of its own type and range.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "holdfast/base/result.hpp"

namespace holdfast::object {

class Object;

using PropertyValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;

/// As a person would write it.
std::string to_text(const PropertyValue& value);

/// When a property may be set. Reading is always allowed.
enum class Settable {
  kNever,
  kBeforeRealize,
  kAlways,
};

/// One property of a type. Plain constant data; the strings are literals.
struct Property {
  enum class Kind { kBool, kSigned, kUnsigned, kSize, kDouble, kString, kChoice, kLink, kOther };
  /// What a fresh object has; monostate: nothing to be said in general.
  using Fallback =
      std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string_view>;
  using Getter = PropertyValue (*)(const Object&);
  using Setter = Result<void> (*)(Object&, PropertyValue);

  std::string_view name;
  std::string_view type;  // "uint32"; for a link the type of its target
  std::string_view description;
  Kind kind = Kind::kOther;
  Settable settable = Settable::kNever;
  Fallback fallback{};
  std::int64_t min = 0;  // kSigned
  std::uint64_t max = 0;  // kUnsigned, kSize; kSigned: as a non-negative number
  std::uint64_t least = 0;  // kUnsigned, kSize
  std::span<const std::string_view> choices{};  // kChoice
  Getter get = nullptr;
  Setter set = nullptr;

  /// As QMP shows it: "uint32", "size", "link<riscv.sifive.plic>".
  std::string type_text() const;
  /// What a person may write: "a whole number from 1 to 1023".
  std::string accepts() const;
  /// The value in the property's own alternative and range; text is parsed. Nothing if it is not
  /// acceptable.
  std::optional<PropertyValue> convert(const PropertyValue& value) const;
};

namespace detail {

template <class T>
struct MemberOf;
template <class C, class T>
struct MemberOf<T C::*> {
  using Class = C;
  using Type = T;
};

template <class T>
struct GetterOf;
template <class C, class T>
struct GetterOf<T (C::*)() const> {
  using Class = C;
  using Type = std::remove_cvref_t<T>;
};
template <class C, class T>
struct GetterOf<T (C::*)() const noexcept> : GetterOf<T (C::*)() const> {};

template <class T>
constexpr std::string_view type_name() {
  if constexpr (std::same_as<T, bool>) return "bool";
  if constexpr (std::same_as<T, std::uint8_t>) return "uint8";
  if constexpr (std::same_as<T, std::uint16_t>) return "uint16";
  if constexpr (std::same_as<T, std::uint32_t>) return "uint32";
  if constexpr (std::same_as<T, std::uint64_t>) return "uint64";
  if constexpr (std::same_as<T, std::int8_t>) return "int8";
  if constexpr (std::same_as<T, std::int16_t>) return "int16";
  if constexpr (std::same_as<T, std::int32_t>) return "int32";
  if constexpr (std::same_as<T, std::int64_t>) return "int64";
  if constexpr (std::same_as<T, double>) return "number";
  if constexpr (std::same_as<T, std::string>) return "str";
}

template <class T>
concept Plain = std::same_as<T, bool> || std::integral<T> || std::same_as<T, double> ||
                std::same_as<T, std::string>;

template <Plain T>
constexpr Property::Kind kind_of() {
  if constexpr (std::same_as<T, bool>) return Property::Kind::kBool;
  if constexpr (std::same_as<T, double>) return Property::Kind::kDouble;
  if constexpr (std::same_as<T, std::string>) return Property::Kind::kString;
  if constexpr (std::signed_integral<T>) return Property::Kind::kSigned;
  return Property::Kind::kUnsigned;
}

template <Plain T>
PropertyValue wrap(const T& value) {
  if constexpr (std::same_as<T, bool> || std::same_as<T, double> || std::same_as<T, std::string>)
    return value;
  else if constexpr (std::signed_integral<T>)
    return std::int64_t{value};
  else
    return std::uint64_t{value};
}

/// The value is of the alternative that `wrap` makes, and in range: `Property::convert` saw to it.
template <Plain T>
T unwrap(PropertyValue&& value) {
  if constexpr (std::same_as<T, bool> || std::same_as<T, double> || std::same_as<T, std::string>)
    return std::get<T>(std::move(value));
  else if constexpr (std::signed_integral<T>)
    return static_cast<T>(std::get<std::int64_t>(value));
  else
    return static_cast<T>(std::get<std::uint64_t>(value));
}

/// The bounds of an integer type. Other types have none, and nothing but {} to say about them.
struct Unbounded {};
template <class T>
struct Bounds {
  Unbounded min;
  Unbounded max;
};
template <std::integral T>
struct Bounds<T> {
  T min = std::numeric_limits<T>::min();
  T max = std::numeric_limits<T>::max();
};

// Not constexpr: to reach one in a constant expression is a compile error that shows its name.
[[noreturn]] inline void a_property_name_is_lower_case_words_joined_by_dashes() { std::abort(); }
[[noreturn]] inline void a_fallback_lies_within_the_bounds_of_its_property() { std::abort(); }

constexpr std::string_view checked_name(std::string_view name) {
  bool good = !name.empty() && name.front() != '-' && name.back() != '-';
  for (const char c : name)
    good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                    c == '_');
  if (!good) a_property_name_is_lower_case_words_joined_by_dashes();
  return name;
}

template <class T>
using FallbackOf = std::conditional_t<std::same_as<T, std::string>, std::string_view, T>;

template <class T>
constexpr Property::Fallback wrap_fallback(const std::optional<FallbackOf<T>>& fallback) {
  if (!fallback) return {};
  if constexpr (std::signed_integral<T> && !std::same_as<T, bool>)
    return std::int64_t{*fallback};
  else if constexpr (std::unsigned_integral<T> && !std::same_as<T, bool>)
    return std::uint64_t{*fallback};
  else
    return *fallback;
}

}  // namespace detail

/// What may be said of a property beside its name.
template <class T>
struct PropertyOptions {
  std::optional<detail::FallbackOf<T>> fallback{};  // what a fresh object has, for the listing
  decltype(detail::Bounds<T>::min) min = detail::Bounds<T>{}.min;
  decltype(detail::Bounds<T>::max) max = detail::Bounds<T>{}.max;
  Settable settable = Settable::kBeforeRealize;
};

namespace detail {

template <Plain T>
constexpr Property describe(std::string_view name, std::string_view description,
                            const PropertyOptions<T>& options) {
  Property p{.name = checked_name(name),
             .type = type_name<T>(),
             .description = description,
             .kind = kind_of<T>(),
             .settable = options.settable,
             .fallback = wrap_fallback<T>(options.fallback)};
  if constexpr (std::integral<T> && !std::same_as<T, bool>) {
    if (options.fallback && (*options.fallback < options.min || *options.fallback > options.max))
      a_fallback_lies_within_the_bounds_of_its_property();
    if constexpr (std::signed_integral<T>)
      p.min = options.min;
    else
      p.least = options.min;
    p.max = static_cast<std::uint64_t>(options.max);
  }
  return p;
}

template <class C>
const C& self(const Object& object) {
  return static_cast<const C&>(object);
}
template <class C>
C& self(Object& object) {
  return static_cast<C&>(object);
}

template <auto Member>
using ClassOf = typename MemberOf<decltype(Member)>::Class;
template <auto Member>
using TypeOf = typename MemberOf<decltype(Member)>::Type;

template <auto Member>
PropertyValue get_member(const Object& object) {
  return wrap(self<ClassOf<Member>>(object).*Member);
}
template <auto Member>
Result<void> set_member(Object& object, PropertyValue value) {
  self<ClassOf<Member>>(object).*Member = unwrap<TypeOf<Member>>(std::move(value));
  return {};
}

}  // namespace detail

/// A property that is a data member: bool, any integer, double or std::string.
template <auto Member>
  requires std::is_member_object_pointer_v<decltype(Member)>
constexpr Property property(std::string_view name, std::string_view description,
                            PropertyOptions<detail::TypeOf<Member>> options = {}) {
  Property p = detail::describe<detail::TypeOf<Member>>(name, description, options);
  p.get = &detail::get_member<Member>;
  p.set = &detail::set_member<Member>;
  return p;
}

/// A std::uint64_t member in bytes, written with a suffix.
template <auto Member>
  requires std::same_as<detail::TypeOf<Member>, std::uint64_t>
constexpr Property size(std::string_view name, std::string_view description,
                        PropertyOptions<std::uint64_t> options = {}) {
  Property p = property<Member>(name, description, options);
  p.type = "size";
  p.kind = Property::Kind::kSize;
  return p;
}

/// A member of an enumeration whose values count from 0 in the order of `names`, which must live
/// as long as the program.
template <auto Member>
  requires std::is_enum_v<detail::TypeOf<Member>>
constexpr Property choice(std::string_view name, std::string_view type,
                          std::span<const std::string_view> names, std::string_view description,
                          Settable settable = Settable::kBeforeRealize) {
  using E = detail::TypeOf<Member>;
  using C = detail::ClassOf<Member>;
  // The names are found through the property by `Object`, which hands the setter an index.
  return {.name = detail::checked_name(name),
          .type = type,
          .description = description,
          .kind = Property::Kind::kChoice,
          .settable = settable,
          .choices = names,
          .get = [](const Object& object) -> PropertyValue {
            return static_cast<std::uint64_t>(detail::self<C>(object).*Member);
          },
          .set = [](Object& object, PropertyValue value) -> Result<void> {
            detail::self<C>(object).*Member = static_cast<E>(std::get<std::uint64_t>(value));
            return {};
          }};
}

/// A value that is worked out when it is asked for. Read-only.
template <auto Get>
  requires std::is_member_function_pointer_v<decltype(Get)>
constexpr Property computed(std::string_view name, std::string_view description) {
  using G = detail::GetterOf<decltype(Get)>;
  Property p = detail::describe<typename G::Type>(name, description,
                                                  {.settable = Settable::kNever});
  p.get = [](const Object& object) -> PropertyValue {
    return detail::wrap<typename G::Type>((detail::self<typename G::Class>(object).*Get)());
  };
  return p;
}

/// The same with a setter, `Result<void> set(T)`, which may refuse what the bounds let pass.
template <auto Get, auto Set>
  requires std::is_member_function_pointer_v<decltype(Get)>
constexpr Property computed(
    std::string_view name, std::string_view description,
    PropertyOptions<typename detail::GetterOf<decltype(Get)>::Type> options = {}) {
  using G = detail::GetterOf<decltype(Get)>;
  using T = typename G::Type;
  Property p = detail::describe<T>(name, description, options);
  p.get = computed<Get>(name, description).get;
  p.set = [](Object& object, PropertyValue value) -> Result<void> {
    return (detail::self<typename G::Class>(object).*Set)(detail::unwrap<T>(std::move(value)));
  };
  return p;
}

/// A `Handle<T>` member, set by the path of its target. `target` is the name of T's type, or of an
/// interface.
template <auto Member>
constexpr Property link(std::string_view name, std::string_view target,
                        std::string_view description,
                        Settable settable = Settable::kBeforeRealize);

}  // namespace holdfast::object
