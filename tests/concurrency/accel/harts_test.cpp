// SPDX-License-Identifier: Apache-2.0
// Harts that run a guest's loop while they are stopped, reset and unplugged, and while the map changes
// under them: each with a thread of its own, and all in turn on one.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/devices/timer/riscv_clint.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"
#include "tests/unit/cpu/assembler.hpp"

namespace holdfast::test {
namespace {

using namespace riscv;
using accel::HartGang;
using accel::RiscvCpu;
using machine::Machine;
using Threads = HartGang::Threads;

constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::uint64_t kCounters = kRam + 0x8000;  // of each hart 64 bytes: rounds, traps, calls
constexpr std::uint64_t kClint = 0x200'0000;
constexpr std::int32_t kLoop = 11 * 4;
constexpr std::int32_t kHandler = 0x100;

constexpr Word slli(Reg rd, Reg rs1, std::int32_t by) { return i_type(0x13, 1, rd, rs1, by); }

/// Counts its rounds in memory; in each it loads from kHole and calls what is 256 bytes behind that. A
/// trap is counted, and begins the next round.
constexpr std::array kProgram{
    csrr(kT0, 0xf14),
    slli(kT0, kT0, 6),
    auipc(kA1, 8),             // at 8: kRam + 0x8008
    addi(kA1, kA1, -8),
    add(kA1, kA1, kT0),
    auipc(kT1, 0),             // at 20
    addi(kT1, kT1, kHandler - 20),
    csrw(0x305, kT1),
    lui(kA2, 0x40000),
    addi(kA4, kA2, 0x100),
    nop(),
    // kLoop
    ld(kA0, kA1),
    addi(kA0, kA0, 1),
    sd(kA0, kA1),
    lw(kA3, kA2),
    jalr(kRa, kA4, 0),
    jal(0, -20),
};
constexpr std::array kTrapped{
    ld(kA0, kA1, 8),
    addi(kA0, kA0, 1),
    sd(kA0, kA1, 8),
    auipc(kT1, 0),  // at kHandler + 12
    addi(kT1, kT1, kLoop - (kHandler + 12)),
    csrw(0x341, kT1),
    mret(),
};
/// What is called: counts, too.
constexpr std::array kCalled{
    ld(kA5, kA1, 16),
    addi(kA5, kA5, 1),
    sd(kA5, kA1, 16),
    jalr(0, kRa, 0),
};

std::string name_of_threads(const ::testing::TestParamInfo<Threads>& info) {
  return info.param == Threads::kOneEach ? "ThreadsOfTheirOwn" : "InTurn";
}

class Harts : public ::testing::TestWithParam<Threads> {
 protected:
  static constexpr unsigned kHarts = 3;

  void SetUp() override {
    boards::BoardPlan plan{"harts"};
    const auto ram = plan.ram("ram", 1U << 20U);
    plan.map({{kRam, ram}});
    realize(plan);
    for (unsigned i = 0; i < kHarts; ++i) add_hart(i);
    put(kRam, kProgram);
    put(kRam + kHandler, kTrapped);
    machine_->set_cpus(&gang_);
    machine_->run();
    for (unsigned i = 0; i < kHarts; ++i) goes_on(i);
  }
  void TearDown() override {
    port_.reset();
    space_.reset();
    machine_.end();
  }

  void realize(const boards::BoardPlan& plan) {
    const auto done = machine_->realize(plan);
    ASSERT_TRUE(done) << done.error().message;
  }
  void add_hart(unsigned id) {
    boards::BoardPlan plan{"hart"};
    const auto hart = plan.add<RiscvCpu>(
        "cpu" + std::to_string(id),
        {.hart = {.hart_id = id, .reset_vector = kRam}, .gang = &gang_});
    plan.existing("bus");
    plan.link({{hart.link("memory"), boards::BoardPlan::memory()}});
    realize(plan);
  }
  template <std::size_t N>
  void put(std::uint64_t address, const std::array<Word, N>& words) {
    EXPECT_EQ(port_->write(address, std::as_bytes(std::span{words})), memory::MemTxResult::kOk);
  }
  std::uint64_t word(std::uint64_t address) {
    std::uint64_t value = 0;
    EXPECT_EQ(port_->load(address, 8, value, {}), memory::MemTxResult::kOk);
    return value;
  }
  std::uint64_t rounds(unsigned hart) { return word(kCounters + 64 * hart); }
  std::uint64_t traps(unsigned hart) { return word(kCounters + 64 * hart + 8); }
  std::uint64_t calls(unsigned hart) { return word(kCounters + 64 * hart + 16); }
  /// Returns when the number has changed; one that never does is found by the test's time limit.
  template <class Number>
  void changes(Number number) {
    const auto before = number();
    while (number() == before) std::this_thread::yield();
  }
  void goes_on(unsigned hart) {
    changes([&] { return rounds(hart); });
  }

  HartGang gang_{GetParam()};
  TestMachine machine_{
      boards::BoardPlan{"bare"},
      {.services = {.pace = GetParam() == Threads::kOneForAll ? hw::VirtualClock::Pace::kStepped
                                                              : hw::VirtualClock::Pace::kHost},
       .control = Machine::Control::kOwnThread}};
  std::optional<memory::AddressSpace> space_{
      std::in_place, machine_->fabric(), machine_->bus().memory().region(),
      memory::AddressSpace::Init{.name = "test"}};
  std::optional<memory::Port> port_{std::in_place, *space_};
};

TEST_P(Harts, OneIsUnpluggedAndPluggedWhileOthersRun) {
  const auto before = machine_.census();
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(machine_->unplug("cpu1")->wait());
    const std::uint64_t last = rounds(1);
    goes_on(0);
    goes_on(2);
    EXPECT_EQ(rounds(1), last);
    add_hart(1);
    goes_on(1);
  }
  EXPECT_EQ(machine_.census(), before);
}

TEST_P(Harts, AllAreUnpluggedAndOneComesBack) {
  for (unsigned i = 0; i < kHarts; ++i) EXPECT_TRUE(machine_->unplug("cpu" + std::to_string(i))->wait());
  const std::array last{rounds(0), rounds(1), rounds(2)};
  add_hart(2);
  goes_on(2);
  EXPECT_EQ(rounds(0), last[0]);
  EXPECT_EQ(rounds(1), last[1]);
}

TEST_P(Harts, StopAndGoOnTogether) {
  for (int i = 0; i < 8; ++i) {
    machine_->pause();
    const std::array last{rounds(0), rounds(1), rounds(2)};
    for (int look = 0; look < 100; ++look)
      for (unsigned hart = 0; hart < kHarts; ++hart) EXPECT_EQ(rounds(hart), last[hart]);
    machine_->run();
    for (unsigned hart = 0; hart < kHarts; ++hart) goes_on(hart);
  }
}

TEST_P(Harts, OneIsUnpluggedWhileAllArePaused) {
  machine_->pause();
  EXPECT_TRUE(machine_->unplug("cpu0")->wait());
  add_hart(0);
  const std::uint64_t last = rounds(0);
  EXPECT_EQ(rounds(0), last);
  machine_->run();
  goes_on(0);
  goes_on(1);
}

TEST_P(Harts, AreResetWhileTheyRun) {
  for (int i = 0; i < 8; ++i) {
    machine_->reset();
    for (unsigned hart = 0; hart < kHarts; ++hart) goes_on(hart);
  }
}

TEST_P(Harts, DevicesComeAndGoUnderTheirAccesses) {
  const auto before = machine_.census();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(machine_->plug<Scratch>("it", kHole));
    goes_on(0);
    EXPECT_TRUE(machine_->unplug("it")->wait());
    goes_on(1);
  }
  EXPECT_EQ(machine_.census(), before);
  EXPECT_GT(traps(2), 0U);
}

// Code that is there, then is not, then is another at the same place.
TEST_P(Harts, MemoryWithTheirCodeComesAndGoes) {
  const auto before = machine_.census();
  for (int i = 0; i < 10; ++i) {
    boards::BoardPlan plan{"bank"};
    const auto bank = plan.ram("bank", 0x1000);
    plan.existing("bus");
    plan.map({{kHole, bank}});
    realize(plan);
    put(kHole + 0x100, kCalled);
    machine_->reset();  // a hart may have seen the place while it was empty
    for (unsigned hart = 0; hart < kHarts; ++hart) changes([&] { return calls(hart); });
    EXPECT_TRUE(machine_->unplug("bank")->wait());
    for (unsigned hart = 0; hart < kHarts; ++hart) changes([&] { return traps(hart); });
    const std::array last{calls(0), calls(1), calls(2)};
    for (unsigned hart = 0; hart < kHarts; ++hart) {
      goes_on(hart);
      EXPECT_EQ(calls(hart), last[hart]) << "code that is gone was run";
    }
  }
  EXPECT_EQ(machine_.census(), before);
}

TEST_P(Harts, EverythingAtOnce) {
  std::atomic<bool> done{false};
  {
    testing::Thread plugger{"plugger", [&] {
      for (int i = 0; i < 8; ++i) {
        EXPECT_TRUE(machine_->plug<Scratch>("it", kHole));
        EXPECT_TRUE(machine_->unplug("it")->wait());
      }
      done = true;
    }};
    testing::Thread resetter{"resetter", [&] {
      while (!done) machine_->reset();
    }};
    testing::Thread pauser{"pauser", [&] {
      while (!done) {
        machine_->pause();
        machine_->run();
      }
    }};
    testing::Thread unplugger{"unplugger", [&] {
      while (!done) {
        EXPECT_TRUE(machine_->unplug("cpu2")->wait());
        add_hart(2);
      }
    }};
  }
  for (unsigned hart = 0; hart < kHarts; ++hart) goes_on(hart);
}

INSTANTIATE_TEST_SUITE_P(, Harts, ::testing::Values(Threads::kOneEach, Threads::kOneForAll),
                         name_of_threads);

// --- one thread: the same each time -----------------------------------------------------------------

/// Adds up under a lock of LR and SC until the sum is large enough, then waits for ever.
constexpr std::array kTogether{
    auipc(kA1, 8),           // the sum
    lui(kA2, 8),
    lr(kDoubleWidth, kA0, kA1),  // at 8
    addi(kA0, kA0, 1),
    sc(kDoubleWidth, kT0, kA1, kA0),
    bne(kT0, kZero, -12),
    ld(kT1, kA1, 64),        // not atomic, so that the order shows
    addi(kT1, kT1, 1),
    sd(kT1, kA1, 64),
    b_type(4, kA0, kA2, -28),  // blt
    csrr(kT2, 0xc01),        // time
    sd(kT2, kA1, 128),
    wfi(),
    jal(0, -4),
};

struct Outcome {
  std::array<std::uint64_t, 4> retired{};
  std::uint64_t sum = 0, unlocked = 0, time = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

enum class Disturbed { kNo, kByPauses };

Outcome run_in_turn(unsigned harts, Disturbed disturbed) {
  HartGang gang{Threads::kOneForAll};
  boards::BoardPlan plan{"turns"};
  const auto ram = plan.ram("ram", 1U << 20U);
  const auto counter = hw::TimeCounter::make();
  for (unsigned i = 0; i < harts; ++i) {
    const auto hart = plan.add<RiscvCpu>(
        "cpu" + std::to_string(i),
        {.hart = {.hart_id = i, .reset_vector = kRam}, .gang = &gang, .counter = counter});
    plan.link({{hart.link("memory"), boards::BoardPlan::memory()}});
  }
  plan.map({{kRam, ram}});
  TestMachine machine{plan,
                      {.services = {.pace = hw::VirtualClock::Pace::kStepped},
                       .control = Machine::Control::kOwnThread}};
  memory::AddressSpace space{machine->fabric(), machine->bus().memory().region(),
                             memory::AddressSpace::Init{.name = "test"}};
  memory::Port port{space};
  EXPECT_EQ(port.write(kRam, std::as_bytes(std::span{kTogether})), memory::MemTxResult::kOk);
  const auto word = [&](std::uint64_t offset) {
    std::uint64_t value = 0;
    EXPECT_EQ(port.load(kCounters + offset, 8, value, {}), memory::MemTxResult::kOk);
    return value;
  };
  std::vector<RiscvCpu*> cpus;
  for (unsigned i = 0; i < harts; ++i)
    cpus.push_back(static_cast<RiscvCpu*>(machine->find("cpu" + std::to_string(i)).get()));
  machine->set_cpus(&gang);
  machine->run();
  const auto all_wait = [&] {
    machine->pause();
    const bool all = std::ranges::all_of(cpus, [](RiscvCpu* cpu) {
      return cpu->hart().pc() == kRam + 13 * 4 || cpu->hart().pc() == kRam + 12 * 4 + 4;
    });
    machine->run();
    return all;
  };
  if (disturbed == Disturbed::kNo)
    while (word(128) == 0) std::this_thread::yield();
  while (!all_wait()) std::this_thread::yield();
  machine->pause();
  Outcome outcome{.retired = {}, .sum = word(0), .unlocked = word(64), .time = word(128)};
  for (unsigned i = 0; i < harts; ++i) outcome.retired[i] = cpus[i]->hart().retired();
  return outcome;
}

TEST(HartRota, RunsTheSameWayEachTimeAndHoweverOftenItIsPaused) {
  for (const unsigned harts : {1U, 2U, 4U}) {
    const Outcome first = run_in_turn(harts, Disturbed::kNo);
    EXPECT_GE(first.sum, 0x8000U);
    EXPECT_GT(first.time, 0U);
    EXPECT_GT(first.retired[0], 4 * 0x8000U / harts);
    EXPECT_EQ(run_in_turn(harts, Disturbed::kNo), first) << harts << " harts";
    EXPECT_EQ(run_in_turn(harts, Disturbed::kByPauses), first) << harts << " harts, paused";
  }
}

// --- mtime and time -----------------------------------------------------------------------------

/// Sleeps until stimecmp, which is a long time off; the other hart moves mtime there.
constexpr std::array kSleeper{
    csrr(kT0, 0xf14),
    bne(kT0, kZero, 11 * 4),
    // hart 0: menvcfg.STCE, stimecmp = 2^40, mie.STIE, sleep, say so
    li(kT1, 1),
    slli(kT1, kT1, 63),
    csrw(0x30a, kT1),
    li(kT1, 1),
    slli(kT1, kT1, 40),
    csrw(0x14d, kT1),
    li(kT1, 32),
    csrw(0x304, kT1),
    wfi(),
    jal(0, 8 * 4),
    // hart 1, at 48: waits for word 8, then sets mtime to 2^40
    auipc(kA1, 8),
    ld(kA0, kA1, 0x100),
    beq(kA0, kZero, -4),
    lui(kA2, 0x200c),  // the CLINT's mtime is 8 below
    li(kT1, 1),
    slli(kT1, kT1, 40),
    sd(kT1, kA2, -8),
    // both, at 76
    csrr(kT2, 0xc01),
    slli(kT0, kT0, 3),
    auipc(kA1, 8),
    add(kA1, kA1, kT0),
    sd(kT2, kA1, 0x204),  // on a multiple of 8: the host may read while this is written
    jal(0, 0),
};

class SharedCounter : public ::testing::TestWithParam<Threads> {};

TEST_P(SharedCounter, AWriteToMtimeWakesWhoSleepsUntilThenAndShowsInTime) {
  HartGang gang{GetParam()};
  boards::BoardPlan plan{"clint"};
  const auto ram = plan.ram("ram", 1U << 20U);
  const auto counter = hw::TimeCounter::make();
  const auto clint = plan.add<devices::RiscvClint>("clint", {.harts = 2, .counter = counter});
  for (unsigned i = 0; i < 2; ++i) {
    const auto hart = plan.add<RiscvCpu>(
        "cpu" + std::to_string(i),
        {.hart = {.hart_id = i, .reset_vector = kRam}, .gang = &gang, .counter = counter});
    plan.link({{hart.link("memory"), boards::BoardPlan::memory()}});
    plan.wire({{clint.out("software", i), hart.in(3)}, {clint.out("timer", i), hart.in(7)}});
  }
  plan.map({{kRam, ram}, {kClint, clint.region("regs")}});
  TestMachine machine{
      plan,
      {.services = {.pace = GetParam() == Threads::kOneForAll ? hw::VirtualClock::Pace::kStepped
                                                              : hw::VirtualClock::Pace::kHost},
       .control = Machine::Control::kOwnThread}};
  memory::AddressSpace space{machine->fabric(), machine->bus().memory().region(),
                             memory::AddressSpace::Init{.name = "test"}};
  memory::Port port{space};
  EXPECT_EQ(port.write(kRam, std::as_bytes(std::span{kSleeper})), memory::MemTxResult::kOk);
  machine->set_cpus(&gang);
  machine->run();
  auto& sleeper = static_cast<RiscvCpu&>(*machine->find("cpu0").get());
  for (bool asleep = false; !asleep;) {
    machine->pause();
    asleep = sleeper.hart().pc() == kRam + 11 * 4;
    machine->run();
  }
  constexpr std::uint64_t kGo = kRam + 0x8000 + 48 + 0x100;
  EXPECT_EQ(port.store(kGo, 8, 1, {}), memory::MemTxResult::kOk);
  for (unsigned hart = 0; hart < 2; ++hart) {
    std::uint64_t time = 0;
    while (time == 0)
      EXPECT_EQ(port.load(kRam + 0x8000 + 84 + 0x204 + 8 * hart, 8, time, {}),
                memory::MemTxResult::kOk);
    EXPECT_GE(time, std::uint64_t{1} << 40) << "hart " << hart;
    EXPECT_LT(time, (std::uint64_t{1} << 40) + 600 * 10'000'000ULL) << "hart " << hart;
  }
}

INSTANTIATE_TEST_SUITE_P(, SharedCounter, ::testing::Values(Threads::kOneEach, Threads::kOneForAll),
                         name_of_threads);

}  // namespace
}  // namespace holdfast::test
