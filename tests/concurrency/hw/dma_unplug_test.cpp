// SPDX-License-Identifier: Apache-2.0
// One device's DMA into another while one of them is taken away; rings of devices.
#include <gtest/gtest.h>

#include <array>
#include <atomic>

#include "holdfast/gate/realm.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using memory::MemTxResult;
using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

constexpr std::uint64_t kA = kHole;
constexpr std::uint64_t kB = kHole + 0x1000;
constexpr std::uint64_t kC = kHole + 0x2000;

class DmaUnplug : public ::testing::Test {
 protected:
  void plug(const char* name, std::uint64_t address, Probe::Config config) {
    plug_probe(machine, name, address, std::move(config));
  }
  /// A device whose CALL reads CALL of `target`, and notes how that went.
  Probe::Config reads_from(std::uint64_t target) {
    return {.on_read = [this, target](Probe& self) {
      const auto value = self.dma_read(target + Probe::kCall);
      result = self.last_dma;
      return value.value_or(0xdead) + 1;
    }};
  }
  /// A device whose CALL, written to, writes to CALL of `target`.
  static Probe::Config writes_to(std::uint64_t target) {
    return {.on_write = [target](Probe& self, std::uint32_t value) {
      self.dma_write(target + Probe::kCall, value + 1);
    }};
  }
  void run_jobs() { machine->control().run_pending(); }
  void expect_empty() {
    for (const auto& name : machine->device_names())
      if (name != "bus") {
        EXPECT_TRUE(machine->unplug(name)->wait());
      }
    EXPECT_EQ(machine.census(), before);
  }

  TestMachine machine;
  const Census::Snapshot before = machine.census();
  std::atomic<MemTxResult> result = MemTxResult::kOk;  // callbacks on several threads note it
};

// A has looked B up and stands before its gate.
TEST_F(DmaUnplug, AReadThatMeetsTheClosedGateFindsNothing) {
  plug("a", kA, reads_from(kB));
  plug("b", kB, {.on_read = [](Probe&) { return 1U; }});
  std::optional<std::uint32_t> answer;
  {
    Schedule schedule;
    Stop& before_b = schedule.stop_at("memory.port.before_gate", "cpu", 1);
    Thread cpu{"cpu", [&] { answer = machine.read32(kA + Probe::kCall); }};
    before_b.wait_reached();
    EXPECT_TRUE(machine->unplug("b")->wait()) << "A's callback does not delay B's end";
    before_b.release();
  }
  EXPECT_EQ(answer, 0xdeadU + 1);
  EXPECT_EQ(result.load(), MemTxResult::kDecodeError);
  expect_empty();
}

TEST_F(DmaUnplug, AReadThatIsInsideIsServedAndDelaysTheReaderToo) {
  plug("a", kA, reads_from(kB));
  plug("b", kB, {.on_read = [](Probe&) { return 1U; }});
  std::optional<std::uint32_t> answer;
  {
    Schedule schedule;
    Stop& in_b = schedule.stop_at("test.in_callback", "cpu", 1);
    Thread cpu{"cpu", [&] { answer = machine.read32(kA + Probe::kCall); }};
    in_b.wait_reached();
    const auto b = machine->unplug("b");
    const auto a = machine->unplug("a");
    run_jobs();
    EXPECT_EQ(a->stage(), Stage::kSevered) << "the thread is inside both";
    EXPECT_EQ(b->stage(), Stage::kSevered);
    EXPECT_NE(b->report().to_string().find("inside /machine/b"), std::string::npos);
    in_b.release();
    cpu.join();
    EXPECT_TRUE(a->wait());
    EXPECT_TRUE(b->wait());
  }
  EXPECT_EQ(answer, 2U);
  expect_empty();
}

TEST_F(DmaUnplug, APostedWriteToADeviceThatHasGoneIsLost) {
  int called = 0;
  plug("a", kA, writes_to(kB));
  plug("b", kB, {.on_write = [&](Probe&, std::uint32_t) { ++called; }});
  {
    Schedule schedule;
    Stop& posted = schedule.stop_at("gate.outbox.before_entry", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kA + Probe::kCall, 1); }};
    posted.wait_reached();
    EXPECT_TRUE(machine->unplug("b")->wait());
    posted.release();
  }
  EXPECT_EQ(called, 0);
  expect_empty();
}

// The other direction: a write goes through its maker's space, so it is lost with that.
TEST_F(DmaUnplug, APostedWriteWhoseMakerHasGoneIsLost) {
  std::vector<std::uint32_t> got;
  plug("a", kA, writes_to(kB));
  plug("b", kB, {.on_write = [&](Probe&, std::uint32_t value) { got.push_back(value); }});
  {
    Schedule schedule;
    Stop& posted = schedule.stop_at("gate.outbox.before_entry", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kA + Probe::kCall, 1); }};
    posted.wait_reached();
    EXPECT_TRUE(machine->unplug("a")->wait());
    posted.release();
  }
  EXPECT_TRUE(got.empty());
  expect_empty();
}

// What shows at the address when the write's turn comes gets it.
TEST_F(DmaUnplug, APostedWriteGoesToWhoIsThereThen) {
  std::vector<std::uint32_t> got;
  plug("a", kA, writes_to(kB));
  plug("b", kB, {});
  {
    Schedule schedule;
    Stop& before_gate = schedule.stop_at("memory.port.before_gate", "cpu", 1);
    Thread cpu{"cpu", [&] { machine.write32(kA + Probe::kCall, 1); }};
    before_gate.wait_reached();
    EXPECT_TRUE(machine->unplug("b")->wait());
    plug("new", kB, {.on_write = [&](Probe&, std::uint32_t value) { got.push_back(value); }});
    before_gate.release();
  }
  EXPECT_EQ(got, std::vector{2U});
  expect_empty();
}

TEST_F(DmaUnplug, ARingOfReadsOnOneThreadEndsAtItsBeginning) {
  plug("a", kA, {.on_read = [&](Probe& self) { return self.dma_read(kB + 4).value_or(1) + 1; }});
  plug("b", kB, {.on_read = [&](Probe& self) { return self.dma_read(kC + 4).value_or(1) + 1; }});
  plug("c", kC, reads_from(kA));
  EXPECT_EQ(machine.read32(kA + 4), 0xdeadU + 3);
  EXPECT_EQ(result.load(), MemTxResult::kAccessError);
  EXPECT_EQ(machine->context().realm.reentries_refused(), 1U);
  expect_empty();
}

TEST_F(DmaUnplug, ARingOfPostedWritesEndsAtItsBeginning) {
  std::array<int, 3> calls{};
  const auto link = [&](std::size_t me, std::uint64_t next) {
    return Probe::Config{.on_write = [&calls, me, next](Probe& self, std::uint32_t value) {
      ++calls[me];
      self.dma_write(next + 4, value + 1);
    }};
  };
  plug("a", kA, link(0, kB));
  plug("b", kB, link(1, kC));
  plug("c", kC, link(2, kA));
  EXPECT_TRUE(machine.write32(kA + 4, 1));
  EXPECT_EQ(calls, (std::array{1, 1, 1}));
  EXPECT_EQ(machine->context().realm.reentries_refused(), 1U);
  expect_empty();
}

class RingOfThree : public DmaUnplug {
 protected:
  void SetUp() override {
    plug("a", kA, reads_from(kB));
    plug("b", kB, reads_from(kC));
    plug("c", kC, reads_from(kA));
  }
  /// One thread in each device, all about to read from the next; then `meanwhile`, then they go on.
  template <class Meanwhile>
  void run(Meanwhile meanwhile) {
    Schedule schedule;
    const std::array<const char*, 3> roles{"one", "two", "three"};
    std::array<Stop*, 3> stops{};
    for (std::size_t i = 0; i < 3; ++i) stops[i] = &schedule.stop_at("test.in_callback", roles[i]);
    Thread one{roles[0], [&] { machine.read32(kA + 4); }};
    Thread two{roles[1], [&] { machine.read32(kB + 4); }};
    Thread three{roles[2], [&] { machine.read32(kC + 4); }};
    for (Stop* stop : stops) stop->wait_reached();
    meanwhile();
    for (Stop* stop : stops) stop->release();
  }
};

TEST_F(RingOfThree, OfThreadsIsBrokenAtOnePlace) {
  run([] {});
  const auto refused = machine->context().realm.circles_refused();
  EXPECT_GE(refused, 1U);
  EXPECT_LE(refused, 2U) << "the last one always gets through";
  expect_empty();
}

TEST_F(RingOfThree, WithOneTakenAway) {
  Ref<hw::Ticket> ticket;
  run([&] {
    ticket = machine->unplug("b");
    run_jobs();
    EXPECT_EQ(ticket->stage(), Stage::kSevered);
  });
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(machine->context().realm.circles_refused(), 0U) << "nobody waits for what has gone";
  expect_empty();
}

TEST_F(RingOfThree, WithAllTakenAway) {
  std::vector<Ref<hw::Ticket>> tickets;
  run([&] {
    for (const char* name : {"c", "a", "b"}) tickets.push_back(machine->unplug(name));
    run_jobs();
  });
  for (const auto& ticket : tickets) EXPECT_TRUE(ticket->wait());
  expect_empty();
}

// They already wait for each other when one goes: whoever waits for it is let go.
TEST_F(RingOfThree, TakenAwayWhileItsThreadsWaitForEachOther) {
  for (int i = 0; i < 20; ++i) {
    Thread one{"one", [&] { machine.read32(kA + 4); }};
    Thread two{"two", [&] { machine.read32(kB + 4); }};
    Thread three{"three", [&] { machine.read32(kC + 4); }};
    EXPECT_TRUE(machine->unplug("b")->wait());
    one.join();
    two.join();
    three.join();
    plug("b", kB, reads_from(kC));
  }
  expect_empty();
}

}  // namespace
}  // namespace holdfast::test
