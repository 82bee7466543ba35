// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/machine_type.hpp"

#include <array>

#include "holdfast/hw/base_types.hpp"

namespace holdfast::boards {
namespace {

// For CPUs and modules of RAM.
constexpr std::array<const object::Type*, 1> kHasPlaces{&hw::kHotplugHandler};
constexpr std::string_view kSuffix = "-machine";

constinit const object::Type kAll[] = {
    {.name = "none-machine", .parent = &kMachineType, .docs = "Nothing but a system bus."},
    {.name = "virt-machine",
     .parent = &kMachineType,
     .interfaces = kHasPlaces,
     .docs = "A RISC-V board for firmware and Linux."},
    {.name = "b-l475e-iot01a-machine", .parent = &kMachineType, .docs = "ST's B-L475E-IOT01A."},
};

}  // namespace

constinit const object::Type kMachineType{
    .name = "machine", .kind = object::Type::Kind::kAbstract, .docs = "What owns everything."};

const object::Type* machine_type(std::string_view name) {
  for (const object::Type& type : kAll)
    if (type.name.ends_with(kSuffix) && type.name.substr(0, type.name.size() - kSuffix.size()) == name)
      return &type;
  return nullptr;
}

}  // namespace holdfast::boards
