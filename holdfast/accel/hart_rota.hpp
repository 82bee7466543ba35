// SPDX-License-Identifier: Apache-2.0
// One host thread that runs all harts of a machine in turn, always in the same order and for the same
// number of instructions, and steps the machine's clock by what it has run. So a guest that nothing
// reaches from outside runs the same way each time: same instructions, same times, same output.
//
// A round gives each hart a slice; then the clock goes on by what a slice takes, and timers run, on
// this thread. A pause may cut a slice short; the rest is run when it is over, before anything else.
// When all harts wait, the thread sleeps for as long as the machine has nothing to do and then steps
// the clock to that very instant.
//
// Who has nothing to do is passed over. A hart in WFI has no turn before something came for it: it
// would do nothing with one. A hart that turns in a circle (Stop::kIdling) gives the rest of its turn
// away, and the more often it does so in a row, the more rounds go by without it, up to
// `Options::longest_rest`; but it is back as soon as an interrupt comes, and when a round has gone by
// in which nobody used up a turn. None of this depends on when a pause comes.
// LOCK: `mutex_` guards who takes part and whether anything may run. What is asked of a hart under it
// takes no lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/accel/cpu_events.hpp"
#include "holdfast/accel/hart_runner.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/cpu/riscv/hart.hpp"
#include "holdfast/hw/clock.hpp"

namespace holdfast::accel {

class HartRota final : public HartRunner, private hw::VirtualClock::Stepper {
 public:
  struct Options {
    std::uint64_t slice = 1000;             // instructions
    std::uint64_t ns_per_instruction = 10;  // of virtual time
    std::uint64_t longest_rest = 32;        // rounds from one turn to the next
    std::string name{};                     // of the thread, that the host shows; "": that of who starts it
  };
  HartRota() : HartRota{Options{}} {}
  explicit HartRota(Options options) : options_{std::move(options)} {}
  /// No hart takes part any more.
  ~HartRota();
  HartRota(const HartRota&) = delete;
  HartRota& operator=(const HartRota&) = delete;

  /// From here on the hart has its turn, behind those that came before. `clock` is stepped, the same
  /// for all, and outlives its harts; so does `events`. Not from the rota's own thread.
  void add(cpu::riscv::Hart& hart, CpuEvents& events, hw::VirtualClock& clock);
  /// On return nothing of the hart is in use. Not from the rota's own thread.
  void remove(cpu::riscv::Hart& hart);

  void request_pause() override;
  void wait_paused() override;
  void resume() override;

 private:
  enum class Rest : std::uint8_t { kNone, kWaits, kIdles };
  struct Seat final : cpu::riscv::Waker {
    Seat(HartRota& whose, cpu::riscv::Hart& sits, CpuEvents& does)
        : rota{whose}, hart{sits}, events{does} {}
    void wake() override;

    HartRota& rota;
    cpu::riscv::Hart& hart;
    CpuEvents& events;
    std::atomic<bool> called{true};  // since its turn began; set after what it is called for
    // The rota's thread: what it did with its last turn.
    Rest rest = Rest::kNone;
    std::uint64_t wakes_at_ns = hw::VirtualClock::kNever;
    std::uint64_t next_round = 0;  // kIdles: when it has a turn in any case
    std::uint64_t interrupts = 0;  // kIdles: those there were when that turn began
    std::uint64_t idled = 0;       // rounds it rests, when it is idle again
  };

  void wake();
  void deadline_changed() override { wake(); }
  void main();
  /// Whose turn it is, or nobody at the end of a round. Waits while nothing may run. False: the end.
  bool next(Seat*& seat) HF_EXCLUDES(mutex_);
  void begin_turn(Seat& seat);
  bool is_passed_over(Seat& seat) const;
  void run(Seat& seat) HF_EXCLUDES(mutex_);
  void end_turn(Seat& seat, cpu::riscv::Stop stop) HF_EXCLUDES(mutex_);
  void end_round() HF_EXCLUDES(mutex_);
  /// Those who rest have their turn in the next round. Whether there are some.
  static bool end_rests(const std::vector<Seat*>& seats, std::uint64_t round);
  void idle(const std::vector<Seat*>& seats, hw::VirtualClock& clock) HF_EXCLUDES(mutex_);
  /// Sleeps for that long at most; how long it was.
  std::uint64_t sleep(const std::vector<Seat*>& seats, std::uint64_t most_ns) HF_EXCLUDES(mutex_);
  static bool can_run(const Seat* seat);
  bool may_run() const HF_REQUIRES(mutex_) { return pauses_ == 0 && !seats_.empty(); }

  const Options options_;
  std::atomic<bool> asleep_{false};

  // The rota's thread.
  std::uint64_t left_ = 0;    // instructions of the present turn
  std::uint64_t round_ = 0;
  std::uint64_t now_ns_ = 0;  // by the clock, which stands still during a round
  bool ran_ = false;          // somebody did, in this round
  bool worked_ = false;       // somebody used up a turn

  Mutex mutex_{LockRank::kLeaf, "hart rota"};
  ConditionVariable changed_;
  std::vector<std::unique_ptr<Seat>> seats_ HF_GUARDED_BY(mutex_);
  std::size_t position_ HF_GUARDED_BY(mutex_) = 0;              // whose turn it is, or comes next
  Seat* current_ HF_GUARDED_BY(mutex_) = nullptr;               // in use by the thread
  hw::VirtualClock* clock_ HF_GUARDED_BY(mutex_) = nullptr;     // while there are harts
  bool busy_ HF_GUARDED_BY(mutex_) = false;                     // something is in use by it
  bool between_rounds_ HF_GUARDED_BY(mutex_) = false;           // all harts are
  bool woken_ HF_GUARDED_BY(mutex_) = false;
  bool fresh_turn_ HF_GUARDED_BY(mutex_) = true;
  unsigned pauses_ HF_GUARDED_BY(mutex_) = 0;
  bool ending_ HF_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace holdfast::accel
