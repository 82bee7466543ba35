// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/aia.hpp"

#include "holdfast/cpu/riscv/trap.hpp"

namespace holdfast::cpu::riscv {
namespace {

using u64 = std::uint64_t;
using Priorities = Csrs::Priorities;

/// Of the base architecture: machine before supervisor, external before software before timer.
constexpr Interrupt kByDefault[] = {Interrupt::kMachineExternal,    Interrupt::kMachineSoftware,
                                    Interrupt::kMachineTimer,       Interrupt::kSupervisorExternal,
                                    Interrupt::kSupervisorSoftware, Interrupt::kSupervisorTimer};
constexpr unsigned kUnnumbered = 256;  // an external interrupt
constexpr unsigned kLast = 257;        // no number, and by default behind the external interrupt

// 5.2.1 and 5.4.1: those that can be pending at that level, but for the external interrupt itself.
constexpr u64 kNumberedForMachine =
    bit_of(Interrupt::kSupervisorSoftware) | bit_of(Interrupt::kMachineSoftware) |
    bit_of(Interrupt::kSupervisorTimer) | bit_of(Interrupt::kMachineTimer) |
    bit_of(Interrupt::kSupervisorExternal);
constexpr u64 kNumberedForSupervisor =
    bit_of(Interrupt::kSupervisorSoftware) | bit_of(Interrupt::kSupervisorTimer);

/// What can be enabled in sie, and so have a priority there.
u64 writable_in_sie(const Core& core) {
  return core.csr.mideleg | core.csr.mvien;
}

unsigned number(const Priorities& priorities, u64 numbered, Interrupt interrupt,
                Interrupt external) {
  if (interrupt == external) return kUnnumbered;
  const unsigned own = (numbered & bit_of(interrupt)) != 0
                           ? priorities[static_cast<unsigned>(interrupt)]
                           : 0;
  return own != 0 ? own : kLast;
}

struct Top {
  Interrupt interrupt;
  unsigned number;
};
Top top_of(u64 set, const Priorities& priorities, u64 numbered, Interrupt external) {
  Top top{external, kLast + 1};
  for (const Interrupt interrupt : kByDefault) {
    if ((set & bit_of(interrupt)) == 0) continue;
    const unsigned its = number(priorities, numbered, interrupt, external);
    if (its < top.number) top = {interrupt, its};
  }
  return top;
}
Top top_for_machine(const Core& core, u64 set) {
  return top_of(set, core.csr.machine_priorities, kNumberedForMachine, Interrupt::kMachineExternal);
}
Top top_for_supervisor(const Core& core, u64 set) {
  return top_of(set, core.csr.supervisor_priorities,
                kNumberedForSupervisor & writable_in_sie(core), Interrupt::kSupervisorExternal);
}

u64 as_register(const Top& top) {
  constexpr unsigned kMost = 255;
  return u64{static_cast<unsigned>(top.interrupt)} << 16 |
         (top.number > kMost ? kMost : top.number);
}

/// Eight priorities, one a byte. Interrupts from 16 on are not there.
u64 eight(const Priorities& priorities, u64 numbered, u64 select) {
  u64 value = 0;
  const u64 first = (select - 0x30) * 4;
  for (u64 i = 0; i < 8 && first < priorities.size(); ++i)
    if ((numbered >> (first + i) & 1) != 0) value |= u64{priorities[first + i]} << (8 * i);
  return value;
}
void set_eight(Priorities& priorities, u64 numbered, u64 select, u64 value) {
  const u64 first = (select - 0x30) * 4;
  for (u64 i = 0; i < 8 && first < priorities.size(); ++i)
    if ((numbered >> (first + i) & 1) != 0)
      priorities[first + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace

u64 pending_for_machine(const Core& core) {
  return pending_interrupts(core) & core.csr.mie & ~core.csr.mideleg;
}
u64 pending_for_supervisor(const Core& core) {
  return aia::supervisor_pending(core) & aia::supervisor_enabled(core);
}
Interrupt first_for_machine(const Core& core, u64 set) {
  return top_for_machine(core, set).interrupt;
}
Interrupt first_for_supervisor(const Core& core, u64 set) {
  return top_for_supervisor(core, set).interrupt;
}

namespace aia {

// SPEC: 5.3. While a bit of mvien is clear, that of mvip is an alias: SSIP of mip's, SEIP of the
// software-writable one, STIP of mip's where that can be written.
u64 virtual_pending(const Core& core) {
  constexpr u64 kSoftware = bit_of(Interrupt::kSupervisorSoftware);
  constexpr u64 kTimer = bit_of(Interrupt::kSupervisorTimer);
  const Csrs& csr = core.csr;
  u64 value = csr.mip_written & (kVirtual | kTimer);
  if ((csr.mvien & kSoftware) != 0) value = (value & ~kSoftware) | (csr.mvip & kSoftware);
  return supervisor_timer_enabled(core) ? value & ~kTimer : value;
}

void set_virtual_pending(Core& core, u64 value) {
  constexpr u64 kSoftware = bit_of(Interrupt::kSupervisorSoftware);
  constexpr u64 kTimer = bit_of(Interrupt::kSupervisorTimer);
  Csrs& csr = core.csr;
  u64 mask = kVirtual | (supervisor_timer_enabled(core) ? 0 : kTimer);
  if ((csr.mvien & kSoftware) != 0) {
    csr.mvip = value & kSoftware;
    mask &= ~kSoftware;
  }
  csr.mip_written = (csr.mip_written & ~mask) | (value & mask);
  core.signals.look_again();
}

u64 supervisor_pending(const Core& core) {
  const Csrs& csr = core.csr;
  const u64 filtered = csr.mvien & ~csr.mideleg;
  return (pending_interrupts(core) & csr.mideleg) | (virtual_pending(core) & filtered);
}

u64 supervisor_enabled(const Core& core) {
  const Csrs& csr = core.csr;
  return (csr.mie & csr.mideleg) | (csr.sie_virtual & csr.mvien & ~csr.mideleg);
}

u64 machine_top(const Core& core) {
  const u64 set = pending_for_machine(core);
  return set == 0 ? 0 : as_register(top_for_machine(core, set));
}
u64 supervisor_top(const Core& core) {
  const u64 set = pending_for_supervisor(core);
  return set == 0 ? 0 : as_register(top_for_supervisor(core, set));
}

u64 machine_priorities(const Core& core) {
  return eight(core.csr.machine_priorities, kNumberedForMachine, core.csr.miselect);
}
void set_machine_priorities(Core& core, u64 value) {
  set_eight(core.csr.machine_priorities, kNumberedForMachine, core.csr.miselect, value);
  core.signals.look_again();
}
u64 supervisor_priorities(const Core& core) {
  return eight(core.csr.supervisor_priorities, kNumberedForSupervisor & writable_in_sie(core),
               core.csr.siselect);
}
void set_supervisor_priorities(Core& core, u64 value) {
  set_eight(core.csr.supervisor_priorities, kNumberedForSupervisor & writable_in_sie(core),
            core.csr.siselect, value);
  core.signals.look_again();
}

}  // namespace aia
}  // namespace holdfast::cpu::riscv
