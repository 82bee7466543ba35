// SPDX-License-Identifier: Apache-2.0
// Types of character back-ends, as monitors list them. A back-end is no object in the tree: query-chardev has
// those there are.
#pragma once

#include "holdfast/base/result.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::chardev {

/// Adds "chardev" and its kinds to a registry.
Result<void> add_types(object::TypeRegistry& registry);

}  // namespace holdfast::chardev
