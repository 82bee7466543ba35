// SPDX-License-Identifier: Apache-2.0
// The advanced interrupt architecture, as far as it is in the hart: priorities of major interrupts,
// the interrupt on top, virtual interrupts for S-mode. There is no IMSIC: no external interrupts of
// the hart's own, no mtopei, no stopei.
//
// External interrupts come by a wire that tells no priority: they count as 256, behind all numbers
// and before what has none. Without Smaia all numbers are zero, which is the order of the base
// architecture.
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0, chapters 2 and 5.
#pragma once

#include <cstdint>

#include "holdfast/cpu/riscv/core.hpp"

namespace holdfast::cpu::riscv {

/// Interrupts pending and enabled that would trap to M-mode, or to S-mode.
std::uint64_t pending_for_machine(const Core& core);
std::uint64_t pending_for_supervisor(const Core& core);
/// The one of `set`, which is not empty, that comes first in a trap to that mode.
Interrupt first_for_machine(const Core& core, std::uint64_t set);
Interrupt first_for_supervisor(const Core& core, std::uint64_t set);

namespace aia {

inline constexpr std::uint64_t kVirtual = bit_of(Interrupt::kSupervisorSoftware) |
                                          bit_of(Interrupt::kSupervisorExternal);  // in mvien

std::uint64_t virtual_pending(const Core& core);  // mvip
void set_virtual_pending(Core& core, std::uint64_t value);
std::uint64_t supervisor_pending(const Core& core);  // sip
std::uint64_t supervisor_enabled(const Core& core);  // sie
std::uint64_t machine_top(const Core& core);         // mtopi
std::uint64_t supervisor_top(const Core& core);      // stopi

/// Whether miselect or siselect names a register: one of eight priorities.
constexpr bool selects_priorities(std::uint64_t select) {
  return select >= 0x30 && select <= 0x3f && select % 2 == 0;
}
std::uint64_t machine_priorities(const Core& core);
void set_machine_priorities(Core& core, std::uint64_t value);
std::uint64_t supervisor_priorities(const Core& core);
void set_supervisor_priorities(Core& core, std::uint64_t value);

}  // namespace aia
}  // namespace holdfast::cpu::riscv
