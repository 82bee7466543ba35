// SPDX-License-Identifier: Apache-2.0
// Loads and stores, fences between them, floating-point loads and stores, and cache blocks.
#include <type_traits>

#include "holdfast/cpu/riscv/exec.hpp"

namespace holdfast::cpu::riscv {
namespace {

constexpr u64 kBoxed = 0xffffffff'00000000;  // a single in a double's register has all ones above

/// Sign-extends signed types, zero-extends the others.
template <class T>
Flow load(Core& core, const Instruction& i) {
  std::make_unsigned_t<T> value;
  const Flow flow = core.mmu.load(core.x[i.rs1] + extend(i.immediate), value);
  if (flow != Flow::kTrap) [[likely]] {
    if constexpr (std::is_signed_v<T>)
      core.x[i.rd] = static_cast<u64>(static_cast<i64>(static_cast<T>(value)));
    else
      core.x[i.rd] = value;
  }
  return flow;
}

template <class T>
Flow store(Core& core, const Instruction& i) {
  return core.mmu.store(core.x[i.rs1] + extend(i.immediate), static_cast<T>(core.x[i.rs2]));
}

template <class T>
Flow load_float(Core& core, const Instruction& i) {
  if ((core.csr.mstatus & mstatus::kFs) == 0) return core.illegal(i);
  T value;
  const Flow flow = core.mmu.load(core.x[i.rs1] + extend(i.immediate), value);
  if (flow == Flow::kTrap) return flow;
  core.f[i.rd] = sizeof(T) == 4 ? kBoxed | value : value;
  core.csr.mstatus |= mstatus::kFs;
  return flow;
}

template <class T>
Flow store_float(Core& core, const Instruction& i) {
  if ((core.csr.mstatus & mstatus::kFs) == 0) return core.illegal(i);
  return core.mmu.store(core.x[i.rs1] + extend(i.immediate), static_cast<T>(core.f[i.rs2]));
}

/// PAUSE is a fence that orders nothing, by which loops say that they wait for another hart.
Flow fence(Core& core, const Instruction& i) {
  constexpr std::uint32_t kPause = 0x0100'000f;
  if (i.raw == kPause) {
    core.idling = true;
    core.signals.look_again();
    return Flow::kEnd;
  }
  full_fence(core.fence);
  return Flow::kNext;
}

Flow fence_instructions(Core& core, const Instruction&) {
  full_fence(core.fence);
  core.code.synchronize();
  return Flow::kEnd;
}

// Zicbom and Zicboz. There are no caches to be seen, so what manages them only checks that it may.
// SPEC: RISC-V Base Cache Management Operation ISA Extensions 1.0.1, chapters 2 and 3.

/// Whether menvcfg lets S-mode use the instruction, and senvcfg U-mode.
bool environment_permits(const Core& core, u64 bits) {
  if (core.privilege == Privilege::kMachine) return true;
  if ((core.csr.menvcfg & bits) == 0) return false;
  return core.privilege == Privilege::kSupervisor || (core.csr.senvcfg & bits) != 0;
}

template <u64 Enable>
Flow manage_block(Core& core, const Instruction& i) {
  if (!environment_permits(core, Enable)) return core.illegal(i);
  return core.mmu.touch_block(core.x[i.rs1], core.config.clean_block);
}

Flow zero_block(Core& core, const Instruction& i) {
  if (!environment_permits(core, menvcfg::kCbze)) return core.illegal(i);
  return core.mmu.zero_block(core.x[i.rs1], core.config.zero_block);
}

constexpr Row block_row(const char* name, std::uint32_t f12, Extension extension, Handler run) {
  return {name, 0xfff07fff, funct3(0x0f, 2) | f12 << 20, Format::kI, extension, run};
}

constexpr Row load_row(const char* name, std::uint32_t f3, Handler run) {
  return {name, kMaskFunct3, funct3(0x03, f3), Format::kI, Extension::kI, run};
}
constexpr Row store_row(const char* name, std::uint32_t f3, Handler run) {
  return {name, kMaskFunct3, funct3(0x23, f3), Format::kS, Extension::kI, run};
}

constexpr Row kRows[] = {
    load_row("lb", 0, load<std::int8_t>),
    load_row("lh", 1, load<std::int16_t>),
    load_row("lw", 2, load<std::int32_t>),
    load_row("ld", 3, load<std::int64_t>),
    load_row("lbu", 4, load<std::uint8_t>),
    load_row("lhu", 5, load<std::uint16_t>),
    load_row("lwu", 6, load<std::uint32_t>),
    store_row("sb", 0, store<std::uint8_t>),
    store_row("sh", 1, store<std::uint16_t>),
    store_row("sw", 2, store<std::uint32_t>),
    store_row("sd", 3, store<std::uint64_t>),
    {"flw", kMaskFunct3, funct3(0x07, 2), Format::kFloatLoad, Extension::kF, load_float<u32>},
    {"fld", kMaskFunct3, funct3(0x07, 3), Format::kFloatLoad, Extension::kD, load_float<u64>},
    {"fsw", kMaskFunct3, funct3(0x27, 2), Format::kS, Extension::kF, store_float<u32>},
    {"fsd", kMaskFunct3, funct3(0x27, 3), Format::kS, Extension::kD, store_float<u64>},
    block_row("cbo.inval", 0, Extension::kZicbom, manage_block<menvcfg::kCbie>),
    block_row("cbo.clean", 1, Extension::kZicbom, manage_block<menvcfg::kCbcfe>),
    block_row("cbo.flush", 2, Extension::kZicbom, manage_block<menvcfg::kCbcfe>),
    block_row("cbo.zero", 4, Extension::kZicboz, zero_block),
    {"fence", kMaskFunct3, funct3(0x0f, 0), Format::kNone, Extension::kI, fence},
    {"fence.i", kMaskFunct3, funct3(0x0f, 1), Format::kNone, Extension::kZifencei,
     fence_instructions, Ends::kYes},
};

}  // namespace

std::span<const Row> memory_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
