// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/csr.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "holdfast/cpu/riscv/aia.hpp"
#include "holdfast/cpu/riscv/core.hpp"
#include "holdfast/cpu/riscv/trap.hpp"

namespace holdfast::cpu::riscv {
namespace {

using u64 = std::uint64_t;

/// What must hold, beyond privilege, for a register to be there.
enum class Needs : std::uint8_t { kNothing, kFloat, kCounter, kMireg, kMtopei, kPmp, kSatp, kSireg, kSmaia, kSsaia, kStimecmp, kStopei };

struct CsrRow {
  unsigned number;
  const char* name;
  u64 (*read)(const Core&);
  void (*write)(Core&, u64);
  Needs needs = Needs::kNothing;
};

// Values ------------------------------------------------------------------------------------------

constexpr u64 kMachineInterrupts = 0xaaa;
constexpr u64 kSupervisorInterrupts = 0x222;
constexpr u64 kDelegableExceptions = 0xb3ff;  // all but ecall from M-mode
constexpr u64 kCounterMask = 0xffffffff;
constexpr u64 kSupervisorStatus = mstatus::kSie | mstatus::kSpie | mstatus::kSpp | mstatus::kFs |
                                  mstatus::kSum | mstatus::kMxr | mstatus::kUxl | mstatus::kSd;
constexpr u64 kWritableStatus = mstatus::kSie | mstatus::kMie | mstatus::kSpie | mstatus::kMpie |
                                mstatus::kSpp | mstatus::kMpp | mstatus::kFs | mstatus::kMprv |
                                mstatus::kSum | mstatus::kMxr | mstatus::kTvm | mstatus::kTw |
                                mstatus::kTsr;
constexpr u64 kSupervisorWritableStatus = kSupervisorStatus & kWritableStatus;

u64 zero(const Core&) {
  return 0;
}
void ignore(Core&, u64) {}

template <u64 Csrs::*Field>
u64 plain(const Core& core) {
  return core.csr.*Field;
}
template <u64 Csrs::*Field, u64 Mask = ~u64{0}>
void set_plain(Core& core, u64 value) {
  core.csr.*Field = value & Mask;
}
template <u64 Csrs::*Field>
void set_vector(Core& core, u64 value) {
  if ((value & 3) <= 1) core.csr.*Field = value;  // other modes are reserved: no change
}

// SPEC: volume II, 3.1.14: where instructions begin at multiples of 4 alone, bit 1 is zero, too.
template <u64 Csrs::*Field>
void set_return_address(Core& core, u64 value) {
  core.csr.*Field = value & (core.config.isa.has(Extension::kC) ? ~u64{1} : ~u64{3});
}

u64 status(const Core& core) {
  const u64 value = core.csr.mstatus;
  return (value & mstatus::kFs) == mstatus::kFs ? value | mstatus::kSd : value;
}
void set_status_bits(Core& core, u64 value, u64 mask) {
  Csrs& csr = core.csr;
  const u64 before = csr.mstatus;
  if ((value & mstatus::kMpp) == u64{2} << mstatus::kMppShift) mask &= ~mstatus::kMpp;
  if (!core.config.isa.has(Extension::kF)) mask &= ~mstatus::kFs;
  csr.mstatus = (before & ~mask) | (value & mask);
  const u64 changed = before ^ csr.mstatus;
  if ((changed & mstatus::kMxr) != 0)
    core.mmu.set_execute_readable((csr.mstatus & mstatus::kMxr) != 0);
  core.privilege_changed();
  core.signals.look_again();
}

u64 isa_register(const Core& core) {
  const IsaSet isa = core.config.isa;
  u64 value = u64{2} << 62 | 1u << ('S' - 'A') | 1u << ('U' - 'A');
  constexpr std::pair<Extension, char> kLetters[] = {{Extension::kI, 'I'}, {Extension::kM, 'M'},
                                                     {Extension::kA, 'A'}, {Extension::kF, 'F'},
                                                     {Extension::kD, 'D'}, {Extension::kC, 'C'}};
  for (const auto& [extension, letter] : kLetters)
    if (isa.has(extension)) value |= u64{1} << (letter - 'A');
  return value;
}

// Interrupts --------------------------------------------------------------------------------------

u64 writable_pending(const Core& core) {
  constexpr u64 kTimer = bit_of(Interrupt::kSupervisorTimer);
  constexpr u64 kExternal = bit_of(Interrupt::kSupervisorExternal);
  u64 mask = kSupervisorInterrupts & ~(core.csr.mvien & kExternal);
  return supervisor_timer_enabled(core) ? mask & ~kTimer : mask;
}
void set_pending(Core& core, u64 value) {
  const u64 mask = writable_pending(core);
  core.csr.mip_written = (core.csr.mip_written & ~mask) | (value & mask);
  core.signals.look_again();
}
void set_supervisor_pending(Core& core, u64 value) {
  constexpr u64 kSoftware = bit_of(Interrupt::kSupervisorSoftware);
  Csrs& csr = core.csr;
  const u64 mask = csr.mideleg & kSoftware;
  csr.mip_written = (csr.mip_written & ~mask) | (value & mask);
  if ((csr.mvien & ~csr.mideleg & kSoftware) != 0) csr.mvip = value & kSoftware;
  core.signals.look_again();
}
void set_supervisor_enabled(Core& core, u64 value) {
  Csrs& csr = core.csr;
  const u64 filtered = csr.mvien & ~csr.mideleg;
  csr.mie = (csr.mie & ~csr.mideleg) | (value & csr.mideleg);
  csr.sie_virtual = (csr.sie_virtual & ~filtered) | (value & filtered);
  core.signals.look_again();
}
void set_virtual_enabled(Core& core, u64 value) {
  core.csr.mvien = value & aia::kVirtual;
  core.signals.look_again();
}
void set_enabled(Core& core, u64 value, u64 mask) {
  core.csr.mie = (core.csr.mie & ~mask) | (value & mask);
  core.signals.look_again();
}
void set_delegated(Core& core, u64 value) {
  core.csr.mideleg = value & kSupervisorInterrupts;
  core.signals.look_again();
}

// The bits that stand for extensions the hart has.
u64 cache_block_bits(const Core& core) {
  const IsaSet isa = core.config.isa;
  return (isa.has(Extension::kZicbom) ? menvcfg::kCbie | menvcfg::kCbcfe : 0) |
         (isa.has(Extension::kZicboz) ? menvcfg::kCbze : 0);
}
u64 environment(const Core& core, u64 before, u64 value, u64 mask) {
  mask |= menvcfg::kFiom | cache_block_bits(core);
  constexpr u64 kReserved = u64{2} << 4;  // of CBIE: it stays what it was
  if ((value & menvcfg::kCbie) == kReserved) mask &= ~menvcfg::kCbie;
  return (before & ~mask) | (value & mask);
}
void set_environment(Core& core, u64 value) {
  const IsaSet isa = core.config.isa;
  const u64 mask = (isa.has(Extension::kSstc) ? menvcfg::kStce : 0) |
                   (isa.has(Extension::kSvadu) ? menvcfg::kAdue : 0);
  core.csr.menvcfg = environment(core, core.csr.menvcfg, value, mask);
  core.mmu.set_marking(marking(core.csr.menvcfg));
  core.signals.look_again();
}
void set_supervisor_environment(Core& core, u64 value) {
  core.csr.senvcfg = environment(core, core.csr.senvcfg, value, 0);
}
void set_stimecmp(Core& core, u64 value) {
  core.csr.stimecmp = value;
  core.signals.look_again();
}

void set_satp(Core& core, u64 value) {
  const u64 mode = value >> 60;
  const auto widest = static_cast<u64>(core.config.paging);
  if (mode != 0 && (mode < 8 || mode > widest)) return;  // no such mode: the write has no effect
  core.csr.satp = value;
  core.mmu.set_root(value);
}

// Counters ----------------------------------------------------------------------------------------
// While a CSR instruction runs, `core.retired` includes the instructions before it.

u64 cycle(const Core& core) {
  return core.csr.cycle.at(core.retired);
}
u64 instret(const Core& core) {
  return core.csr.instret.at(core.retired);
}
u64 time_now(const Core& core) {
  return core.time.ticks();
}
// The value written is what the next instruction reads: this one must not count.
void set_cycle(Core& core, u64 value) {
  core.csr.cycle.set(value, core.retired + 1);
}
void set_instret(Core& core, u64 value) {
  core.csr.instret.set(value, core.retired + 1);
}
void set_inhibit(Core& core, u64 value) {
  const u64 events = ((u64{1} << core.config.event_counters) - 1) << 3;
  core.csr.mcountinhibit = value & (5 | events);
  core.csr.cycle.run((value & 1) == 0, core.retired + 1);
  core.csr.instret.run((value & 4) == 0, core.retired + 1);
}

// Floating point ----------------------------------------------------------------------------------

u64 float_flags(const Core& core) {
  return core.csr.fflags;
}
u64 float_rounding(const Core& core) {
  return core.csr.frm;
}
u64 float_control(const Core& core) {
  return u64{core.csr.frm} << 5 | core.csr.fflags;
}
void set_float_flags(Core& core, u64 value) {
  core.csr.fflags = value & 0x1f;
  core.csr.mstatus |= mstatus::kFs;
}
void set_float_rounding(Core& core, u64 value) {
  core.csr.frm = value & 7;
  core.csr.mstatus |= mstatus::kFs;
}
void set_float_control(Core& core, u64 value) {
  set_float_flags(core, value);
  set_float_rounding(core, value >> 5);
}

// Protection --------------------------------------------------------------------------------------

template <unsigned Pair>
u64 pmp_config(const Core& core) {
  return core.pmp.config(Pair);
}
template <unsigned Pair>
void set_pmp_config(Core& core, u64 value) {
  core.pmp.set_config(Pair, value);
  core.mmu.flush();
}
template <unsigned Entry>
u64 pmp_address(const Core& core) {
  return core.pmp.address(Entry);
}
template <unsigned Entry>
void set_pmp_address(Core& core, u64 value) {
  core.pmp.set_address(Entry, value);
  core.mmu.flush();
}

// The table ---------------------------------------------------------------------------------------

constexpr u64 kSelectMask = 0xff;

constexpr CsrRow kRegisters[] = {
    {0x001, "fflags", float_flags, set_float_flags, Needs::kFloat},
    {0x002, "frm", float_rounding, set_float_rounding, Needs::kFloat},
    {0x003, "fcsr", float_control, set_float_control, Needs::kFloat},
    {0xc00, "cycle", cycle, ignore, Needs::kCounter},
    {0xc01, "time", time_now, ignore, Needs::kCounter},
    {0xc02, "instret", instret, ignore, Needs::kCounter},

    {0x100, "sstatus", [](const Core& c) { return status(c) & kSupervisorStatus; },
     [](Core& c, u64 v) { set_status_bits(c, v, kSupervisorWritableStatus); }},
    {0x104, "sie", aia::supervisor_enabled, set_supervisor_enabled},
    {0x105, "stvec", plain<&Csrs::stvec>, set_vector<&Csrs::stvec>},
    {0x106, "scounteren", plain<&Csrs::scounteren>, set_plain<&Csrs::scounteren, kCounterMask>},
    {0x10a, "senvcfg", plain<&Csrs::senvcfg>, set_supervisor_environment},
    {0x140, "sscratch", plain<&Csrs::sscratch>, set_plain<&Csrs::sscratch>},
    {0x141, "sepc", plain<&Csrs::sepc>, set_return_address<&Csrs::sepc>},
    {0x142, "scause", plain<&Csrs::scause>, set_plain<&Csrs::scause>},
    {0x143, "stval", plain<&Csrs::stval>, set_plain<&Csrs::stval>},
    {0x144, "sip", aia::supervisor_pending, set_supervisor_pending},
    {0x14d, "stimecmp", plain<&Csrs::stimecmp>, set_stimecmp, Needs::kStimecmp},
    {0x150, "siselect", plain<&Csrs::siselect>, set_plain<&Csrs::siselect, kSelectMask>,
     Needs::kSsaia},
    {0x151, "sireg", aia::sireg, aia::set_sireg, Needs::kSireg},
    {0x15c, "stopei", aia::stopei, aia::claim_stopei, Needs::kStopei},
    {0xdb0, "stopi", aia::supervisor_top, ignore, Needs::kSsaia},
    {0x180, "satp", plain<&Csrs::satp>, set_satp, Needs::kSatp},

    {0x300, "mstatus", status, [](Core& c, u64 v) { set_status_bits(c, v, kWritableStatus); }},
    {0x301, "misa", isa_register, ignore},
    {0x302, "medeleg", plain<&Csrs::medeleg>, set_plain<&Csrs::medeleg, kDelegableExceptions>},
    {0x303, "mideleg", plain<&Csrs::mideleg>, set_delegated},
    {0x304, "mie", plain<&Csrs::mie>,
     [](Core& c, u64 v) { set_enabled(c, v, kMachineInterrupts); }},
    {0x305, "mtvec", plain<&Csrs::mtvec>, set_vector<&Csrs::mtvec>},
    {0x306, "mcounteren", plain<&Csrs::mcounteren>, set_plain<&Csrs::mcounteren, kCounterMask>},
    {0x30a, "menvcfg", plain<&Csrs::menvcfg>, set_environment},
    {0x308, "mvien", plain<&Csrs::mvien>, set_virtual_enabled, Needs::kSmaia},
    {0x309, "mvip", aia::virtual_pending, aia::set_virtual_pending, Needs::kSmaia},
    {0x350, "miselect", plain<&Csrs::miselect>, set_plain<&Csrs::miselect, kSelectMask>,
     Needs::kSmaia},
    {0x351, "mireg", aia::mireg, aia::set_mireg, Needs::kMireg},
    {0x35c, "mtopei", aia::mtopei, aia::claim_mtopei, Needs::kMtopei},
    {0xfb0, "mtopi", aia::machine_top, ignore, Needs::kSmaia},
    {0x320, "mcountinhibit", plain<&Csrs::mcountinhibit>, set_inhibit},
    {0x340, "mscratch", plain<&Csrs::mscratch>, set_plain<&Csrs::mscratch>},
    {0x341, "mepc", plain<&Csrs::mepc>, set_return_address<&Csrs::mepc>},
    {0x342, "mcause", plain<&Csrs::mcause>, set_plain<&Csrs::mcause>},
    {0x343, "mtval", plain<&Csrs::mtval>, set_plain<&Csrs::mtval>},
    {0x344, "mip", pending_interrupts, set_pending},
    {0x3a0, "pmpcfg0", pmp_config<0>, set_pmp_config<0>, Needs::kPmp},
    {0x3a2, "pmpcfg2", pmp_config<1>, set_pmp_config<1>, Needs::kPmp},
    {0x3b0, "pmpaddr0", pmp_address<0>, set_pmp_address<0>, Needs::kPmp},
    {0x3b1, "pmpaddr1", pmp_address<1>, set_pmp_address<1>, Needs::kPmp},
    {0x3b2, "pmpaddr2", pmp_address<2>, set_pmp_address<2>, Needs::kPmp},
    {0x3b3, "pmpaddr3", pmp_address<3>, set_pmp_address<3>, Needs::kPmp},
    {0x3b4, "pmpaddr4", pmp_address<4>, set_pmp_address<4>, Needs::kPmp},
    {0x3b5, "pmpaddr5", pmp_address<5>, set_pmp_address<5>, Needs::kPmp},
    {0x3b6, "pmpaddr6", pmp_address<6>, set_pmp_address<6>, Needs::kPmp},
    {0x3b7, "pmpaddr7", pmp_address<7>, set_pmp_address<7>, Needs::kPmp},
    {0x3b8, "pmpaddr8", pmp_address<8>, set_pmp_address<8>, Needs::kPmp},
    {0x3b9, "pmpaddr9", pmp_address<9>, set_pmp_address<9>, Needs::kPmp},
    {0x3ba, "pmpaddr10", pmp_address<10>, set_pmp_address<10>, Needs::kPmp},
    {0x3bb, "pmpaddr11", pmp_address<11>, set_pmp_address<11>, Needs::kPmp},
    {0x3bc, "pmpaddr12", pmp_address<12>, set_pmp_address<12>, Needs::kPmp},
    {0x3bd, "pmpaddr13", pmp_address<13>, set_pmp_address<13>, Needs::kPmp},
    {0x3be, "pmpaddr14", pmp_address<14>, set_pmp_address<14>, Needs::kPmp},
    {0x3bf, "pmpaddr15", pmp_address<15>, set_pmp_address<15>, Needs::kPmp},

    // Triggers: one that is none, so a debugger finds there are none.
    {0x7a0, "tselect", zero, ignore},
    {0x7a1, "tdata1", zero, ignore},
    {0x7a2, "tdata2", zero, ignore},
    {0x7a3, "tdata3", zero, ignore},

    {0xb00, "mcycle", cycle, set_cycle},
    {0xb02, "minstret", instret, set_instret},
    {0xf11, "mvendorid", [](const Core& c) { return u64{c.config.vendor_id}; }, ignore},
    {0xf12, "marchid", [](const Core& c) { return c.config.architecture_id; }, ignore},
    {0xf13, "mimpid", [](const Core& c) { return c.config.implementation_id; }, ignore},
    {0xf14, "mhartid", [](const Core& c) { return c.config.hart_id; }, ignore},
    {0xf15, "mconfigptr", zero, ignore},
};

template <auto Field, unsigned Index>
void set_event(Core& core, u64 value) {
  if (Index < 3u + core.config.event_counters) (core.csr.*Field)[Index] = value;
}

/// The event counters: mhpmcounter3..31 and mhpmevent3..31 keep what is written, hpmcounter3..31
/// show it. SPEC: volume II, 3.1.10: those that the hart's configuration leaves out are zero and
/// stay so.
template <unsigned Index>
constexpr std::array<CsrRow, 3> kEvent{{
    {0xb00 + Index, "mhpmcounter", [](const Core& c) { return c.csr.event_counters[Index]; },
     set_event<&Csrs::event_counters, Index>},
    {0x320 + Index, "mhpmevent", [](const Core& c) { return c.csr.events[Index]; },
     set_event<&Csrs::events, Index>},
    {0xc00 + Index, "hpmcounter", [](const Core& c) { return c.csr.event_counters[Index]; }, ignore,
     Needs::kCounter}}};
constexpr auto kEvents = []<std::size_t... Index>(std::index_sequence<Index...>) {
  return std::array{kEvent<static_cast<unsigned>(Index)>...};
}(std::make_index_sequence<32>());

const CsrRow* find_event(unsigned number) {
  const unsigned index = number & 0x1f;
  if (index < 3) return nullptr;
  switch (number & ~0x1fu) {
    case 0xb00:
      return &kEvents[index][0];
    case 0x320:
      return &kEvents[index][1];
    case 0xc00:
      return &kEvents[index][2];
    default:
      return nullptr;
  }
}

constexpr auto kIndex = [] {
  std::array<std::uint8_t, 4096> index{};
  index.fill(0xff);
  for (std::size_t i = 0; i < std::size(kRegisters); ++i)
    index[kRegisters[i].number] = static_cast<std::uint8_t>(i);
  return index;
}();
static_assert(std::size(kRegisters) < 0xff);

const CsrRow* find(unsigned number) {
  const std::uint8_t i = kIndex[number & 0xfff];
  return i == 0xff ? find_event(number) : &kRegisters[i];
}

/// cycle, time and instret are Zicntr's, the others Zihpm's.
bool counter_exists(const Core& core, unsigned number) {
  return core.config.isa.has((number & 0x1f) < 3 ? Extension::kZicntr : Extension::kZihpm);
}

bool counter_permitted(const Core& core, unsigned number) {
  if (!counter_exists(core, number)) return false;
  const u64 bit = u64{1} << (number & 0x1f);
  if (core.privilege == Privilege::kMachine) return true;
  if ((core.csr.mcounteren & bit) == 0) return false;
  return core.privilege == Privilege::kSupervisor || (core.csr.scounteren & bit) != 0;
}

bool stimecmp_permitted(const Core& core) {
  if (!core.config.isa.has(Extension::kSstc)) return false;
  if (core.privilege == Privilege::kMachine) return true;
  return supervisor_timer_enabled(core) && (core.csr.mcounteren & 2) != 0;
}

bool meets(const Core& core, unsigned number, Needs needs) {
  switch (needs) {
    case Needs::kFloat:
      return (core.csr.mstatus & mstatus::kFs) != 0;
    case Needs::kCounter:
      return counter_permitted(core, number);
    case Needs::kSmaia:
      return core.config.isa.has(Extension::kSmaia);
    case Needs::kSsaia:
      return core.config.isa.has(Extension::kSsaia);
    case Needs::kMireg:
      return core.config.isa.has(Extension::kSmaia) && aia::may_use_mireg(core);
    case Needs::kMtopei:
      return core.config.isa.has(Extension::kSmaia) && aia::may_use_mtopei(core);
    case Needs::kSireg:
      return core.config.isa.has(Extension::kSsaia) && aia::may_use_sireg(core);
    case Needs::kStopei:
      return core.config.isa.has(Extension::kSsaia) && aia::may_use_stopei(core);
    case Needs::kPmp:
      return core.config.isa.has(Extension::kPmp);
    case Needs::kSatp:
      return core.privilege != Privilege::kSupervisor || (core.csr.mstatus & mstatus::kTvm) == 0;
    case Needs::kStimecmp:
      return stimecmp_permitted(core);
    default:
      return true;
  }
}

}  // namespace

bool may_use_csr(const Core& core, unsigned number, CsrUse use) {
  if (use == CsrUse::kWrite && is_read_only_csr(number)) return false;
  if (static_cast<unsigned>(core.privilege) < (number >> 8 & 3)) return false;
  const CsrRow* row = find(number);
  return row != nullptr && meets(core, number, row->needs);
}

u64 read_csr(const Core& core, unsigned number) {
  return find(number)->read(core);
}

u64 read_csr_for_update(const Core& core, unsigned number) {
  // SPEC: volume II, 3.1.9: the external pin shows in SEIP but is not written back.
  constexpr u64 kExternal = bit_of(Interrupt::kSupervisorExternal);
  const u64 value = read_csr(core, number);
  if (number != csr::kMip) return value;
  return (value & ~kExternal) | (core.csr.mip_written & kExternal);
}

void write_csr(Core& core, unsigned number, u64 value) {
  find(number)->write(core, value);
}

const char* csr_name(unsigned number) {
  const CsrRow* row = find(number);
  return row == nullptr ? nullptr : row->name;
}

}  // namespace holdfast::cpu::riscv
