// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/arm/cortex_m.hpp"

namespace holdfast::cpu::arm {

constinit const object::Type CortexM::kType{.name = "cortex-m4-arm-cpu",
                                            .parent = &hw::Cpu::kType,
                                            .docs = "An Arm Cortex-M4 that executes nothing."};

}  // namespace holdfast::cpu::arm
