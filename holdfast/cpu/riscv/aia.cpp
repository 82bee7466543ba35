// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/aia.hpp"

#include "holdfast/cpu/riscv/trap.hpp"

namespace holdfast::cpu::riscv {
namespace {

using u64 = std::uint64_t;
using File = hw::InterruptFile;
using Priorities = Csrs::Priorities;

/// Of the base architecture: machine before supervisor, external before software before timer.
constexpr Interrupt kByDefault[] = {Interrupt::kMachineExternal,    Interrupt::kMachineSoftware,
                                    Interrupt::kMachineTimer,       Interrupt::kSupervisorExternal,
                                    Interrupt::kSupervisorSoftware, Interrupt::kSupervisorTimer};
constexpr unsigned kUnnumbered = 256;  // an external interrupt by a wire
constexpr unsigned kLast = 4096;  // no number, and by default behind the external interrupt

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

/// How the interrupts of a level are ordered.
struct Order {
  const Priorities& priorities;
  u64 numbered;         // those whose priority counts
  Interrupt external;   // the level's own
  const Ref<File>& file;  // from which it comes, if it is a message

  unsigned number(Interrupt interrupt) const {
    if (interrupt == external) {
      const unsigned identity = file && file->delivery() != 0 ? file->top() : 0;
      return identity != 0 ? identity : kUnnumbered;
    }
    const unsigned own =
        (numbered & bit_of(interrupt)) != 0 ? priorities[static_cast<unsigned>(interrupt)] : 0;
    return own != 0 ? own : kLast;
  }
};

struct Top {
  Interrupt interrupt;
  unsigned number;
};
Top top_of(u64 set, const Order& order) {
  Top top{order.external, kLast + 1};
  for (const Interrupt interrupt : kByDefault) {
    if ((set & bit_of(interrupt)) == 0) continue;
    const unsigned its = order.number(interrupt);
    if (its < top.number) top = {interrupt, its};
  }
  return top;
}
Top top_for_machine(const Core& core, u64 set) {
  return top_of(set, {core.csr.machine_priorities, kNumberedForMachine, Interrupt::kMachineExternal,
                      core.machine_file});
}
Top top_for_supervisor(const Core& core, u64 set) {
  return top_of(set, {core.csr.supervisor_priorities, kNumberedForSupervisor & writable_in_sie(core),
                      Interrupt::kSupervisorExternal, core.supervisor_file});
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

// SPEC: 2.1 and 3.8: with 64 bits the odd ones are not there.
constexpr bool selects_priorities(u64 select) {
  return select >= 0x30 && select <= 0x3f && select % 2 == 0;
}
constexpr u64 kDelivery = 0x70, kThreshold = 0x72, kPending = 0x80, kEnabled = 0xc0, kFileEnd = 0x100;
constexpr bool selects_file(u64 select) {
  return select == kDelivery || select == kThreshold ||
         (select >= kPending && select < kFileEnd && select % 2 == 0);
}

struct FileWord {
  File::Bits bits;
  unsigned word;
};
constexpr FileWord file_word(u64 select) {
  return select < kEnabled
             ? FileWord{File::Bits::kPending, static_cast<unsigned>(select - kPending) / 2}
             : FileWord{File::Bits::kEnabled, static_cast<unsigned>(select - kEnabled) / 2};
}

u64 of_file(const Ref<File>& file, u64 select) {
  if (!file || !selects_file(select)) return 0;
  if (select == kDelivery) return file->delivery();
  if (select == kThreshold) return file->threshold();
  const auto [bits, word] = file_word(select);
  return file->bits(bits, word);
}
u64 change_file(const Ref<File>& file, u64 select, File::Change change) {
  if (!file || !selects_file(select)) return 0;
  if (select >= kPending) {
    const auto [bits, word] = file_word(select);
    return file->change(bits, word, change);
  }
  const u64 old = of_file(file, select);
  if (select == kDelivery)
    file->set_delivery(change.of(old));
  else
    file->set_threshold(change.of(old));
  return old;
}

/// The first message as mtopei and stopei show it: its identity, which is its priority too.
u64 first_of(const Ref<File>& file) {
  const u64 identity = file ? file->top() : 0;
  return identity << 16 | identity;
}
u64 claim(Core& core, const Ref<File>& file) {
  const u64 first = first_of(file);
  if (first != 0) file->claim(static_cast<unsigned>(first >> 16));
  core.signals.look_again();
  return first;
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

u64 signalled(const Core& core) {
  u64 bits = 0;
  if (core.machine_file && core.machine_file->signals()) bits |= bit_of(Interrupt::kMachineExternal);
  if (core.supervisor_file && core.supervisor_file->signals())
    bits |= bit_of(Interrupt::kSupervisorExternal);
  return bits;
}

bool may_use_mireg(const Core& core) {
  const u64 select = core.csr.miselect;
  return selects_priorities(select) || (core.machine_file && selects_file(select));
}
bool may_use_sireg(const Core& core) {
  const u64 select = core.csr.siselect;
  return selects_priorities(select) || (may_use_stopei(core) && selects_file(select));
}
bool may_use_mtopei(const Core& core) {
  return static_cast<bool>(core.machine_file);
}
// SPEC: 5.3: while M-mode keeps SEIP from S-mode (mvien), it keeps the interrupt file from it, too.
bool may_use_stopei(const Core& core) {
  constexpr u64 kExternal = bit_of(Interrupt::kSupervisorExternal);
  if (core.privilege == Privilege::kSupervisor && (core.csr.mvien & kExternal) != 0) return false;
  return static_cast<bool>(core.supervisor_file);
}

u64 mireg(const Core& core) {
  const Csrs& csr = core.csr;
  if (!selects_priorities(csr.miselect)) return of_file(core.machine_file, csr.miselect);
  return eight(csr.machine_priorities, kNumberedForMachine, csr.miselect);
}
void set_mireg(Core& core, u64 value) {
  Csrs& csr = core.csr;
  if (selects_priorities(csr.miselect))
    set_eight(csr.machine_priorities, kNumberedForMachine, csr.miselect, value);
  else
    change_file(core.machine_file, csr.miselect, {~u64{0}, value});
  core.signals.look_again();
}
u64 sireg(const Core& core) {
  const Csrs& csr = core.csr;
  if (!selects_priorities(csr.siselect)) return of_file(core.supervisor_file, csr.siselect);
  return eight(csr.supervisor_priorities, kNumberedForSupervisor & writable_in_sie(core), csr.siselect);
}
void set_sireg(Core& core, u64 value) {
  Csrs& csr = core.csr;
  if (selects_priorities(csr.siselect))
    set_eight(csr.supervisor_priorities, kNumberedForSupervisor & writable_in_sie(core), csr.siselect,
              value);
  else
    change_file(core.supervisor_file, csr.siselect, {~u64{0}, value});
  core.signals.look_again();
}

u64 mtopei(const Core& core) {
  return first_of(core.machine_file);
}
u64 stopei(const Core& core) {
  return first_of(core.supervisor_file);
}
void claim_mtopei(Core& core, u64) {
  claim(core, core.machine_file);
}
void claim_stopei(Core& core, u64) {
  claim(core, core.supervisor_file);
}

std::optional<u64> exchange(Core& core, unsigned number, std::optional<File::Change> change) {
  const bool machine = (number & 0x300) == 0x300;
  const Ref<File>& file = machine ? core.machine_file : core.supervisor_file;
  const u64 select = machine ? core.csr.miselect : core.csr.siselect;
  constexpr unsigned kTop = 0xff & 0x35c;
  if ((number & 0xff) == kTop) return change ? claim(core, file) : first_of(file);
  if (selects_priorities(select)) return std::nullopt;
  if (!change) return of_file(file, select);
  const u64 old = change_file(file, select, *change);
  core.signals.look_again();
  return old;
}

}  // namespace aia
}  // namespace holdfast::cpu::riscv
