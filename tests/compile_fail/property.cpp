// SPDX-License-Identifier: Apache-2.0
// A property table that contradicts itself or its members does not compile.
#include "holdfast/object/object.hpp"

using holdfast::object::Property;
using holdfast::object::property;

struct Device : holdfast::object::Object {
  std::uint8_t level = 3;
  std::vector<int> list;
};

constinit const Property kTable[] = {
    property<&Device::level>("level", "a small number",
                             {.fallback = std::uint8_t{3}, .min = 1, .max = 7}),
#ifdef CASE_name
    property<&Device::level>("Trigger Level", "a small number"),
#endif
#ifdef CASE_fallback
    property<&Device::level>("level", "a small number", {.fallback = std::uint8_t{9}, .max = 7}),
#endif
#ifdef CASE_bound
    property<&Device::level>("level", "a small number", {.max = 256}),
#endif
#ifdef CASE_member
    property<&Device::list>("list", "no plain value"),
#endif
};

int main() { return kTable[0].name == "level" ? 0 : 1; }
