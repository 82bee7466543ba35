// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/system_bus.hpp"

#include "holdfast/hw/base_types.hpp"

namespace holdfast::boards {

constinit const object::Type SystemBus::kType{
    .name = "system-bus", .parent = &hw::kBusType, .docs = "Physical memory of a machine."};

constinit const object::Type MemoryBank::kType{
    .name = "memory-bank", .parent = &hw::kSysBusDevice, .docs = "A bank of RAM or ROM."};

}  // namespace holdfast::boards
