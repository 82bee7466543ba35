// SPDX-License-Identifier: Apache-2.0
// What a hart tells the log when somebody asked for it (-d int,exec,in_asm,cpu,mmu).
//
// Called on the hart's thread, in the midst of its work. When a topic is off nobody calls: traps and
// page walks ask the log before, blocks are asked about once a slice.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "holdfast/cpu/riscv/core.hpp"

namespace holdfast::cpu::riscv {

struct TrapTrace {
  std::uint64_t cause;  // as it goes to mcause or scause
  std::uint64_t value;  // to mtval or stval
  std::uint64_t pc;     // of the instruction that traps, or of the next one
};
/// Before the trap is entered.
void trace_trap(const Core& core, const TrapTrace& trap);

/// Whether blocks are to be traced.
bool traces_blocks();
/// Before a block is run; `registers` makes the text of -d cpu.
void trace_block(Core& core, const Instruction* first,
                 const std::function<std::string()>& registers);

struct TranslationTrace {
  std::uint64_t virtual_address{};
  std::uint64_t physical{};    // if it succeeded
  std::uint64_t satp{};
  std::optional<Cause> cause;  // why it failed
  Access access{};
  Privilege privilege{};
  Rights rights{};
};
void trace_translation(const TranslationTrace& walk);

/// "illegal_instruction", "machine_timer": what a register of that kind holds.
std::string cause_text(std::uint64_t cause);

}  // namespace holdfast::cpu::riscv
