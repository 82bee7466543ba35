// SPDX-License-Identifier: Apache-2.0
// What a device was configured with, as a part of it: its values show as read-only properties of the
// device, from when it has been built, and do not change.
//
// No device declares it. Whoever builds a device from a configuration gives it one, and it is destroyed
// with the device.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "holdfast/hw/part.hpp"
#include "holdfast/object/object.hpp"

namespace holdfast::hw {

class Configuration final : public Part {
 public:
  static constexpr std::string_view kKind = "configuration";
  struct Value {
    const object::Property* info;  // static storage; of it name, type and description
    object::PropertyValue value;
  };
  enum class Came : std::uint8_t { kWithTheMachine, kLater };

  /// To a device that is built and not prepared yet. Control thread.
  static void give(Device& device, std::vector<Value> values, Came came);
  /// Null if it was given none. For as long as the device lives.
  static const Configuration* of(const Device& device);
  /// Whether it, or what it is a part of, joined a machine that was there already.
  static bool is_hot_plugged(const Device& device);

  const std::vector<Value>& values() const { return values_; }
  std::vector<object::PropertyInfo> properties() const;

 private:
  Configuration(Device& device, std::vector<Value> values, Came came);

  const std::vector<Value> values_;
  const Came came_;
};

}  // namespace holdfast::hw
