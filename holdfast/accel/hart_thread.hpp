// SPDX-License-Identifier: Apache-2.0
// The host thread that runs one hart, slice by slice.
//
// A slice runs inside a read section; between slices the thread is outside of everything: it does
// what the machine asks of it (`CpuEvents`), pauses, or sleeps while the hart waits for an
// interrupt. A thread starts out stopped, with a pause count of zero.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "holdfast/accel/cpu_events.hpp"
#include "holdfast/accel/hart_runner.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/cpu/riscv/hart.hpp"

namespace holdfast::accel {

class HartThread final : public HartRunner, private cpu::riscv::Waker {
 public:
  struct Options {
    std::uint64_t slice = 4096;  // instructions: tens of microseconds
    std::string name{};          // that the host shows; "": that of who starts it
  };

  /// `hart` and `events` outlive the thread.
  HartThread(cpu::riscv::Hart& hart, CpuEvents& events) : HartThread{hart, events, Options{}} {}
  HartThread(cpu::riscv::Hart& hart, CpuEvents& events, Options options);
  ~HartThread();
  HartThread(const HartThread&) = delete;
  HartThread& operator=(const HartThread&) = delete;

  /// Lets the hart run, unless it is paused. Once.
  void start();
  /// Ends the thread and waits for that. Not from the thread itself; again is nothing.
  void stop();

  void request_pause() override;
  void wait_paused() override;
  void pause() {
    request_pause();
    wait_paused();
  }
  void resume() override;
  /// Puts the hart into its state after reset, to start at `pc`. Only while it is paused or has not
  /// been started.
  void reset(std::uint64_t pc, std::uint64_t a0, std::uint64_t a1);

  cpu::riscv::Hart& hart() { return hart_; }
  /// Whether it waits for something to happen (WFI, the answer to a call) and would have to be woken.
  bool is_asleep() const HF_EXCLUDES(mutex_);
  /// As the host numbers threads; 0 before it has begun.
  std::int64_t host_id() const { return host_id_.load(std::memory_order_relaxed); }  // shown to people

 private:
  enum class State : std::uint8_t { kIdle, kRunning, kPaused, kEnded };

  void wake() override;
  void main();
  /// Holds the thread while it is paused. False: it is to end.
  bool ready_to_run() HF_EXCLUDES(mutex_);
  void sleep() HF_EXCLUDES(mutex_);
  /// While the answer to a semihosting call is not there: until somebody asks the hart to stop.
  void await_answer() HF_EXCLUDES(mutex_);

  cpu::riscv::Hart& hart_;
  CpuEvents& events_;
  const Options options_;
  std::atomic<bool> asleep_{false};
  std::atomic<std::int64_t> host_id_{0};

  mutable Mutex mutex_{LockRank::kLeaf, "hart thread"};
  ConditionVariable changed_;
  State state_ HF_GUARDED_BY(mutex_) = State::kIdle;
  unsigned pauses_ HF_GUARDED_BY(mutex_) = 0;
  bool ending_ HF_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace holdfast::accel
