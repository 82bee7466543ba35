// SPDX-License-Identifier: Apache-2.0
// Entering and leaving traps, and which interrupt is due.
// SPEC: volume II, sections 3.1.6 to 3.1.9 and 3.3.2.
#pragma once

#include <cstdint>

#include "holdfast/cpu/riscv/core.hpp"

namespace holdfast::cpu::riscv {

/// Set in a cause that is an interrupt's.
inline constexpr std::uint64_t kInterruptFlag = std::uint64_t{1} << 63;

/// mip as it reads: pins, what software wrote, and the supervisor timer.
std::uint64_t pending_interrupts(const Core& core);
/// Brings the edges that have come into mip. What comes later is not lost to a write of mip.
void take_edges(Core& core);
/// Whether menvcfg hands the supervisor timer to stimecmp.
bool supervisor_timer_enabled(const Core& core);
/// Takes the interrupt that is due, if one is. `pc` is that of the next instruction.
bool take_interrupt(Core& core);
/// Enters the handler for `core.exception`, raised by the instruction at `pc`.
void take_exception(Core& core, std::uint64_t pc);
void return_from_machine(Core& core);
void return_from_supervisor(Core& core);

}  // namespace holdfast::cpu::riscv
