// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/cpu.hpp"

namespace holdfast::hw {

constinit const object::Type Cpu::kType{.name = "cpu",
                                        .parent = &Device::kType,
                                        .kind = object::Type::Kind::kAbstract,
                                        .docs = "A CPU of any architecture."};

}  // namespace holdfast::hw
