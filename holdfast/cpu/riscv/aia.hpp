// SPDX-License-Identifier: Apache-2.0
// The advanced interrupt architecture, as far as it is in the hart: priorities of major interrupts,
// the interrupt on top, virtual interrupts for S-mode, and the hart's side of its interrupt files, if
// it has any (an IMSIC).
//
// An external interrupt that is a message has its identity for a priority. One that comes by a wire
// tells none: it counts as 256. What has no number comes behind them. Without Smaia all numbers are
// zero, which is the order of the base architecture.
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0, chapters 2, 3 and 5.
#pragma once

#include <cstdint>
#include <optional>

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

/// MEIP and SEIP as the interrupt files hold them up.
std::uint64_t signalled(const Core& core);

// What miselect and siselect name: eight priorities, or a register of the interrupt file.
bool may_use_mireg(const Core& core);
bool may_use_sireg(const Core& core);
std::uint64_t mireg(const Core& core);
void set_mireg(Core& core, std::uint64_t value);
std::uint64_t sireg(const Core& core);
void set_sireg(Core& core, std::uint64_t value);

// The first message; writing claims it.
bool may_use_mtopei(const Core& core);
bool may_use_stopei(const Core& core);
std::uint64_t mtopei(const Core& core);
void claim_mtopei(Core& core, std::uint64_t value);
std::uint64_t stopei(const Core& core);
void claim_stopei(Core& core, std::uint64_t value);

/// Whether the CSR may be one of an interrupt file.
constexpr bool may_be_of_file(unsigned number) {
  return number == 0x151 || number == 0x15c || number == 0x351 || number == 0x35c;
}
/// What one CSR instruction does to a register of an interrupt file, whose bits others set meanwhile:
/// all of it at once. Returns what was there; nothing if the CSR is none of those now.
std::optional<std::uint64_t> exchange(Core& core, unsigned number,
                                      std::optional<hw::InterruptFile::Change> change);

}  // namespace aia
}  // namespace holdfast::cpu::riscv
