// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/system_bus.hpp"

namespace holdfast::boards {

constinit const object::Type SystemBus::kType{
    .name = "system-bus", .parent = &hw::Device::kType, .docs = "Physical memory of a machine."};

constinit const object::Type MemoryBank::kType{
    .name = "memory-bank", .parent = &hw::Device::kType, .docs = "A bank of RAM or ROM."};

}  // namespace holdfast::boards
