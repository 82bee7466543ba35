// SPDX-License-Identifier: Apache-2.0
// The device types Holdfast has, registered by hand: what can be listed, looked at and plugged. A
// type that is not here does not exist for users; one that is here goes through every path of a
// device's life in the tests.
#pragma once

#include "holdfast/base/result.hpp"
#include "holdfast/boards/device_facet.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::boards {

/// All types of this library. Fails only if a name is taken.
Result<void> register_device_types(object::TypeRegistry& registry);

}  // namespace holdfast::boards
