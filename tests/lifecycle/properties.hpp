// SPDX-License-Identifier: Apache-2.0
// What can be asked of an object, whoever has it: for tests that look at everything.
#pragma once

#include <set>
#include <string>

#include "holdfast/object/object.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::test {

inline std::set<std::string> property_names(const object::Object& object) {
  std::set<std::string> names;
  for (const object::Property* property : object.type().all_properties()) names.emplace(property->name);
  for (const object::PropertyInfo& property : object.properties()) names.insert(property.name);
  return names;
}

}  // namespace holdfast::test
