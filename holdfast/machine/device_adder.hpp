// SPDX-License-Identifier: Apache-2.0
// Adds the devices that a user asks for, by type and values, to a machine: `-device` on the command line
// and `device_add` of monitors are this.
//
// A device is there in full when add() returns, or with an error the machine is as it was. It is found
// at /machine/peripheral/ID, or, without an id, at the first free /machine/peripheral-anon/device[N].
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/boards/device_facet.hpp"
#include "holdfast/boards/expansion.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::machine {

/// A device as a user describes it.
struct DeviceWish {
  struct Value {
    std::string name;
    std::string text;
    /// Of a whole number that JSON has as one. As `addr` of a PCI function that is its device times 8 and
    /// its function, or -1 for the first that is free; text is DEVICE.FUNCTION.
    enum class Form : std::uint8_t { kText, kNumber } form = Form::kText;
  };
  std::string driver;         // a type
  std::string id{};           // "": none
  std::vector<Value> values{};  // in the order given
};

/// A value that all devices of a type get, and of types that descend from it.
struct GlobalValue {
  std::string driver;
  std::string property;
  std::string text;
};

/// The type of a device and what comes with it.
struct DeviceKind {
  const object::Type* type;  // static storage
  const boards::DeviceFacet* facet;  // the registry's

  /// One of that type that is known, or an error that suggests another.
  static Result<DeviceKind> find(const object::TypeRegistry& types, std::string_view name);

  const boards::DeviceSetting* setting(std::string_view name) const;
  bool is_cpu() const;
  bool is_memory_module() const;
  /// One that can be set.
  const object::Property* property(std::string_view name) const;
  /// The names of both. What says where a device goes is not among them.
  std::vector<std::string> names() const;
  /// Gives a row of a plan a value: in what it is built with, or once it is built. Errors say what the
  /// type has, or what the value may be.
  Result<void> configure(boards::BoardPlan::DeviceRow& row, std::string_view name,
                         const std::string& text, const boards::SettingTargets& targets) const;
};

/// The buses of a machine, in the order in which their owners joined it. Control thread.
std::vector<hw::Bus*> buses(Machine& machine);

/// What the machine's back-ends are called. Control thread, as what it gives.
boards::SettingNames setting_names(Machine& machine);

/// What a user may call a device or an object, and the error for what is none.
bool is_id(std::string_view id);
Error not_an_id(std::string_view id);

class DeviceAdder {
 public:
  enum class Time : std::uint8_t { kStart, kRunning };
  /// Machine and types outlive the adder. `board` may be null.
  DeviceAdder(Machine& machine, const object::TypeRegistry& types,
              std::shared_ptr<const boards::Expansion> board, std::vector<GlobalValue> globals,
              Time time = Time::kRunning)
      : machine_{machine},
        types_{types},
        board_{std::move(board)},
        globals_{std::move(globals)},
        time_{time} {}

  /// The device's name in the machine. On the control thread.
  Result<std::string> add(const DeviceWish& wish) const;

  /// Whether a user can ask for a type at all; the error has the reason.
  static Result<DeviceKind> find_pluggable(const object::TypeRegistry& types, std::string_view driver);

  const boards::Expansion* board() const { return board_.get(); }

 private:
  Result<std::string> name_for(const std::string& id) const;
  Result<void> place(boards::BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                     const DeviceWish& wish) const;
  Result<void> place_cpu(boards::BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                         const DeviceWish& wish) const;
  Result<void> place_module(boards::BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                            const DeviceWish& wish) const;
  static Result<void> check_required(const boards::BoardPlan::DeviceRow& row, const DeviceKind& kind);
  Result<void> place_on_bus(boards::BoardPlan& plan, const DeviceKind& kind, const std::string& name,
                            const DeviceWish& wish) const;
  Result<hw::Bus*> find_bus(const DeviceKind& kind, const DeviceWish& wish) const;
  boards::PartRef name_of(const hw::Bus& bus) const;
  Result<std::uint64_t> find_room(const Extent& window, std::uint64_t size) const;
  Result<void> set_values(boards::BoardPlan& plan, const boards::DeviceRef& device,
                          const DeviceKind& kind, const DeviceWish& wish) const;
  std::vector<std::string> accepted(const DeviceKind& kind) const;
  bool has_interrupt(const DeviceKind& kind) const;
  /// What says where a device of that kind goes.
  std::vector<std::string> whereabouts(const DeviceKind& kind) const;
  boards::SettingTargets targets() const;

  Machine& machine_;
  const object::TypeRegistry& types_;
  const std::shared_ptr<const boards::Expansion> board_;
  const std::vector<GlobalValue> globals_;
  const Time time_;  // of what is added
};

/// The types a user can ask for, a line each.
std::string device_types_text(const object::TypeRegistry& types);
/// What a type takes, a line each.
Result<std::string> device_type_text(const object::TypeRegistry& types, std::string_view name);

}  // namespace holdfast::machine
