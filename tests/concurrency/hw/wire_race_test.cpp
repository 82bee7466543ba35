// SPDX-License-Identifier: Apache-2.0
// An interrupt line that two threads drive; a line that is cut with a change on its way.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

constexpr std::uint64_t kSender = kHole;
constexpr std::uint64_t kReceiver = kHole + 0x1000;

class WireRace : public ::testing::Test {
 protected:
  void SetUp() override {
    auto plan = probe_plan("receiver", kReceiver, {.on_pin = [&](Probe&, bool level) {
      seen += level ? '1' : '0';
    }});
    const auto sender = plan.add<Probe>("sender");
    plan.map_into({"bus", "memory"}, {{kSender, sender.region("regs")}});
    plan.wire({{sender.out("irq"), boards::DeviceRef{"receiver"}.in("in")}});
    ASSERT_TRUE(machine->realize(plan));
  }
  void set(std::uint32_t level) { EXPECT_TRUE(machine.write32(kSender + Probe::kIrq, level)); }
  bool level() { return probe(machine, "receiver").in.level(); }

  TestMachine machine;
  const Census::Snapshot before = machine.census();
  std::string seen;  // guarded by the receiver's gate
};

TEST_F(WireRace, SetByOneThreadAndClearedByAnotherEndsLowForBoth) {
  {
    Schedule schedule;
    Stop& rising = schedule.stop_at("hw.wire.delivering", "one");
    Stop& behind = schedule.stop_at("hw.wire.waiting", "two");
    Thread one{"one", [&] { set(1); }};
    rising.wait_reached();
    bool low_on_return = false;
    Thread two{"two", [&] {
      set(0);
      low_on_return = seen == "10";
    }};
    behind.wait_reached();
    behind.release();
    rising.release();
    two.join();
    EXPECT_TRUE(low_on_return) << "the access that cleared it returned behind the change";
  }
  EXPECT_EQ(seen, "10");
  EXPECT_FALSE(level());
}

TEST_F(WireRace, ChangesArriveInOrderFromManyThreads) {
  constexpr int kRounds = 500;
  {
    Thread one{"one", [&] { for (int i = 0; i < kRounds; ++i) set(1); }};
    Thread two{"two", [&] { for (int i = 0; i < kRounds; ++i) set(0); }};
    Thread three{"three", [&] { for (int i = 0; i < kRounds; ++i) set(i & 1); }};
  }
  set(0);
  ASSERT_FALSE(seen.empty());
  for (std::size_t i = 0; i < seen.size(); ++i)
    ASSERT_EQ(seen[i], i % 2 == 0 ? '1' : '0') << "a change was lost, doubled or overtaken";
  EXPECT_FALSE(level());
}

TEST_F(WireRace, ARiseThatIsUndeliveredAsTheSenderGoesIsFollowedByTheFall) {
  Ref<hw::Ticket> ticket;
  {
    Schedule schedule;
    Stop& queued = schedule.stop_at("hw.wire.queued", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kSender + Probe::kIrq, 1); }};
    queued.wait_reached();
    ticket = machine->unplug("sender");
    machine->control().run_pending();
    EXPECT_EQ(ticket->stage(), Stage::kSevered) << "the CPU is inside";
    EXPECT_EQ(seen, "10") << "the resting level was the wire's last word";
    queued.release();
  }
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(seen, "10");
  EXPECT_FALSE(level());
}

TEST_F(WireRace, ARiseThatIsUndeliveredAsTheReceiverGoesIsDropped) {
  {
    Schedule schedule;
    Stop& queued = schedule.stop_at("hw.wire.queued", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kSender + Probe::kIrq, 1); }};
    queued.wait_reached();
    EXPECT_TRUE(machine->unplug("receiver")->wait()) << "nobody is inside the receiver";
    queued.release();
  }
  EXPECT_EQ(seen, "");
  set(0);
  set(1);
  EXPECT_TRUE(machine->unplug("sender")->wait());
}

TEST_F(WireRace, AHighLineFallsWhenItsSenderGoes) {
  set(1);
  EXPECT_TRUE(level());
  EXPECT_TRUE(machine->unplug("sender")->wait());
  EXPECT_EQ(seen, "10");
}

// A sender goes while a thread is in the receiver with a level: it is not delayed by anything but the
// delivery of its own last word.
TEST_F(WireRace, BothEndsGoWithAThreadInTheReceiver) {
  Ref<hw::Ticket> receiver;
  {
    Schedule schedule;
    Stop& inside = schedule.stop_at("test.in_pin", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kSender + Probe::kIrq, 1); }};
    inside.wait_reached();
    receiver = machine->unplug("receiver");
    Thread releaser{"releaser", [&] {
      receiver->wait_for(Stage::kSevered, std::chrono::minutes{1});
      inside.release();
    }};
    EXPECT_TRUE(machine->unplug("sender")->wait());
  }
  EXPECT_TRUE(receiver->wait());
  EXPECT_EQ(seen, "1");
  EXPECT_EQ(machine.census()[Census::Kind::kWire], 0);
}

/// Device a writes to b, whose line leads to r, which writes to a when the line falls.
class WireMakers : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kA = kHole;
  static constexpr std::uint64_t kB = kHole + 0x1000;
  static constexpr std::uint32_t kCall = 1;  // to a: be called; more: write `it - kLevel` to b's line
  static constexpr std::uint32_t kLevel = 10;

  void SetUp() override {
    plug_probe(machine, "a", kA, {.on_write = [this](Probe& a, std::uint32_t value) {
      if (value == kCall) ++calls;
      else a.dma_write(kB + Probe::kIrq, value - kLevel);
    }});
    auto plan = probe_plan("r", kHole + 0x2000, {.on_pin = [](Probe& r, bool level) {
      if (!level) r.dma_write(kA + Probe::kCall, kCall);
    }});
    const auto b = plan.add<Probe>("b");
    plan.map_into({"bus", "memory"}, {{kB, b.region("regs")}});
    plan.wire({{b.out("irq"), boards::DeviceRef{"r"}.in("in")}});
    ASSERT_TRUE(machine->realize(plan));
  }
  /// `rise` makes the line rise on one thread, which delivers, behind that, what `fall` does on another.
  void race(const std::function<void()>& rise, const std::function<void()>& fall) {
    Schedule schedule;
    Stop& rising = schedule.stop_at("hw.wire.delivering", "one");
    Stop& behind = schedule.stop_at("hw.wire.waiting", "two");
    Thread one{"one", rise};
    rising.wait_reached();
    Thread two{"two", fall};
    behind.wait_reached();
    behind.release();
    rising.release();
  }
  void write(std::uint64_t address, std::uint32_t value) { EXPECT_TRUE(machine.write32(address, value)); }
  std::uint64_t refused() { return machine->context().realm.reentries_refused(); }

  TestMachine machine;
  int calls = 0;  // guarded by a's gate
};

TEST_F(WireMakers, AChangeIsNotDeliveredOnBehalfOfTheThreadThatDelivers) {
  race([&] { write(kA + Probe::kCall, kLevel + 1); }, [&] { write(kB + Probe::kIrq, 0); });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(refused(), 0U);
}

TEST_F(WireMakers, AChainIsRefusedThoughAnotherThreadDelivers) {
  race([&] { write(kB + Probe::kIrq, 1); }, [&] { write(kA + Probe::kCall, kLevel); });
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(refused(), 1U);
}

}  // namespace
}  // namespace holdfast::test
