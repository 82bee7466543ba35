// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/base_types.hpp"

#include "holdfast/hw/device.hpp"
#include "holdfast/object/base_types.hpp"

namespace holdfast::hw {

using Kind = object::Type::Kind;

constinit const object::Type kResettable{.name = "resettable",
                                         .parent = &object::kInterface,
                                         .kind = Kind::kInterface,
                                         .docs = "Takes part in resets."};
constinit const object::Type kHotplugHandler{.name = "hotplug-handler",
                                             .parent = &object::kInterface,
                                             .kind = Kind::kInterface,
                                             .docs = "Has places where things come and go."};
constinit const object::Type kSysBusDevice{.name = "sys-bus-device",
                                           .parent = &Device::kType,
                                           .kind = Kind::kAbstract,
                                           .docs = "A device on the system bus."};
constinit const object::Type kBusType{
    .name = "bus", .kind = Kind::kAbstract, .docs = "What devices sit on."};

Result<void> add_base_types(object::TypeRegistry& registry) {
  TRY(object::add_base_types(registry));
  for (const object::Type* type :
       {&kResettable, &kHotplugHandler, &Device::kType, &kSysBusDevice, &kBusType})
    TRY(registry.add(*type));
  return {};
}

}  // namespace holdfast::hw
