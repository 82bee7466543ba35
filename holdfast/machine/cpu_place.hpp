// SPDX-License-Identifier: Apache-2.0
// What a user says of where a CPU is to go.
#pragma once

#include <array>
#include <string_view>

namespace holdfast::machine {

struct PlaceProperty {
  std::string_view name;  // its value is a number
  std::string_view what;
};
inline constexpr std::array kPlaceOfCpu{
    PlaceProperty{"core-id", "the number of its place, which -smp maxcpus= makes"},
    PlaceProperty{"node-id", "the node of that place, if there are nodes"},
};

}  // namespace holdfast::machine
