// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/property.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "holdfast/object/text.hpp"

namespace holdfast::object {
namespace {

std::optional<std::uint64_t> to_unsigned(const PropertyValue& value) {
  if (const auto* n = std::get_if<std::uint64_t>(&value)) return *n;
  if (const auto* n = std::get_if<std::int64_t>(&value); n != nullptr && *n >= 0)
    return static_cast<std::uint64_t>(*n);
  if (const auto* text = std::get_if<std::string>(&value)) return parse_unsigned(*text);
  return std::nullopt;
}

std::optional<std::uint64_t> to_size(const PropertyValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return parse_size(*text);
  return to_unsigned(value);
}

std::optional<std::int64_t> to_signed(const PropertyValue& value) {
  if (const auto* n = std::get_if<std::int64_t>(&value)) return *n;
  if (const auto* n = std::get_if<std::uint64_t>(&value); n != nullptr && std::in_range<std::int64_t>(*n))
    return static_cast<std::int64_t>(*n);
  if (const auto* text = std::get_if<std::string>(&value)) return parse_signed(*text);
  return std::nullopt;
}

std::optional<bool> to_bool(const PropertyValue& value) {
  if (const auto* b = std::get_if<bool>(&value)) return *b;
  if (const auto* text = std::get_if<std::string>(&value)) return parse_bool(*text);
  return std::nullopt;
}

std::optional<double> to_double(const PropertyValue& value) {
  if (const auto* d = std::get_if<double>(&value)) return *d;
  if (const auto* n = std::get_if<std::int64_t>(&value)) return static_cast<double>(*n);
  if (const auto* n = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*n);
  if (const auto* text = std::get_if<std::string>(&value)) return parse_double(*text);
  return std::nullopt;
}

std::optional<PropertyValue> wrapped(const auto& value) {
  if (!value) return std::nullopt;
  return PropertyValue{*value};
}

std::optional<PropertyValue> wrapped_within(std::optional<std::uint64_t> value,
                                            const Property& bounds) {
  if (!value || *value < bounds.least || *value > bounds.max) return std::nullopt;
  return PropertyValue{*value};
}

std::optional<PropertyValue> convert_signed(const PropertyValue& value, const Property& bounds) {
  const auto n = to_signed(value);
  if (!n || *n < bounds.min || std::cmp_greater(*n, static_cast<std::int64_t>(bounds.max)))
    return std::nullopt;
  return PropertyValue{*n};
}

std::optional<PropertyValue> convert_choice(const PropertyValue& value, const Property& property) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return std::nullopt;
  const auto found = std::ranges::find(property.choices, *text);
  if (found == property.choices.end()) return std::nullopt;
  return PropertyValue{static_cast<std::uint64_t>(found - property.choices.begin())};
}

}  // namespace

std::string to_text(const PropertyValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* b = std::get_if<bool>(&value)) return *b ? "on" : "off";
  if (const auto* n = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *n);
  if (const auto* n = std::get_if<std::uint64_t>(&value)) return fmt::format("{}", *n);
  return fmt::format("{}", std::get<double>(value));
}

std::string Property::type_text() const {
  return kind == Kind::kLink ? fmt::format("link<{}>", type) : std::string{type};
}

std::string Property::accepts() const {
  switch (kind) {
    case Kind::kBool:
      return "on or off";
    case Kind::kSigned:
      return fmt::format("a whole number from {} to {}", min, static_cast<std::int64_t>(max));
    case Kind::kUnsigned:
      return fmt::format("a whole number from {} to {}", least, max);
    case Kind::kSize:
      return fmt::format("a size from {} to {} bytes, such as 64K, 128M or 2G", least, max);
    case Kind::kDouble:
      return "a number";
    case Kind::kString:
      return "text";
    case Kind::kChoice:
      return fmt::format("one of {}", fmt::join(choices, ", "));
    case Kind::kLink:
      return fmt::format("the path of a {}, or nothing", type);
    case Kind::kOther:
      break;
  }
  return std::string{type};
}

std::optional<PropertyValue> Property::convert(const PropertyValue& value) const {
  switch (kind) {
    case Kind::kBool:
      return wrapped(to_bool(value));
    case Kind::kSigned:
      return convert_signed(value, *this);
    case Kind::kUnsigned:
      return wrapped_within(to_unsigned(value), *this);
    case Kind::kSize:
      return wrapped_within(to_size(value), *this);
    case Kind::kDouble:
      return wrapped(to_double(value));
    case Kind::kChoice:
      return convert_choice(value, *this);
    case Kind::kString:
    case Kind::kLink:
      if (!std::holds_alternative<std::string>(value)) return std::nullopt;
      return value;
    case Kind::kOther:
      break;
  }
  return value;
}

}  // namespace holdfast::object
