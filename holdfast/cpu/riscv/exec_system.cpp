// SPDX-License-Identifier: Apache-2.0
// Environment calls, returns from traps, WFI, fences of translation, and the CSR instructions.
#include "holdfast/cpu/riscv/aia.hpp"
#include "holdfast/cpu/riscv/csr.hpp"
#include "holdfast/cpu/riscv/exec.hpp"
#include "holdfast/cpu/riscv/trap.hpp"

namespace holdfast::cpu::riscv {

Flow illegal_instruction(Core& core, const Instruction& i) {
  return core.illegal(i);
}

namespace {

bool status_has(const Core& core, u64 bit) {
  return (core.csr.mstatus & bit) != 0;
}

Flow environment_call(Core& core, const Instruction&) {
  // ecall from U, S and M are causes 8, 9 and 11.
  return core.raise(static_cast<Cause>(8 + static_cast<u64>(core.privilege)), 0);
}

/// SPEC: RISC-V Semihosting, section 1: an uncompressed EBREAK between two shifts into x0.
bool is_host_call(Core& core, const Instruction& i) {
  constexpr u32 kBefore = 0x01f01013;  // slli x0, x0, 0x1f
  constexpr u32 kBehind = 0x40705013;  // srai x0, x0, 7
  if (core.config.host_calls == HostCalls::kNever || i.length != 4) return false;
  if (core.privilege == Privilege::kUser && core.config.host_calls != HostCalls::kFromUserToo)
    return false;
  return core.code.fetch_word(core.pc_of(i) - 4, core.privilege) == kBefore &&
         core.code.fetch_word(core.pc_of(i) + 4, core.privilege) == kBehind;
}

Flow breakpoint(Core& core, const Instruction& i) {
  if (is_host_call(core, i)) {
    core.host_call = true;
    core.signals.look_again();
    return Flow::kEnd;
  }
  return core.raise(Cause::kBreakpoint, core.pc_of(i));
}

Flow machine_return(Core& core, const Instruction& i) {
  if (core.privilege != Privilege::kMachine) return core.illegal(i);
  return_from_machine(core);
  return Flow::kJump;
}

/// What S-mode may do unless a bit of mstatus traps it, M-mode always, and U-mode never.
bool supervisor_may(const Core& core, u64 trapped_by) {
  if (core.privilege == Privilege::kMachine) return true;
  return core.privilege == Privilege::kSupervisor && !status_has(core, trapped_by);
}

Flow supervisor_return(Core& core, const Instruction& i) {
  if (!supervisor_may(core, mstatus::kTsr)) return core.illegal(i);
  return_from_supervisor(core);
  return Flow::kJump;
}

Flow wait_for_interrupt(Core& core, const Instruction& i) {
  if (!supervisor_may(core, mstatus::kTw)) return core.illegal(i);
  core.waiting = true;
  core.idling = true;
  core.signals.look_again();
  return Flow::kEnd;
}

Flow fence_translation(Core& core, const Instruction& i) {
  if (!supervisor_may(core, mstatus::kTvm)) return core.illegal(i);
  full_fence(core.fence);
  core.mmu.flush();
  return Flow::kEnd;
}

/// sfence.w.inval and sfence.inval.ir order what sinval.vma does, which here is done at once.
Flow fence_invalidation(Core& core, const Instruction& i) {
  if (core.privilege == Privilege::kUser) return core.illegal(i);
  full_fence(core.fence);
  return Flow::kEnd;
}

enum class Change : std::uint8_t { kWrite, kSet, kClear };
enum class Source : std::uint8_t { kRegister, kImmediate };

template <Change How, Source From>
Flow csr_instruction(Core& core, const Instruction& i) {
  const auto number = static_cast<unsigned>(i.immediate);
  const bool reads = How != Change::kWrite || i.rd != kDiscard;
  const bool writes = How == Change::kWrite || i.rs1 != 0;
  if (!may_use_csr(core, number, writes ? CsrUse::kWrite : CsrUse::kRead)) return core.illegal(i);
  core.retired = core.retired_before(i);  // counters are to be right for this instruction
  core.block_first = &i;
  take_edges(core);

  const u64 operand = From == Source::kImmediate ? i.rs1 : core.x[i.rs1];
  if (aia::may_be_of_file(number)) [[unlikely]] {
    std::optional<hw::InterruptFile::Change> change;
    if (writes)
      change = {.clear = How == Change::kWrite ? ~u64{0} : How == Change::kClear ? operand : 0,
                .set = How == Change::kClear ? 0 : operand};
    if (const auto old = aia::exchange(core, number, change)) {
      core.x[i.rd] = *old;
      return Flow::kEnd;
    }
  }
  const u64 old = reads ? read_csr(core, number) : 0;
  if (writes) {
    if constexpr (How == Change::kWrite) write_csr(core, number, operand);
    if constexpr (How == Change::kSet)
      write_csr(core, number, read_csr_for_update(core, number) | operand);
    if constexpr (How == Change::kClear)
      write_csr(core, number, read_csr_for_update(core, number) & ~operand);
  }
  core.x[i.rd] = old;
  return Flow::kEnd;
}

constexpr Row fixed(const char* name, std::uint32_t word, Handler run) {
  return {name, kMaskAll, word, Format::kNone, Extension::kI, run, Ends::kYes};
}
/// Two address operands and nothing else.
constexpr Row fence(const char* name, std::uint32_t f7, Extension extension, Handler run) {
  return {name, 0xfe007fff, 0x73 | f7 << 25, Format::kR, extension, run, Ends::kYes};
}
constexpr Row csr_row(const char* name, std::uint32_t f3, Handler run) {
  return {name, kMaskFunct3, funct3(0x73, f3), Format::kCsr, Extension::kZicsr, run, Ends::kYes};
}

constexpr Row kRows[] = {
    fixed("ecall", 0x00000073, environment_call),
    fixed("ebreak", 0x00100073, breakpoint),
    fixed("mret", 0x30200073, machine_return),
    fixed("sret", 0x10200073, supervisor_return),
    fixed("wfi", 0x10500073, wait_for_interrupt),
    fence("sfence.vma", 0x09, Extension::kI, fence_translation),
    fence("sinval.vma", 0x0b, Extension::kSvinval, fence_translation),
    {"sfence.w.inval", kMaskAll, 0x18000073, Format::kNone, Extension::kSvinval, fence_invalidation,
     Ends::kYes},
    {"sfence.inval.ir", kMaskAll, 0x18100073, Format::kNone, Extension::kSvinval,
     fence_invalidation, Ends::kYes},
    csr_row("csrrw", 1, csr_instruction<Change::kWrite, Source::kRegister>),
    csr_row("csrrs", 2, csr_instruction<Change::kSet, Source::kRegister>),
    csr_row("csrrc", 3, csr_instruction<Change::kClear, Source::kRegister>),
    csr_row("csrrwi", 5, csr_instruction<Change::kWrite, Source::kImmediate>),
    csr_row("csrrsi", 6, csr_instruction<Change::kSet, Source::kImmediate>),
    csr_row("csrrci", 7, csr_instruction<Change::kClear, Source::kImmediate>),
};

}  // namespace

std::span<const Row> system_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
