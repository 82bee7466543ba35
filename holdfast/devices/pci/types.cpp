// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/types.hpp"

#include "holdfast/devices/pci/function.hpp"
#include "holdfast/hw/base_types.hpp"
#include "holdfast/object/base_types.hpp"

namespace holdfast::devices::pci {

using Kind = object::Type::Kind;

constinit const object::Type kBusType{
    .name = "PCI", .parent = &hw::kBusType, .docs = "A conventional PCI bus."};
constinit const object::Type kExpressBusType{
    .name = "PCIE", .parent = &kBusType, .docs = "A PCI Express bus."};
constinit const object::Type kExpressDevice{.name = "pci-express-device",
                                            .parent = &object::kInterface,
                                            .kind = Kind::kInterface,
                                            .docs = "A function made for PCI Express."};
constinit const object::Type kConventionalDevice{.name = "conventional-pci-device",
                                                 .parent = &object::kInterface,
                                                 .kind = Kind::kInterface,
                                                 .docs = "A function made for conventional PCI."};

Result<void> add_types(object::TypeRegistry& registry) {
  for (const object::Type* type :
       {&kBusType, &kExpressBusType, &kExpressDevice, &kConventionalDevice, &Function::kType})
    TRY(registry.add(*type));
  return {};
}

}  // namespace holdfast::devices::pci
