// SPDX-License-Identifier: Apache-2.0
// Types that belong to no class: the root of interfaces, what users may make by `-object`, and nodes of the
// tree that only hold others.
#pragma once

#include "holdfast/base/result.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::object {

/// "interface", from which all interfaces descend.
extern const Type kInterface;
/// "user-creatable": what a user may have made by name.
extern const Type kUserCreatable;
/// "container": a node that only holds others.
extern const Type kContainer;

/// Adds these to a registry, where they come first.
Result<void> add_base_types(TypeRegistry& registry);

}  // namespace holdfast::object
