// SPDX-License-Identifier: Apache-2.0
// The state of one hart, as its instructions see it. Only the hart's thread touches it, `signals`
// apart; `Hart` is the face it shows to others.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <unordered_set>

#include "holdfast/cpu/riscv/code_cache.hpp"
#include "holdfast/cpu/riscv/csr.hpp"
#include "holdfast/cpu/riscv/instruction.hpp"
#include "holdfast/cpu/riscv/isa.hpp"
#include "holdfast/cpu/riscv/mmu.hpp"
#include "holdfast/cpu/riscv/pmp.hpp"
#include "holdfast/cpu/riscv/signals.hpp"
#include "holdfast/cpu/riscv/time_source.hpp"
#include "holdfast/hw/interrupt_file.hpp"

namespace holdfast::cpu::riscv {

struct Core {
  Core(const HartConfig& hart_config, memory::Port& port, const TimeSource& time_source)
      : config{hart_config},
        time{time_source},
        mmu{port, pmp, exception},
        code{mmu, hart_config.isa} {
    configure(hart_config);
  }

  /// Makes it another hart, in its state after reset.
  void configure(const HartConfig& hart_config);

  // Registers.
  std::array<std::uint64_t, 33> x{};  // the last one takes what is written to x0
  std::array<std::uint64_t, 32> f{};
  std::uint64_t pc = 0;
  Privilege privilege = Privilege::kMachine;
  Csrs csr;

  // The block being run. `pc` is only right between blocks.
  std::uint64_t block_page = 0;  // virtual page of its instructions
  const Instruction* block_first = nullptr;
  std::uint64_t retired = 0;  // instructions, those of the block being run not included

  Exception exception;   // of the instruction that ended with kTrap
  bool waiting = false;  // in WFI
  bool idling = false;   // executed PAUSE, or WFI and has not waited yet
  bool host_call = false;  // at a semihosting call, which is to be done by whoever runs the hart

  HartConfig config;
  std::unordered_set<std::uint64_t> traced_blocks;  // for -d in_asm: what was shown
  std::atomic<unsigned> fence{0};  // what full_fence() exchanges
  const TimeSource& time;          // the machine's, outlives it
  Signals signals;
  // Its interrupt files, of both levels or of none.
  Ref<hw::InterruptFile> machine_file;
  Ref<hw::InterruptFile> supervisor_file;
  Pmp pmp;
  Mmu mmu;
  CodeCache code;

  std::uint64_t pc_of(const Instruction& i) const { return block_page + i.page_offset; }
  std::uint64_t retired_before(const Instruction& i) const {
    return retired + static_cast<std::uint64_t>(&i - block_first);
  }

  Flow raise(Cause cause, std::uint64_t value) {
    exception = {cause, value};
    return Flow::kTrap;
  }
  Flow illegal(const Instruction& i) { return raise(Cause::kIllegalInstruction, i.raw); }

  /// To be called when privilege or mstatus changed: what accesses are checked against follows.
  void privilege_changed();
  /// Back to the state after reset; memory and pins stay as they are.
  void reset();
};

}  // namespace holdfast::cpu::riscv
