// SPDX-License-Identifier: Apache-2.0
// Jumps and branches. A branch that is not taken goes on in its block.
#include "holdfast/cpu/riscv/exec.hpp"

namespace holdfast::cpu::riscv {
namespace {

/// Without C, targets must be multiples of four.
bool misaligned(const Core& core, u64 target) {
  return (target & 2) != 0 && !core.config.isa.has(Extension::kC);
}

Flow jump_and_link(Core& core, const Instruction& i) {
  const u64 pc = core.pc_of(i);
  const u64 target = pc + extend(i.immediate);
  if (misaligned(core, target)) return core.raise(Cause::kInstructionMisaligned, target);
  core.x[i.rd] = pc + i.length;
  core.pc = target;
  return Flow::kJump;
}

Flow jump_and_link_register(Core& core, const Instruction& i) {
  const u64 target = (core.x[i.rs1] + extend(i.immediate)) & ~u64{1};
  if (misaligned(core, target)) return core.raise(Cause::kInstructionMisaligned, target);
  core.x[i.rd] = core.pc_of(i) + i.length;
  core.pc = target;
  return Flow::kJump;
}

using Condition = bool (*)(u64, u64);

template <Condition Taken>
Flow branch(Core& core, const Instruction& i) {
  if (!Taken(core.x[i.rs1], core.x[i.rs2])) return Flow::kNext;
  const u64 target = core.pc_of(i) + extend(i.immediate);
  if (misaligned(core, target)) return core.raise(Cause::kInstructionMisaligned, target);
  core.pc = target;
  return Flow::kJump;
}

constexpr bool equal(u64 a, u64 b) {
  return a == b;
}
constexpr bool different(u64 a, u64 b) {
  return a != b;
}
constexpr bool less(u64 a, u64 b) {
  return as_signed(a) < as_signed(b);
}
constexpr bool at_least(u64 a, u64 b) {
  return as_signed(a) >= as_signed(b);
}
constexpr bool below(u64 a, u64 b) {
  return a < b;
}
constexpr bool not_below(u64 a, u64 b) {
  return a >= b;
}

constexpr Row conditional(const char* name, std::uint32_t f3, Handler run) {
  return {name, kMaskFunct3, funct3(0x63, f3), Format::kB, Extension::kI, run};
}

constexpr Row kRows[] = {
    {"jal", kMaskOpcode, 0x6f, Format::kJ, Extension::kI, jump_and_link, Ends::kYes},
    {"jalr", kMaskFunct3, funct3(0x67, 0), Format::kI, Extension::kI, jump_and_link_register,
     Ends::kYes},
    conditional("beq", 0, branch<equal>),
    conditional("bne", 1, branch<different>),
    conditional("blt", 4, branch<less>),
    conditional("bge", 5, branch<at_least>),
    conditional("bltu", 6, branch<below>),
    conditional("bgeu", 7, branch<not_below>),
};

}  // namespace

std::span<const Row> branch_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
