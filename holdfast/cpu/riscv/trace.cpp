// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/trace.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "holdfast/base/log.hpp"
#include "holdfast/cpu/riscv/disassemble.hpp"
#include "holdfast/cpu/riscv/trap.hpp"

namespace holdfast::cpu::riscv {
namespace {

char letter(Privilege privilege) { return "US?M"[static_cast<unsigned>(privilege)]; }

std::string_view name_of(Access access) {
  switch (access) {
    case Access::kLoad: return "load";
    case Access::kStore: return "store";
    case Access::kFetch: return "fetch";
  }
  return "?";
}

std::string_view exception_text(std::uint64_t cause) {
  constexpr std::array<std::string_view, 16> kTexts{
      "misaligned_fetch", "fetch_access_fault", "illegal_instruction", "breakpoint",
      "misaligned_load", "load_access_fault", "misaligned_store", "store_access_fault",
      "call_from_U", "call_from_S", "", "call_from_M",
      "fetch_page_fault", "load_page_fault", "", "store_page_fault"};
  return cause < kTexts.size() ? kTexts[cause] : std::string_view{};
}

std::string_view interrupt_text(std::uint64_t number) {
  switch (static_cast<Interrupt>(number)) {
    case Interrupt::kSupervisorSoftware: return "supervisor_software";
    case Interrupt::kMachineSoftware: return "machine_software";
    case Interrupt::kSupervisorTimer: return "supervisor_timer";
    case Interrupt::kMachineTimer: return "machine_timer";
    case Interrupt::kSupervisorExternal: return "supervisor_external";
    case Interrupt::kMachineExternal: return "machine_external";
  }
  return {};
}

/// The instructions from `first` to the mark, a line each.
std::string listing(const Core& core, const Instruction* first) {
  std::string text;
  const std::uint64_t page = core.pc & kPageMask;
  for (const Instruction* i = first; i->length != 0; ++i)
    fmt::format_to(std::back_inserter(text), "\n0x{:016x}:  {:0{}x}{:{}}{}", page + i->page_offset,
                   i->raw, 2 * i->length, "", 14 - 2 * i->length,
                   disassemble(i->raw, page + i->page_offset));
  return text;
}

/// Whether a block with these instructions has been seen at this place before.
bool met_before(Core& core, const Instruction* first) {
  std::uint64_t hash = core.pc;
  for (const Instruction* i = first; i->length != 0; ++i)
    hash = (hash ^ i->raw) * 0x9e37'79b9'7f4a'7c15 + 1;
  return !core.traced_blocks.insert(hash).second;
}

}  // namespace

std::string cause_text(std::uint64_t cause) {
  const std::uint64_t number = cause & ~kInterruptFlag;
  const bool interrupt = (cause & kInterruptFlag) != 0;
  const auto known = interrupt ? interrupt_text(number) : exception_text(number);
  if (!known.empty()) return std::string{known};
  return fmt::format("{}_{}", interrupt ? "interrupt" : "exception", number);
}

void trace_trap(const Core& core, const TrapTrace& trap) {
  log::write(log::Topic::kInterrupts,
             fmt::format("riscv_cpu_do_interrupt: hart:{}, async:{}, cause:{:016x}, "
                         "epc:0x{:016x}, tval:0x{:016x}, desc={}, from:{}",
                         core.config.hart_id, trap.cause >> 63, trap.cause & ~kInterruptFlag,
                         trap.pc, trap.value, cause_text(trap.cause), letter(core.privilege)));
}

bool traces_blocks() {
  return log::enabled(log::Topic::kExecution) || log::enabled(log::Topic::kInstructions) ||
         log::enabled(log::Topic::kRegisters);
}

void trace_block(Core& core, const Instruction* first,
                 const std::function<std::string()>& registers) {
  if (log::enabled(log::Topic::kInstructions) && !met_before(core, first))
    log::write(log::Topic::kInstructions,
               fmt::format("in_asm: hart:{}, mode:{}{}", core.config.hart_id,
                           letter(core.privilege), listing(core, first)));
  if (log::enabled(log::Topic::kExecution))
    log::write(log::Topic::kExecution,
               fmt::format("exec: hart:{}, mode:{}, pc:0x{:016x}, retired:{}", core.config.hart_id,
                           letter(core.privilege), core.pc, core.retired));
  if (log::enabled(log::Topic::kRegisters)) log::write(log::Topic::kRegisters, registers());
}

void trace_translation(const TranslationTrace& walk) {
  std::string end;
  if (walk.cause) {
    end = cause_text(static_cast<std::uint64_t>(*walk.cause));
  } else {
    end = fmt::format("pa:0x{:016x}, rights:{}{}{}", walk.physical,
                      (walk.rights & kMayRead) != 0 ? 'r' : '-',
                      (walk.rights & kMayWrite) != 0 ? 'w' : '-',
                      (walk.rights & kMayExecute) != 0 ? 'x' : '-');
  }
  log::write(log::Topic::kTranslation,
             fmt::format("mmu: {} by {}, va:0x{:016x}, satp:0x{:016x}, {}", name_of(walk.access),
                         letter(walk.privilege), walk.virtual_address, walk.satp, end));
}

}  // namespace holdfast::cpu::riscv
