// SPDX-License-Identifier: Apache-2.0
// The schema as a module of Python: types, and every command as a method. What python/holdfast/schema.py
// must be.
#pragma once

#include <string>

#include "holdfast/control/qmp/schema.hpp"

namespace holdfast::control {

std::string python_schema(const Schema& schema);

}  // namespace holdfast::control
