// SPDX-License-Identifier: Apache-2.0
// A device that is unplugged, reset, or whose machine ends, at the worst moment of a request: about to be
// submitted, about to be completed, at the gate, in the device, about to be let go.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "holdfast/block/file.hpp"
#include "holdfast/hw/ticket.hpp"
#include "tests/support/disk_device.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

class BlockRace : public ::testing::Test {
 protected:
  void SetUp() override {
    plug_disk(machine, "disk", kHole, {.drive = SlowDrive::as_backend(drive), .outcome = outcome});
  }
  void go() { EXPECT_TRUE(machine.write32(kHole + DiskDevice::kGo, 0)); }

  TestMachine machine;
  const Census::Snapshot before_plug = machine.census();
  const Ref<SlowDrive> drive = SlowDrive::make();
  const std::shared_ptr<DiskDevice::Outcome> outcome = std::make_shared<DiskDevice::Outcome>();
};

TEST_F(BlockRace, UnpluggedWithARequestAboutToBeSubmitted) {
  Schedule schedule;
  Stop& stop = schedule.stop_at("block.port.before_submit", "cpu");
  Thread cpu{"cpu", [&] { go(); }};
  stop.wait_reached();
  auto ticket = machine->unplug("disk");
  EXPECT_TRUE(ticket->wait_for(Stage::kDrained, std::chrono::minutes{1}));
  EXPECT_EQ(ticket->report().errands.size(), 1U);
  EXPECT_EQ(drive->user(), "/machine/disk:drive");
  stop.release();
  cpu.join();
  ASSERT_EQ(drive->waiting(), 1U);
  drive->answer();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(outcome->done, 0U);
  EXPECT_EQ(outcome->let_go, 1U);
  ticket = {};
  EXPECT_EQ(machine.census(), before_plug);
}

TEST_F(BlockRace, UnpluggedWithACompletionOnItsWay) {
  go();
  Schedule schedule;
  Stop& stop = schedule.stop_at("block.port.before_completion", "host");
  Thread host{"host", [&] { drive->answer(); }};
  stop.wait_reached();
  auto ticket = machine->unplug("disk");
  EXPECT_TRUE(ticket->wait_for(Stage::kDrained, std::chrono::minutes{1}));
  stop.release();
  EXPECT_TRUE(ticket->wait());
  host.join();
  EXPECT_EQ(outcome->done, 0U);
  EXPECT_EQ(outcome->let_go, 1U);
  ticket = {};
  EXPECT_EQ(machine.census(), before_plug);
}

TEST_F(BlockRace, UnpluggedWhileItIsBeingTold) {
  go();
  Schedule schedule;
  Stop& stop = schedule.stop_at("test.in_completion", "host");
  Thread host{"host", [&] { drive->answer(); }};
  stop.wait_reached();
  auto ticket = machine->unplug("disk");
  EXPECT_TRUE(ticket->wait_for(Stage::kSevered, std::chrono::minutes{1}));
  EXPECT_EQ(ticket->report().insiders.size(), 1U);
  EXPECT_EQ(ticket->stage(), Stage::kSevered);
  stop.release();
  EXPECT_TRUE(ticket->wait());
  host.join();
  EXPECT_EQ(outcome->done, 1U);
  ticket = {};
  EXPECT_EQ(machine.census(), before_plug);
}

// It is told of one of three when it begins to go.
TEST_F(BlockRace, UnpluggedInTheMiddleOfWhatItIsToldTogether) {
  for (int i = 0; i < 3; ++i) go();
  Schedule schedule;
  Stop& stop = schedule.stop_at("block.port.before_telling", "host", 1);
  Thread host{"host", [&] { drive->answer_all(); }};
  stop.wait_reached();
  EXPECT_EQ(outcome->done, 1U);
  auto ticket = machine->unplug("disk");
  EXPECT_TRUE(ticket->wait_for(Stage::kSevered, std::chrono::minutes{1}));
  EXPECT_EQ(ticket->stage(), Stage::kSevered);
  EXPECT_EQ(ticket->report().insiders.size(), 1U);
  stop.release();
  EXPECT_TRUE(ticket->wait());
  host.join();
  EXPECT_EQ(outcome->done, 1U);
  EXPECT_EQ(outcome->let_go, 3U);
  EXPECT_EQ(drive->user(), "");
  ticket = {};
  EXPECT_EQ(machine.census(), before_plug);
}

TEST_F(BlockRace, TheMachineEndsInTheMiddleOfWhatIsToldTogether) {
  for (int i = 0; i < 3; ++i) go();
  Schedule schedule;
  Stop& stop = schedule.stop_at("block.port.before_telling", "host", 2);
  Thread host{"host", [&] { drive->answer_all(); }};
  stop.wait_reached();
  Stop& closed = schedule.stop_at("gate.closed", "main");
  Thread releaser{"releaser", [&] {
    closed.wait_reached();
    stop.release();
    closed.release();
  }};
  machine.end();
  host.join();
  EXPECT_EQ(outcome->let_go, 3U);
  EXPECT_EQ(drive->user(), "");
}

TEST_F(BlockRace, UnpluggedBeforeTheBytesAreLetGo) {
  go();
  Schedule schedule;
  Stop& stop = schedule.stop_at("block.port.before_end", "host");
  Thread host{"host", [&] { drive->answer(); }};
  stop.wait_reached();
  EXPECT_EQ(outcome->done, 1U);
  auto ticket = machine->unplug("disk");
  EXPECT_TRUE(ticket->wait_for(Stage::kDrained, std::chrono::minutes{1}));
  EXPECT_FALSE(ticket->wait_for(Stage::kReclaimed, std::chrono::milliseconds{1}));
  EXPECT_EQ(drive->user(), "/machine/disk:drive");
  stop.release();
  EXPECT_TRUE(ticket->wait());
  host.join();
  ticket = {};
  EXPECT_EQ(machine.census(), before_plug);
}

TEST_F(BlockRace, AResetHoldsCompletionsBack) {
  go();
  Schedule schedule;
  Stop& waits = schedule.stop_at("hw.holdback.waiting", "host");
  std::optional<Thread> host;
  {
    const hw::Holdback::Scope reset{machine->services().holdback()};
    host.emplace("host", [&] { drive->answer(); });
    waits.wait_reached();
    waits.release();
    EXPECT_EQ(outcome->done, 0U);
  }
  host->join();
  EXPECT_EQ(outcome->done, 1U);
}

// A reset that begins meanwhile waits for the insider; what has not come in is held back.
TEST_F(BlockRace, AResetHoldsBackTheRestOfVeryMany) {
  constexpr unsigned kMany = 20;
  for (unsigned i = 0; i < kMany; ++i) go();
  Schedule schedule;
  Stop& first = schedule.stop_at("block.port.before_telling", "host");
  Stop& waits = schedule.stop_at("hw.holdback.waiting", "host");
  std::optional<Thread> host;
  {
    host.emplace("host", [&] { drive->answer_all(); });
    first.wait_reached();
    const hw::Holdback::Scope reset{machine->services().holdback()};
    first.release();
    waits.wait_reached();
    waits.release();
    EXPECT_LT(outcome->done, kMany);
    EXPECT_EQ(outcome->batches, 1U);
  }
  host->join();
  EXPECT_EQ(outcome->done, kMany);
  EXPECT_EQ(outcome->batches, 2U);
}

TEST_F(BlockRace, TheMachineEndsWithACompletionOnItsWay) {
  go();
  Schedule schedule;
  Stop& stop = schedule.stop_at("block.port.before_completion", "host");
  Thread host{"host", [&] { drive->answer(); }};
  stop.wait_reached();
  machine.end();
  stop.release();
  host.join();
  EXPECT_EQ(outcome->done, 0U);
  EXPECT_EQ(outcome->let_go, 1U);
  EXPECT_EQ(drive->user(), "");
}

// One that is at the gate already is in the machine, which waits for it to leave.
TEST_F(BlockRace, TheMachineEndsWithACompletionAtTheGate) {
  go();
  Schedule schedule;
  Stop& stop = schedule.stop_at("gate.before_enter", "host");
  Thread host{"host", [&] { drive->answer(); }};
  stop.wait_reached();
  Stop& ending = schedule.stop_at("machine.end.before_settling", "main");
  Thread releaser{"releaser", [&] {
    ending.wait_reached();
    stop.release();
    ending.release();
  }};
  machine.end();
  host.join();
  EXPECT_EQ(outcome->let_go, 1U);
}

/// Plugs, asks from two threads, and unplugs, with real files and every engine.
TEST(BlockStress, DevicesGoUnderLoad) {
  const testing::TempFile file{1U << 20U};
  for (const auto engine : {block::EngineChoice::kBest, block::EngineChoice::kThreads}) {
    TestMachine machine;
    const auto empty = machine.census();
    const auto drive =
        block::File::open({.name = "drive 'd'", .path = file.path(), .engine = engine}).value();
    const auto outcome = std::make_shared<DiskDevice::Outcome>();
    std::atomic<bool> over{false};
    const auto ask = [&] {
      for (std::uint32_t i = 0; !over.load(); ++i)
        if (!machine.write32(kHole + DiskDevice::kGo, i % 2048)) std::this_thread::yield();
    };
    std::thread one{ask};
    std::thread two{ask};
    for (int cycle = 0; cycle < 30; ++cycle) {
      const unsigned so_far = outcome->done.load();
      plug_disk(machine, "disk", kHole, {.drive = drive, .outcome = outcome});
      while (outcome->done.load() == so_far) std::this_thread::yield();
      EXPECT_TRUE(machine->unplug("disk")->wait());
      EXPECT_EQ(drive->user(), "");
    }
    over = true;
    one.join();
    two.join();
    EXPECT_EQ(outcome->failed, 0U);
    EXPECT_EQ(machine.census(), empty);
  }
}

}  // namespace
}  // namespace holdfast::test
