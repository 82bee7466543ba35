// SPDX-License-Identifier: Apache-2.0
// Guest-visible state of a device: it resets with the device, shows as a read-only property, and is
// what a snapshot will save. Used like the value it holds.
//
// LOCK: the device's gate, like any other member.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "holdfast/hw/part.hpp"

namespace holdfast::hw {

namespace detail {
template <class T>
object::PropertyValue show(const T& value) {
  if constexpr (std::same_as<T, bool> || std::same_as<T, double> || std::same_as<T, std::string>)
    return value;
  else if constexpr (std::is_enum_v<T>)
    return static_cast<std::uint64_t>(value);
  else if constexpr (std::signed_integral<T>)
    return static_cast<std::int64_t>(value);
  else
    return static_cast<std::uint64_t>(value);
}
template <class Range>
object::PropertyValue show_each(const Range& values) {
  std::string text;
  for (const auto& value : values) {
    if (!text.empty()) text += ' ';
    text += object::to_text(show(value));
  }
  return text;
}
template <class T, std::size_t N>
object::PropertyValue show(const std::array<T, N>& values) {
  return show_each(values);
}
template <class T>
object::PropertyValue show(const std::vector<T>& values) {
  return show_each(values);
}
}  // namespace detail

/// T: an integer, bool, double, enumeration, string, or a std::array or std::vector of them.
template <class T>
class State final : public Part {
 public:
  State(Device& device, std::string name, T at_reset = T{})
      : Part{device, "state", std::move(name)}, at_reset_{at_reset}, now_{std::move(at_reset)} {}

  operator const T&() const { return now_; }  // NOLINT(google-explicit-constructor)
  const T& get() const { return now_; }
  T& get() { return now_; }
  State& operator=(T value) {
    now_ = std::move(value);
    return *this;
  }
  const T& reset_value() const { return at_reset_; }

  State& operator|=(const T& bits) { return *this = static_cast<T>(now_ | bits); }
  State& operator&=(const T& bits) { return *this = static_cast<T>(now_ & bits); }
  State& operator^=(const T& bits) { return *this = static_cast<T>(now_ ^ bits); }
  State& operator+=(const T& by) { return *this = static_cast<T>(now_ + by); }
  State& operator-=(const T& by) { return *this = static_cast<T>(now_ - by); }

  auto& operator[](std::size_t i)
    requires requires(T t) { t[i]; }
  {
    return now_[i];
  }
  const auto& operator[](std::size_t i) const
    requires requires(const T t) { t[i]; }
  {
    return now_[i];
  }

 private:
  void reset(ResetPhase phase) override {
    if (phase == ResetPhase::kEnter) now_ = at_reset_;
  }
  std::optional<object::PropertyValue> value() const override { return detail::show(now_); }

  T at_reset_;
  T now_;
};

}  // namespace holdfast::hw
