// SPDX-License-Identifier: Apache-2.0
// One RISC-V hart: what the rest of the machine sees of it.
//
// `run` and everything else that is not said to be callable from any thread belongs to one thread
// at a time: the hart's own while it runs, whoever has paused it while it does not.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "holdfast/cpu/riscv/core.hpp"
#include "holdfast/cpu/riscv/isa.hpp"
#include "holdfast/cpu/riscv/time_source.hpp"
#include "holdfast/memory/port.hpp"

namespace holdfast::cpu::riscv {

/// Told when a hart that may be asleep has a reason to look up. Called from any thread; must not
/// wait.
class Waker {
 public:
  virtual void wake() = 0;

 protected:
  ~Waker() = default;
};

/// Why a slice ended.
enum class Stop : std::uint8_t {
  kBudget,     // the instructions it was given are used up
  kWaiting,    // in WFI, and no enabled interrupt is pending
  kIdling,     // it turns in a circle: PAUSE, a WFI that neither waits nor lets an interrupt in, or
               // what begin_turn() looks for
  kRequested,  // somebody called request_stop()
  kHostCall,   // at a semihosting call, until it is answered
};

class Hart {
 public:
  /// `port` and `time` belong to the machine and outlive the hart.
  Hart(const HartConfig& config, memory::Port& port, const TimeSource& time);

  /// Runs about `instructions` instructions in one read section of the port: the slice ends at the
  /// first block boundary at or behind them.
  Stop run(std::uint64_t instructions);
  /// Before the first `run` of a turn: that one ends with kIdling once the hart is back where it began
  /// without having changed anything, its registers and memory included: a short loop that waits for
  /// what somebody else stores. Whether it does depends on the state of the hart alone, and on memory.
  void begin_turn() { turn_begins_ = true; }

  /// Where its external interrupts come as messages, besides by pins. Only before anybody runs it.
  void set_interrupt_files(Ref<hw::InterruptFile> machine, Ref<hw::InterruptFile> supervisor);
  /// A message has come. Any thread, as set_interrupt.
  void notice_message();
  /// Drives an interrupt pin. Any thread, at any time; lock-free but for waking a sleeping thread.
  void set_interrupt(Interrupt interrupt, bool level);
  /// Makes `run` return soon, and the present `run` or the next one return kRequested. Any thread.
  void request_stop();
  bool stop_requested() const { return core_.signals.stop_requested(); }

  /// Whether WFI would end now: an interrupt enabled in mie is pending.
  bool wake_pending() const;
  /// mip as it reads, with the edges that are not in it yet.
  std::uint64_t pending() const;
  /// How long until stimecmp is reached, if a sleeping hart would be woken by it.
  std::optional<std::chrono::nanoseconds> time_to_wake() const;
  /// Who is to be told of pins and requests; nullptr for nobody. Only while the hart is not shared.
  void set_waker(Waker* waker) { waker_ = waker; }

  /// Makes it another hart, in its state after reset. Only before anybody runs it.
  void configure(const HartConfig& config) { core_.configure(config); }
  /// The state after reset, at the reset vector.
  void reset();
  /// The same, but starting at `pc` with the arguments firmware expects.
  void reset(std::uint64_t pc, std::uint64_t a0, std::uint64_t a1);

  const HartConfig& config() const { return core_.config; }
  std::uint64_t id() const { return core_.config.hart_id; }
  /// Instructions retired since the hart was made.
  std::uint64_t retired() const { return core_.retired; }
  std::uint64_t pc() const { return core_.pc; }
  Privilege privilege() const { return core_.privilege; }
  std::uint64_t integer(unsigned index) const { return index == 0 ? 0 : core_.x[index]; }
  std::uint64_t floating(unsigned index) const { return core_.f[index]; }
  /// A CSR as M-mode would read it; nothing if there is none of that number.
  std::optional<std::uint64_t> csr(unsigned number) const;

  /// Whether it stands at a semihosting call, and the result it goes on with.
  bool at_host_call() const { return core_.host_call; }
  void answer_host_call(std::uint64_t result);
  /// What stimecmp says, if a sleeping hart would be woken by it.
  std::optional<std::uint64_t> wake_tick() const;

  // For whoever starts or inspects a hart that does not run.
  /// Guest memory as the hart's loads and stores see it now: virtual addresses. False: some of it
  /// is not there, and then part of it may have been done.
  bool read_memory(std::uint64_t address, std::span<std::byte> bytes);
  bool write_memory(std::uint64_t address, std::span<const std::byte> bytes);
  /// Goes on from there, out of a WFI too.
  void set_pc(std::uint64_t pc);
  void set_privilege(Privilege privilege);
  void set_integer(unsigned index, std::uint64_t value);
  void set_floating(unsigned index, std::uint64_t value) { core_.f[index] = value; }
  /// As M-mode would write it. False: there is no such register, or it is read-only.
  bool set_csr(unsigned number, std::uint64_t value);

  /// The registers as text.
  std::string dump() const;

 private:
  Flow run_block(const Instruction* first);
  bool look_up(Stop& stop);
  Flow step(const Instruction* block, bool traced) {
    if (traced) [[unlikely]]
      trace(block);
    return run_block(block);
  }
  void trace(const Instruction* block);
  bool turns_in_circle(std::uint64_t end, bool traced);

  Core core_;
  bool turn_begins_ = false;
  Waker* waker_ = nullptr;  // the thread that runs this hart; it outlives the use of the pins
};

}  // namespace holdfast::cpu::riscv
