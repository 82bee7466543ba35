// SPDX-License-Identifier: Apache-2.0
// Who has a turn: harts that wait or turn in a circle are passed over, and are back in time.
#include "holdfast/accel/hart_rota.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/cpu/bench.hpp"

namespace holdfast::test::riscv {
namespace {

using accel::HartRota;
using memory::MemTxResult;

constexpr std::uint64_t kDevice = 0x1000'0000;
constexpr std::uint64_t kRound = 10'000;  // nanoseconds of virtual time
constexpr std::uint64_t kLongestRest = 32;
constexpr std::uint64_t kTick = 100;  // nanoseconds
constexpr Word kPause = 0x0100'000f;

class ClockTime final : public cpu::riscv::TimeSource {
 public:
  explicit ClockTime(const hw::VirtualClock& clock) : clock_{clock} {}
  std::uint64_t ticks() const override { return clock_.now_ns() / kTick; }
  std::chrono::nanoseconds until(std::uint64_t) const override {
    return std::chrono::nanoseconds::max();
  }

 private:
  const hw::VirtualClock& clock_;
};

/// A hart with its place in the rota. It begins with its number in a3, kData in a1, kDevice in a2.
class Sitter final : public accel::CpuEvents {
 public:
  Sitter(Memory& memory, const hw::VirtualClock& clock, std::uint64_t id)
      : time_{clock}, port_{memory.space}, hart{{.hart_id = id}, port_, time_} {
    hart.reset(kProgram + 0x100 * id, 0, kData);
    hart.set_integer(kA2, kDevice);
    hart.set_integer(kA3, id);
  }
  void between_slices() override { ++turns; }
  std::optional<std::uint64_t> wakes_at_ns() const override {
    const auto tick = hart.wake_tick();
    return tick ? std::optional{*tick * kTick} : std::nullopt;
  }

 private:
  ClockTime time_;
  memory::Port port_;

 public:
  Hart hart;
  unsigned turns = 0;
};

struct Outcome {
  std::vector<std::uint64_t> retired;
  std::vector<std::uint64_t> reported;  // when, in virtual time
  std::uint64_t end = 0;
};

/// Harts that report their number by a store to kDevice; they stop behind the last report awaited.
class Turns {
 public:
  ~Turns() {
    for (const auto& sitter : sitters_) rota_.remove(sitter->hart);
  }
  void add(const std::vector<Word>& program) {
    const std::uint64_t id = sitters_.size();
    memory_.write_code(kProgram + 0x100 * id, program);
    sitters_.push_back(std::make_unique<Sitter>(memory_, clock_, id));
  }
  Hart& hart(std::size_t id) { return sitters_[id]->hart; }
  unsigned turns(std::size_t id) const { return sitters_[id]->turns; }
  /// Who gets a software interrupt when hart 0 reports.
  void kick(std::size_t id) { kicked_ = id; }

  enum class Disturbed : std::uint8_t { kNo, kByPauses };
  Outcome run(std::set<std::uint64_t> awaited, Disturbed disturbed) {
    awaited_ = std::move(awaited);
    reported_.resize(sitters_.size());
    rota_.request_pause();
    for (const auto& sitter : sitters_) rota_.add(sitter->hart, *sitter, clock_);
    rota_.resume();
    auto done = done_.get_future();
    while (disturbed == Disturbed::kByPauses &&
           done.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
      rota_.request_pause();
      rota_.wait_paused();
      rota_.resume();
    }
    done.wait();
    rota_.wait_paused();
    Outcome outcome{.retired = {}, .reported = reported_, .end = clock_.now_ns()};
    for (const auto& sitter : sitters_) outcome.retired.push_back(sitter->hart.retired());
    return outcome;
  }

 private:
  MemTxResult report(std::uint64_t id) {
    reported_[id] = clock_.now_ns();
    if (id == 0 && kicked_ != 0) hart(kicked_).set_interrupt(Interrupt::kMachineSoftware, true);
    if (awaited_.erase(id) != 0 && awaited_.empty()) {
      rota_.request_pause();
      done_.set_value();
    }
    return MemTxResult::kOk;
  }

  Memory memory_;
  Device device_{memory_, kDevice,
                 [](std::uint64_t, unsigned, std::uint64_t& value) {
                   value = 0;
                   return MemTxResult::kOk;
                 },
                 [this](std::uint64_t, unsigned, std::uint64_t id) { return report(id); }};
  std::unique_ptr<EventLoop> loop_ = EventLoop::make().value();
  hw::VirtualClock clock_{*loop_, hw::VirtualClock::Pace::kStepped};
  HartRota rota_;
  std::vector<std::unique_ptr<Sitter>> sitters_;
  std::vector<std::uint64_t> reported_;
  std::set<std::uint64_t> awaited_;
  std::size_t kicked_ = 0;
  std::promise<void> done_;
};

/// Computes for that many rounds, reports, stores to kData, and computes for ever.
void add_worker(Turns& turns, std::uint64_t instructions) {
  turns.add({addi(kA4, kA4, -1), bne(kA4, kZero, -4), sd(kA3, kA2), li(kT0, 1), sd(kT0, kA1),
             addi(kT1, kT1, 1), jal(0, -4)});
  turns.hart(0).set_integer(kA4, instructions / 2);
}

/// Runs it twice as it is and once with pauses; the same each time.
template <class Prepare, class Check>
void run_and_check(std::set<std::uint64_t> awaited, Prepare prepare, Check check) {
  Turns first;
  prepare(first);
  const Outcome outcome = first.run(awaited, Turns::Disturbed::kNo);
  check(first, outcome);
  for (const auto disturbed : {Turns::Disturbed::kNo, Turns::Disturbed::kByPauses}) {
    Turns again;
    prepare(again);
    const Outcome other = again.run(awaited, disturbed);
    EXPECT_EQ(other.retired, outcome.retired);
    EXPECT_EQ(other.reported, outcome.reported);
    EXPECT_EQ(other.end, outcome.end);
  }
}

void take_interrupt(Hart& hart, std::uint64_t enabled) {
  hart.set_csr(csr::kMtvec, hart.pc() + 0x80);
  hart.set_csr(csr::kMie, enabled);
  hart.set_csr(csr::kMstatus, 8);
}
void set_timer(Hart& hart, std::uint64_t tick) {
  hart.set_csr(csr::kMenvcfg, std::uint64_t{1} << 63);
  hart.set_csr(csr::kStimecmp, tick);
}

// --- waiting for a store --------------------------------------------------------------------------

struct Circle {
  const char* name;
  std::vector<Word> loop;
};
std::string name_of(const ::testing::TestParamInfo<Circle>& info) { return info.param.name; }

class Circles : public ::testing::TestWithParam<Circle> {};

TEST_P(Circles, HaveFewTurnsWhileAnotherWorksAndSeeWhatItStores) {
  constexpr std::uint64_t kRounds = 400;
  const std::vector<Word>& loop = GetParam().loop;
  run_and_check(
      {0, 1, 2},
      [&](Turns& turns) {
        add_worker(turns, kRounds * 1000);
        for (std::size_t id = 1; id < 3; ++id) {
          turns.add({loop[0], loop[1], loop[2], sd(kA3, kA2), wfi(), jal(0, -4)});
          turns.hart(id).set_csr(csr::kMie, 8);  // mstatus.MIE is clear
          turns.hart(id).set_interrupt(Interrupt::kMachineSoftware, true);
        }
      },
      [&](const Turns& turns, const Outcome& outcome) {
        EXPECT_NEAR(static_cast<double>(outcome.reported[0]), kRounds * kRound, kRound);
        for (std::size_t id = 1; id < 3; ++id) {
          EXPECT_GE(turns.turns(id), kRounds / kLongestRest);
          EXPECT_LE(turns.turns(id), kRounds / kLongestRest + 8);
          EXPECT_LE(outcome.retired[id], 4 * turns.turns(id));
          EXPECT_GE(outcome.reported[id], outcome.reported[0]);
          EXPECT_LE(outcome.reported[id], outcome.reported[0] + kLongestRest * kRound);
        }
      });
}

INSTANTIATE_TEST_SUITE_P(
    , Circles,
    ::testing::Values(Circle{"Loads", {nop(), ld(kA0, kA1), beq(kA0, kZero, -8)}},
                      Circle{"Pauses", {kPause, ld(kA0, kA1), beq(kA0, kZero, -8)}},
                      Circle{"WfiThatDoesNotWait", {wfi(), ld(kA0, kA1), beq(kA0, kZero, -8)}}),
    name_of);

// Both wait for an instant, by the `time` register; one of them has worked for some rounds before.
TEST(HartRota, WhoIdlesAmongIdlersIsNotPassedOver) {
  run_and_check(
      {0, 1},
      [](Turns& turns) {
        for (std::size_t id = 0; id < 2; ++id) {
          turns.add({addi(kA5, kA5, -1), b_type(5, kA5, kZero, -4),  // bge
                     kPause, csrr(kT0, csr::kTime), b_type(6, kT0, kA4, -8),  // bltu
                     sd(kA3, kA2), wfi(), jal(0, -4)});
          turns.hart(id).set_integer(kA4, 4055);
          turns.hart(id).set_integer(kA5, 2700 * id);
        }
      },
      [](const Turns&, const Outcome& outcome) {
        for (const std::uint64_t when : outcome.reported) {
          EXPECT_GE(when, 4055 * kTick);
          EXPECT_LT(when, 4055 * kTick + kRound);
        }
      });
}

// --- interrupts -----------------------------------------------------------------------------------

/// What hart 1 does, and how its interrupt comes.
class Interrupts : public ::testing::TestWithParam<Circle> {
 protected:
  static void add_waiter(Turns& turns) {
    const std::vector<Word>& loop = GetParam().loop;
    std::vector<Word> program(32 + 2, nop());
    std::ranges::copy(loop, program.begin());
    program[32] = sd(kA3, kA2);  // the handler
    program[33] = jal(0, 0);
    turns.add(program);
  }
};

// At 40.5 rounds: a hart that idles would rest until 63.
TEST_P(Interrupts, OfAnotherHartComeAtOnce) {
  run_and_check(
      {0, 1},
      [](Turns& turns) {
        add_worker(turns, 40'500);
        add_waiter(turns);
        take_interrupt(turns.hart(1), 8);
        turns.kick(1);
      },
      [](const Turns& turns, const Outcome& outcome) {
        EXPECT_EQ(outcome.reported[1], outcome.reported[0]);
        EXPECT_LE(turns.turns(1), 10U);
      });
}

TEST_P(Interrupts, OfTheTimerComeAtTheirInstant) {
  run_and_check(
      {1},
      [](Turns& turns) {
        add_worker(turns, 1'000'000);
        add_waiter(turns);
        take_interrupt(turns.hart(1), 32);
        set_timer(turns.hart(1), 4055);
      },
      [](const Turns& turns, const Outcome& outcome) {
        EXPECT_GE(outcome.reported[1], 4055 * kTick);
        EXPECT_LT(outcome.reported[1], 4055 * kTick + kRound);
        EXPECT_LE(turns.turns(1), 10U);
      });
}

INSTANTIATE_TEST_SUITE_P(, Interrupts,
                         ::testing::Values(Circle{"InWfi", {wfi(), jal(0, -4)}},
                                           Circle{"Pausing", {kPause, jal(0, -4)}},
                                           Circle{"Looping", {jal(0, 0)}}),
                         name_of);

TEST(HartRota, WhoWaitsHasNoTurnBeforeItIsWoken) {
  run_and_check(
      {0, 1},
      [](Turns& turns) {
        add_worker(turns, 400'000);
        turns.add({wfi(), sd(kA3, kA2), jal(0, 0)});
        turns.hart(1).set_csr(csr::kMie, 8);
        turns.kick(1);
      },
      [](const Turns& turns, const Outcome& outcome) {
        EXPECT_EQ(outcome.reported[1], outcome.reported[0]);
        EXPECT_LE(turns.turns(1), 2U);
      });
}

}  // namespace
}  // namespace holdfast::test::riscv
