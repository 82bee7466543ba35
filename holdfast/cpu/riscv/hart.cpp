// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/hart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "holdfast/cpu/riscv/aia.hpp"
#include "holdfast/cpu/riscv/trace.hpp"
#include "holdfast/cpu/riscv/trap.hpp"

namespace holdfast::cpu::riscv {
namespace {

/// Whether all that the instruction changes is an integer register or the pc, and all that it reads
/// besides is memory.
bool is_quiet(const Instruction& i) {
  const std::uint32_t word =
      i.length == 2 ? expand_compressed(static_cast<std::uint16_t>(i.raw)) : i.raw;
  constexpr std::uint32_t kFence = 0x0f, kFunct3 = 7U << 12U, kPause = 0x0100'000f;
  switch (word & 0x7fU) {
    case 0x03:  // LOAD
    case 0x13:  // OP-IMM
    case 0x17:  // AUIPC
    case 0x1b:  // OP-IMM-32
    case 0x33:  // OP
    case 0x37:  // LUI
    case 0x3b:  // OP-32
    case 0x63:  // BRANCH
    case 0x67:  // JALR
    case 0x6f:  // JAL
      return true;
    case kFence: return (word & kFunct3) == 0 && word != kPause;
    default: return false;
  }
}

}  // namespace

Hart::Hart(const HartConfig& config, memory::Port& port, const TimeSource& time)
    : core_{config, port, time} {
  core_.reset();
}

Flow Hart::run_block(const Instruction* first) {
  core_.block_page = core_.pc & kPageMask;
  core_.block_first = first;
  const Instruction* i = first;
  Flow flow;
  while ((flow = i->run(core_, *i)) == Flow::kNext) ++i;

  core_.retired = core_.retired_before(*i);
  if (flow == Flow::kTrap) {
    take_exception(core_, core_.pc_of(*i));
    return flow;
  }
  if (i->length != 0) ++core_.retired;
  if (flow == Flow::kEnd) core_.pc = core_.pc_of(*i) + i->length;
  return flow;
}

/// Between blocks, when attention is asked for. True: the slice ends.
bool Hart::look_up(Stop& stop) {
  core_.signals.take_attention();
  take_edges(core_);
  if (core_.signals.take_stop()) {
    core_.signals.look_again();  // whatever else there was is still to be looked at
    stop = Stop::kRequested;
    return true;
  }
  if (core_.host_call) {
    core_.signals.look_again();
    stop = Stop::kHostCall;
    return true;
  }
  if (core_.waiting) {
    if (!wake_pending()) {
      core_.idling = false;
      stop = Stop::kWaiting;
      return true;
    }
    core_.waiting = false;
  }
  const bool interrupted = take_interrupt(core_);
  if (!std::exchange(core_.idling, false) || interrupted) return false;
  stop = Stop::kIdling;
  return true;
}

void Hart::trace(const Instruction* block) {
  trace_block(core_, block, [this] { return dump(); });
}

/// Runs some blocks, up to the first that did more than to load and compute. True: it is back where it
/// was, and nothing is changed. No interrupt is looked for meanwhile: such blocks raise none.
bool Hart::turns_in_circle(std::uint64_t end, bool traced) {
  constexpr unsigned kMostBlocks = 8;
  const auto registers = core_.x;
  const std::uint64_t pc = core_.pc;
  const std::uint64_t device_loads = core_.mmu.device_loads();
  for (unsigned i = 0; i < kMostBlocks && core_.retired < end; ++i) {
    const Instruction* block = core_.code.find(core_.pc, core_.privilege);
    if (block == nullptr || !is_quiet(*block)) return false;
    const std::uint64_t before = core_.retired;
    if (step(block, traced) == Flow::kTrap) return false;
    if (!std::all_of(block, block + (core_.retired - before), is_quiet)) return false;
    if (core_.pc == pc)
      return std::equal(registers.begin(), registers.end() - 1, core_.x.begin()) &&
             core_.mmu.device_loads() == device_loads;
  }
  return false;
}

Stop Hart::run(std::uint64_t instructions) {
  const auto section = core_.mmu.enter();
  core_.mmu.begin_slice();
  // stimecmp is compared once a slice.
  if (core_.waiting || supervisor_timer_enabled(core_)) core_.signals.look_again();
  const bool traced = traces_blocks();
  Stop stop = Stop::kBudget;
  std::uint64_t end = core_.retired + instructions;
  if (turn_begins_) {
    if (core_.signals.attention() && look_up(stop)) {
      turn_begins_ = stop == Stop::kRequested;  // nothing has happened yet
      return stop;
    }
    turn_begins_ = false;
    if (turns_in_circle(end, traced)) return Stop::kIdling;
  }
  while (core_.retired < end) {
    if (core_.signals.attention() && look_up(stop)) return stop;
    // A handler that cannot be fetched, or whose first instruction traps, retires nothing, and the slice
    // must still end.
    const std::uint64_t retired = core_.retired;
    if (const Instruction* block = core_.code.find(core_.pc, core_.privilege)) [[likely]] {
      if (step(block, traced) == Flow::kTrap && core_.retired == retired) [[unlikely]]
        --end;
    } else {
      take_exception(core_, core_.pc);
      --end;
    }
  }
  return stop;
}

void Hart::set_interrupt(Interrupt interrupt, bool level) {
  core_.signals.set_pin(interrupt, level);
  if (level && waker_ != nullptr) waker_->wake();
}

void Hart::request_stop() {
  core_.signals.request_stop();
  if (waker_ != nullptr) waker_->wake();
}

void Hart::set_interrupt_files(Ref<hw::InterruptFile> machine, Ref<hw::InterruptFile> supervisor) {
  core_.machine_file = std::move(machine);
  core_.supervisor_file = std::move(supervisor);
}

void Hart::notice_message() {
  core_.signals.notice();
  if (waker_ != nullptr) waker_->wake();
}

bool Hart::wake_pending() const {
  const std::uint64_t edges = core_.signals.edges() & core_.csr.mie;
  return (pending_for_machine(core_) | pending_for_supervisor(core_) | edges) != 0;
}

std::uint64_t Hart::pending() const {
  return pending_interrupts(core_) | core_.signals.edges();
}

std::optional<std::uint64_t> Hart::wake_tick() const {
  if (!supervisor_timer_enabled(core_)) return std::nullopt;
  if ((core_.csr.mie & bit_of(Interrupt::kSupervisorTimer)) == 0) return std::nullopt;
  return core_.csr.stimecmp;
}

std::optional<std::chrono::nanoseconds> Hart::time_to_wake() const {
  const auto tick = wake_tick();
  if (!tick) return std::nullopt;
  return core_.time.until(*tick);
}

void Hart::answer_host_call(std::uint64_t result) {
  if (!core_.host_call) return;
  core_.host_call = false;
  core_.x[10] = result;
}

void Hart::reset() {
  core_.reset();
}

void Hart::reset(std::uint64_t pc, std::uint64_t a0, std::uint64_t a1) {
  core_.reset();
  core_.pc = pc;
  core_.x[10] = a0;
  core_.x[11] = a1;
}

void Hart::set_pc(std::uint64_t pc) {
  core_.pc = pc;
  core_.waiting = false;
}

void Hart::set_integer(unsigned index, std::uint64_t value) {
  if (index != 0) core_.x[index] = value;
}

bool Hart::read_memory(std::uint64_t address, std::span<std::byte> bytes) {
  const auto section = core_.mmu.enter();
  core_.mmu.begin_slice();
  for (std::byte& byte : bytes) {
    std::uint8_t value = 0;
    if (core_.mmu.load(address++, value) == Flow::kTrap) return false;
    byte = std::byte{value};
  }
  return true;
}

bool Hart::write_memory(std::uint64_t address, std::span<const std::byte> bytes) {
  const auto section = core_.mmu.enter();
  core_.mmu.begin_slice();
  for (const std::byte byte : bytes)
    if (core_.mmu.store(address++, std::to_integer<std::uint8_t>(byte)) == Flow::kTrap) return false;
  return true;
}

std::optional<std::uint64_t> Hart::csr(unsigned number) const {
  if (csr_name(number) == nullptr) return std::nullopt;
  return read_csr(core_, number);
}

bool Hart::set_csr(unsigned number, std::uint64_t value) {
  if (csr_name(number) == nullptr || is_read_only_csr(number)) return false;
  write_csr(core_, number, value);
  return true;
}

void Hart::set_privilege(Privilege privilege) {
  core_.privilege = privilege;
  core_.privilege_changed();
  core_.signals.look_again();
}

std::string Hart::dump() const {
  constexpr const char* kNames[] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                    "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                    "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                    "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
  constexpr unsigned kShown[] = {0x300, 0x304, 0x344, 0x302, 0x303, 0x305, 0x341, 0x342,
                                 0x343, 0x105, 0x141, 0x142, 0x143, 0x180, 0xb02};
  std::string text = fmt::format("hart {}  pc {:016x}  mode {}\n", id(), core_.pc,
                                 "US?M"[static_cast<unsigned>(core_.privilege)]);
  for (unsigned i = 0; i < 32; ++i)
    fmt::format_to(std::back_inserter(text), "{:>4} {:016x}{}", kNames[i], integer(i),
                   i % 4 == 3 ? '\n' : ' ');
  unsigned column = 0;
  for (const unsigned number : kShown)
    fmt::format_to(std::back_inserter(text), "{:>8} {:016x}{}", csr_name(number),
                   read_csr(core_, number), ++column % 3 == 0 ? '\n' : ' ');
  return text;
}

}  // namespace holdfast::cpu::riscv
