// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/bus.hpp"

#include "holdfast/base/check.hpp"

namespace holdfast::hw {

Bus::Bus(Device& device, std::string part_name, Names names)
    : Part{device, "bus", std::move(part_name)},
      names_{std::move(names)},
      node_{device.context().tree, names_.type} {
  auto attached = node_.attach(device.node(), names_.name.substr(names_.name.rfind('/') + 1));
  if (!attached) attached = node_.attach(device.node(), name());  // a child of the device is called so
  HF_CHECK(attached.has_value(), "{}", attached.error().message);
}

Result<void> BusLink::set(Bus& bus) {
  if (device().life() != Life::kBuilt)
    return fail("{}: can only be set before the device is realized", path());
  if (bus.family() != family_)
    return fail("'{}' cannot sit on bus '{}', which is a {} bus; it takes a {} bus",
                device().type().name, bus.bus_name(), bus.family(), family_);
  bus_ = object::Handle<Bus>{bus};
  name_of_bus_ = bus.bus_name();
  return {};
}

Result<void> BusLink::prepare() {
  if (get() != nullptr) return {};
  return fail("{}: is not set; it takes a {} bus", path(), family_);
}

std::optional<object::PropertyValue> BusLink::value() const { return name_of_bus_; }

}  // namespace holdfast::hw
