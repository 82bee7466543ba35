// SPDX-License-Identifier: Apache-2.0
// Types of PCI that are no class of their own: which kinds of bus there are, and which a function is made for.
#pragma once

#include "holdfast/base/result.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::devices::pci {

/// "PCI": a conventional bus, from which "PCIE" descends.
extern const object::Type kBusType;
extern const object::Type kExpressBusType;
/// "pci-express-device": an interface of functions with the capability of one.
extern const object::Type kExpressDevice;
/// "conventional-pci-device": of the others.
extern const object::Type kConventionalDevice;

/// Adds these, and "pci-device". What they rest on is there.
Result<void> add_types(object::TypeRegistry& registry);

}  // namespace holdfast::devices::pci
