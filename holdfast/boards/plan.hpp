// SPDX-License-Identifier: Apache-2.0
// A board plan: which devices a board has, where their regions show and how their pins are wired, as a
// value that can be copied, compared with another by its listing, and checked without being run.
//
//   BoardPlan board{"virt"};
//   const auto ram  = board.ram("ram", options.ram_size);
//   const auto plic = board.add<Plic>("plic", {.sources = 96});
//   const auto uart = board.add<Ns16550>("uart0", {.chardev = options.console});
//   board.map({{0x0c00'0000, plic.region("regs")},
//              {0x1000'0000, uart.region("regs")},
//              {0x8000'0000, ram}});
//   board.wire({{uart.out("irq"), plic.in(10)}});
//   return std::move(board).validated();
//
// A device type that can be added has `static const object::Type kType` and a constructor from a
// hw::DeviceInit and, if it has a `Config`, one of those. Names are resolved when the plan is checked
// or realised. validated() builds every device, unrealized, to see what it has, and drops it again.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/region_part.hpp"

namespace holdfast::boards {

/// Where devices that users add have their names: with an id of theirs, or without one. A device of a
/// plan that is called "peripheral/ID" goes there; all others have no slash in their names.
inline constexpr std::string_view kPeripherals = "peripheral";
inline constexpr std::string_view kAnonymous = "peripheral-anon";

class Expansion;

/// A part of a device of the plan, or of one the machine has, by name: "uart0" "regs". Parts of
/// children are "child/part".
struct PartRef {
  std::string device;
  std::string part;
  friend bool operator==(const PartRef&, const PartRef&) = default;
  std::string to_string() const { return device + ":" + part; }
};

/// One line of a pin.
struct PinRef {
  PartRef pin;
  unsigned line = 0;
  friend bool operator==(const PinRef&, const PinRef&) = default;
  std::string to_string() const;
};

/// A device of the plan, to name its parts by.
class DeviceRef {
 public:
  explicit DeviceRef(std::string name) : name_{std::move(name)} {}
  const std::string& name() const { return name_; }

  PartRef region(std::string part) const { return {name_, std::move(part)}; }
  PartRef link(std::string part) const { return {name_, std::move(part)}; }
  PartRef bus(std::string part) const { return {name_, std::move(part)}; }
  PinRef out(std::string part, unsigned line = 0) const { return {{name_, std::move(part)}, line}; }
  PinRef in(std::string part, unsigned line = 0) const { return {{name_, std::move(part)}, line}; }
  /// A line of the input that is called "in".
  PinRef in(unsigned line) const { return in("in", line); }

 private:
  std::string name_;
};

/// A bank of RAM; stands for its region.
class RamRef : public DeviceRef {
 public:
  using DeviceRef::DeviceRef;
  operator PartRef() const { return region("ram"); }  // NOLINT(google-explicit-constructor)
};

struct MapRow {
  std::uint64_t at = 0;
  PartRef region;
  std::int32_t priority = 0;  // of several regions at an address, the highest shows
};
struct WireRow {
  PinRef from;
  PinRef to;
};
/// A link leads to a region, or a bus link to a bus that the device sits on.
struct LinkRow {
  PartRef link;
  PartRef region;
};

class BoardPlan {
 public:
  using Make = std::function<hw::Owned<hw::Device>(hw::DeviceInit init)>;
  /// A value of a type's Config, shared by whoever builds with it.
  using Config = std::shared_ptr<const std::any>;
  struct PropertyRow {
    std::string name;
    object::PropertyValue value;
  };
  struct DeviceRow {
    std::string name;
    const object::Type* type;  // static storage
    Make make;
    Config config{};                          // what `make` builds with; none if the type takes none
    Make (*make_with)(Config) = nullptr;      // to build with another one
    std::vector<PropertyRow> properties{};    // set when it has been built, first to last
  };
  struct Placement {
    PartRef container;
    MapRow row;
  };

  explicit BoardPlan(std::string name) : name_{std::move(name)} {}

  const std::string& name() const { return name_; }

  /// The machine's physical memory, where map() places.
  static PartRef memory() { return {"bus", "memory"}; }

  RamRef ram(std::string name, std::uint64_t size, memory::RamBacking backing = {});
  RamRef rom(std::string name, std::uint64_t size, memory::RamBacking backing = {});

  template <class T>
    requires requires { typename T::Config; }
  DeviceRef add(std::string name, typename T::Config config = {}) {
    Config shared = share<T>(std::move(config));
    return add({.name = std::move(name),
                .type = &T::kType,
                .make = make_with<T>(shared),
                .config = shared,
                .make_with = &make_with<T>});
  }
  template <class T>
    requires(!requires { typename T::Config; })
  DeviceRef add(std::string name) {
    return add({.name = std::move(name), .type = &T::kType, .make = make_plain<T>});
  }
  DeviceRef add(DeviceRow row);

  /// Something that the machine will have already when this plan is realised in it.
  DeviceRef existing(std::string name);

  void map(std::initializer_list<MapRow> rows) { map_into(memory(), rows); }
  void map_into(const PartRef& container, std::initializer_list<MapRow> rows);
  void wire(std::initializer_list<WireRow> rows);
  void link(std::initializer_list<LinkRow> rows);
  /// An output that is meant to lead nowhere.
  void leave_loose(PinRef output) { loose_.push_back(std::move(output)); }
  /// All outputs of a device that are not wired are meant to lead nowhere.
  void leave_loose(const DeviceRef& device) { loose_devices_.push_back(device.name()); }

  /// The plan, or one error with everything that is wrong with it: regions that overlap (both names,
  /// owners and ranges), names that nothing has, names used twice, outputs that lead nowhere, pins
  /// wired twice, links that must be set and are not.
  Result<BoardPlan> validated() &&;
  /// What validated() finds, a line each; empty if the plan is good.
  Result<std::vector<std::string>> findings() const;

  /// What more there is room for while it runs; null: nothing in particular.
  void set_expansion(std::shared_ptr<const Expansion> expansion) { expansion_ = std::move(expansion); }
  const std::shared_ptr<const Expansion>& expansion() const { return expansion_; }

  const std::vector<DeviceRow>& devices() const { return devices_; }
  /// To configure what has been added: `-global` and its like.
  std::vector<DeviceRow>& devices() { return devices_; }
  const std::vector<Placement>& placements() const { return placements_; }
  const std::vector<WireRow>& wires() const { return wires_; }
  const std::vector<LinkRow>& links() const { return links_; }
  const std::vector<std::string>& existing_names() const { return existing_; }
  const std::vector<PinRef>& loose() const { return loose_; }
  const std::vector<std::string>& loose_devices() const { return loose_devices_; }

  // How a type's objects are built, for rows that are made by hand.

  template <class T>
  static Config share(typename T::Config config) {
    return std::make_shared<const std::any>(std::in_place_type<typename T::Config>, std::move(config));
  }
  template <class T>
  static Make make_with(Config config) {
    return [config = std::move(config)](const hw::DeviceInit& init) -> hw::Owned<hw::Device> {
      return hw::Owned<hw::Device>{new T(init, std::any_cast<const typename T::Config&>(*config))};
    };
  }
  template <class T>
  static hw::Owned<hw::Device> make_plain(const hw::DeviceInit& init) {
    return hw::Owned<hw::Device>{new T(init)};
  }

 private:
  std::string name_;
  std::vector<DeviceRow> devices_;
  std::vector<std::string> existing_;
  std::vector<Placement> placements_;
  std::vector<WireRow> wires_;
  std::vector<LinkRow> links_;
  std::vector<PinRef> loose_;
  std::vector<std::string> loose_devices_;
  std::shared_ptr<const Expansion> expansion_;
};

}  // namespace holdfast::boards
