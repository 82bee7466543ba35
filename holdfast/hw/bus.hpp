// SPDX-License-Identifier: Apache-2.0
// Buses that devices sit on, as parts: who has a bus, and which bus a device is on. What a seat on it
// means (an address, registers, wires) is the affair of the bus's own class.
//
//   class RootBus final : public hw::Bus { … };              the controller's part
//   hw::BusLink bus_{*this, "bus", "PCI"};                   the device's part
//
// A plan links them like regions: plan.link({{disk.link("bus"), host.region("pcie.0")}}).
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "holdfast/hw/device.hpp"
#include "holdfast/object/handle.hpp"

namespace holdfast::hw {

class Slot;

class Bus : public Part, public object::Expires {
 public:
  struct Names {
    std::string name;         // what users call it: "pcie.0"
    std::string_view type;    // of it as an object: "PCIE"; a literal
    std::string_view family;  // which devices sit on it: "PCI"; a literal
  };
  const std::string& bus_name() const { return names_.name; }
  /// In the composition tree it is below its device, called as users call it.
  std::string node_path() const { return node_.path(); }
  std::string_view bus_type() const { return names_.type; }
  std::string_view family() const { return names_.family; }

  /// Whether there is room for one more where nobody says where. Control thread.
  virtual bool has_room() const { return true; }
  /// The slot that has a say in whether a device that sits here may go; null: nobody has. Control thread.
  virtual Slot* slot_of(const Device& /*device*/) { return nullptr; }
  /// Whether users may have devices come and go while the machine runs; the error says why not. Control
  /// thread.
  virtual Result<void> hot_pluggable() const { return {}; }
  /// Whether, if so, one may come to those who are there; the error says why not. Control thread.
  virtual Result<void> takes_more() const { return {}; }

 protected:
  Bus(Device& device, std::string part_name, Names names);

 private:
  const Names names_;
  object::Node node_;
};

/// Says which bus a device sits on. Set before realize.
class BusLink final : public Part {
 public:
  /// `family` is a literal.
  BusLink(Device& device, std::string name, std::string_view family)
      : Part{device, "bus link", std::move(name)}, family_{family} {}

  Result<void> set(Bus& bus);
  std::string_view family() const { return family_; }
  /// Null if it is not set or the bus has gone. Control thread.
  Bus* get() const { return bus_.get(); }

 private:
  Result<void> prepare() override;
  std::optional<object::PropertyValue> value() const override;

  const std::string_view family_;
  object::Handle<Bus> bus_;
  std::string name_of_bus_;
};

}  // namespace holdfast::hw
