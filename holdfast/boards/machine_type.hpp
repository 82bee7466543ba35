// SPDX-License-Identifier: Apache-2.0
// What a machine is in the composition tree: a type of its own, called "NAME-machine".
#pragma once

#include <string_view>

#include "holdfast/object/type.hpp"

namespace holdfast::boards {

/// "machine", abstract: the parent of all.
extern const object::Type kMachineType;

/// Of the machine of that name; null if there is none.
const object::Type* machine_type(std::string_view name);

}  // namespace holdfast::boards
