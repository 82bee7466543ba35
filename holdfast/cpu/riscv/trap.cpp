// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/trap.hpp"

#include "holdfast/base/log.hpp"
#include "holdfast/cpu/riscv/aia.hpp"
#include "holdfast/cpu/riscv/trace.hpp"

namespace holdfast::cpu::riscv {
namespace {

std::uint64_t vector(std::uint64_t tvec, std::uint64_t cause) {
  const std::uint64_t base = tvec & ~std::uint64_t{3};
  const bool vectored = (tvec & 1) != 0 && (cause & kInterruptFlag) != 0;
  return vectored ? base + 4 * (cause & ~kInterruptFlag) : base;
}

/// Moves bit `from` of mstatus to `to`.
void copy_bit(std::uint64_t& status, std::uint64_t from, std::uint64_t to) {
  status = (status & from) != 0 ? status | to : status & ~to;
}

void enter_supervisor(Core& core, std::uint64_t cause, std::uint64_t value, std::uint64_t pc) {
  Csrs& csr = core.csr;
  copy_bit(csr.mstatus, mstatus::kSie, mstatus::kSpie);
  csr.mstatus &= ~(mstatus::kSie | mstatus::kSpp);
  if (core.privilege == Privilege::kSupervisor) csr.mstatus |= mstatus::kSpp;
  csr.scause = cause;
  csr.stval = value;
  csr.sepc = pc;
  core.pc = vector(csr.stvec, cause);
  core.privilege = Privilege::kSupervisor;
}

void enter_machine(Core& core, std::uint64_t cause, std::uint64_t value, std::uint64_t pc) {
  Csrs& csr = core.csr;
  copy_bit(csr.mstatus, mstatus::kMie, mstatus::kMpie);
  csr.mstatus &= ~(mstatus::kMie | mstatus::kMpp);
  csr.mstatus |= static_cast<std::uint64_t>(core.privilege) << mstatus::kMppShift;
  csr.mcause = cause;
  csr.mtval = value;
  csr.mepc = pc;
  core.pc = vector(csr.mtvec, cause);
  core.privilege = Privilege::kMachine;
}

enum class Target : std::uint8_t { kSupervisor, kMachine };

void enter(Core& core, Target target, std::uint64_t cause, std::uint64_t value, std::uint64_t pc) {
  if (log::enabled(log::Topic::kInterrupts)) [[unlikely]]
    trace_trap(core, {.cause = cause, .value = value, .pc = pc});
  if (target == Target::kSupervisor)
    enter_supervisor(core, cause, value, pc);
  else
    enter_machine(core, cause, value, pc);
  core.mmu.drop_reservation();
  core.privilege_changed();
}

std::uint64_t as_cause(Interrupt interrupt) {
  return kInterruptFlag | static_cast<std::uint64_t>(interrupt);
}

}  // namespace

bool supervisor_timer_enabled(const Core& core) {
  return core.config.isa.has(Extension::kSstc) && (core.csr.menvcfg & menvcfg::kStce) != 0;
}

std::uint64_t pending_interrupts(const Core& core) {
  // What software wrote as SEIP is not in mip while mvien makes it a bit of its own.
  constexpr std::uint64_t kExternal = bit_of(Interrupt::kSupervisorExternal);
  std::uint64_t pending = core.signals.pins() | aia::signalled(core) |
                          (core.csr.mip_written & ~(core.csr.mvien & kExternal));
  if (supervisor_timer_enabled(core)) {
    constexpr std::uint64_t kTimer = bit_of(Interrupt::kSupervisorTimer);
    pending = core.time.ticks() >= core.csr.stimecmp ? pending | kTimer : pending & ~kTimer;
  }
  return pending;
}

void take_edges(Core& core) {
  if (core.signals.edges() != 0) core.csr.mip_written |= core.signals.take_edges();
}

bool take_interrupt(Core& core) {
  const Privilege now = core.privilege;
  const std::uint64_t status = core.csr.mstatus;
  // What goes to M-mode comes first.
  const std::uint64_t machine = pending_for_machine(core);
  if (machine != 0 && (now != Privilege::kMachine || (status & mstatus::kMie) != 0)) {
    enter(core, Target::kMachine, as_cause(first_for_machine(core, machine)), 0, core.pc);
    return true;
  }
  const std::uint64_t supervisor = pending_for_supervisor(core);
  if (supervisor != 0 && (now == Privilege::kUser || (now == Privilege::kSupervisor &&
                                                      (status & mstatus::kSie) != 0))) {
    enter(core, Target::kSupervisor, as_cause(first_for_supervisor(core, supervisor)), 0, core.pc);
    return true;
  }
  return false;
}

void take_exception(Core& core, std::uint64_t pc) {
  const auto cause = static_cast<std::uint64_t>(core.exception.cause);
  const bool delegated =
      core.privilege != Privilege::kMachine && (core.csr.medeleg >> cause & 1) != 0;
  enter(core, delegated ? Target::kSupervisor : Target::kMachine, cause, core.exception.value, pc);
}

void return_from_machine(Core& core) {
  std::uint64_t& status = core.csr.mstatus;
  const auto previous = static_cast<Privilege>((status & mstatus::kMpp) >> mstatus::kMppShift);
  copy_bit(status, mstatus::kMpie, mstatus::kMie);
  status = (status | mstatus::kMpie) & ~mstatus::kMpp;  // the least privileged mode is U
  if (previous != Privilege::kMachine) status &= ~mstatus::kMprv;
  core.pc = core.csr.mepc;
  core.privilege = previous;
  core.mmu.drop_reservation();
  core.privilege_changed();
  core.signals.look_again();
}

void return_from_supervisor(Core& core) {
  std::uint64_t& status = core.csr.mstatus;
  const bool supervisor = (status & mstatus::kSpp) != 0;
  copy_bit(status, mstatus::kSpie, mstatus::kSie);
  status = (status | mstatus::kSpie) & ~(mstatus::kSpp | mstatus::kMprv);
  core.pc = core.csr.sepc;
  core.privilege = supervisor ? Privilege::kSupervisor : Privilege::kUser;
  core.mmu.drop_reservation();
  core.privilege_changed();
  core.signals.look_again();
}

}  // namespace holdfast::cpu::riscv
