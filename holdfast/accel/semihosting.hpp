// SPDX-License-Identifier: Apache-2.0
// Semihosting: what a guest asks of the host by an EBREAK between two marks. Files, a console, the
// time, its command line, and the end of the machine with an exit status.
//
// SPEC: RISC-V Semihosting 1.0, which takes its operations from "Semihosting for AArch32 and AArch64"
// 2.0, with words of 64 bits. SYS_SYSTEM is refused: a guest runs no commands on the host.
// Calls are performed on the hart's thread, between slices, in no section. One that waits for input
// leaves the hart where it stands; input that comes asks it to look again.
// Owned by whoever made the machine; outlives its harts.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "holdfast/accel/cpu_events.hpp"
#include "holdfast/accel/semihosting_files.hpp"
#include "holdfast/base/extent.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/cpu/riscv/hart.hpp"
#include "holdfast/hw/context.hpp"

namespace holdfast::accel {

class Semihosting {
 public:
  struct Options {
    cpu::riscv::HostCalls calls = cpu::riscv::HostCalls::kNever;
    std::string command_line{};
  };
  explicit Semihosting(Options options) : options_{std::move(options)} {}
  Semihosting() : Semihosting{Options{}} {}

  cpu::riscv::HostCalls calls() const { return options_.calls; }

  // Before harts run.
  /// What a guest is told of memory that it may use: its heap from below, its stack from above.
  void set_heap(Extent heap) { heap_ = heap; }
  /// Where the console leads; outlives this. Without one output goes to standard error and there is
  /// no input.
  void set_console(chardev::Chardev& console) { console_ = &console; }

  /// Answers the call at which the hart stands, or notes that it waits.
  CpuEvents::Call perform(cpu::riscv::Hart& hart, const hw::Context& context);
  /// The hart goes: nobody wakes it any more.
  void forget(cpu::riscv::Hart& hart);

  // The console's device.
  /// Takes all of it.
  void feed(chardev::Bytes bytes);
  /// The console takes output again.
  void room();

 private:
  using Hart = cpu::riscv::Hart;
  /// What goes to a0; nothing: it waits.
  using Answer = std::optional<std::uint64_t>;
  struct CallIn;

  Answer answer(const CallIn& call);
  Answer file_operation(const CallIn& call);
  Answer open(const CallIn& call);
  Answer write(const CallIn& call);
  Answer read(const CallIn& call);
  Answer read_console(const CallIn& call, std::uint64_t to, std::uint64_t length);
  Answer read_character(const CallIn& call);
  Answer write_text(const CallIn& call);
  Answer temporary_name(const CallIn& call);
  Answer remove(const CallIn& call);
  Answer rename(const CallIn& call);
  Answer command_line(const CallIn& call);
  Answer heap_information(const CallIn& call);
  Answer elapsed(const CallIn& call);
  Answer leave(const CallIn& call);
  Answer failure(int error);

  bool words(const CallIn& call, std::span<std::uint64_t> words);
  std::optional<std::string> text(const CallIn& call, std::uint64_t from, std::uint64_t length);
  void put(std::span<const std::byte> bytes);
  /// Up to so many bytes of input; notes the hart as one that waits if there is none yet.
  std::vector<std::byte> take_input(Hart& hart, std::uint64_t most);

  const Options options_;
  std::optional<Extent> heap_;
  chardev::Chardev* console_ = nullptr;
  SemihostingFiles files_;

  Mutex mutex_{LockRank::kRam, "semihosting console"};
  std::deque<std::uint8_t> input_ HF_GUARDED_BY(mutex_);
  std::vector<std::uint8_t> unsent_ HF_GUARDED_BY(mutex_);
  std::vector<Hart*> waiting_ HF_GUARDED_BY(mutex_);  // they take themselves out
};

}  // namespace holdfast::accel
