// SPDX-License-Identifier: Apache-2.0
// Plug, unplug, reset and accesses at the same time, forced where one interleaving matters and in
// numbers where all do.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/hw/reset.hpp"
#include "holdfast/machine/machine.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

using machine::Machine;
using Stage = hw::Ticket::Stage;

TEST(MachineRaces, PlugAgainstUnplugAgainstResetAgainstAccesses) {
  constexpr int kRounds = 100;
  TestMachine machine{boards::BoardPlan{"busy"}, {.control = Machine::Control::kOwnThread}};
  ASSERT_TRUE(machine->plug<Scratch>("stays", kHole));
  const auto before = machine.census();
  std::atomic<bool> done{false};
  {
    testing::Thread plugger{"plugger", [&] {
      for (int i = 0; i < kRounds; ++i) {
        EXPECT_TRUE(machine->plug<Nest>("comes", kHole + 0x1000));
        EXPECT_TRUE(machine->unplug("comes")->wait());
      }
      done = true;
    }};
    testing::Thread resetter{"resetter", [&] {
      while (!done) machine->reset();
    }};
    testing::Thread cpu{"cpu", [&] {
      while (!done) {
        machine.read32(kHole + 0x1100);
        machine.write32(kHole, 1);
      }
    }};
  }
  EXPECT_EQ(machine.census(), before);
}

TEST(MachineRaces, TwoThreadsUnplugTheSameDevice) {
  TestMachine machine{boards::BoardPlan{"busy"}, {.control = Machine::Control::kOwnThread}};
  const auto before = machine.census();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(machine->plug<Leaf>("it", kHole));
    std::atomic<int> taken{0};
    {
      testing::Thread one{"one", [&] { taken += machine->unplug("it")->wait() ? 1 : 0; }};
      testing::Thread other{"other", [&] { taken += machine->unplug("it")->wait() ? 1 : 0; }};
    }
    EXPECT_EQ(taken, 1);
  }
  EXPECT_EQ(machine.census(), before);
}

// The callback's edit is queued, its device is severed, then the edit's turn comes: it is dropped.
TEST(MachineRaces, AQueuedEditAgainstTheSeveringOfItsDevice) {
  TestMachine machine;
  const auto before = machine.census();
  ASSERT_TRUE(machine->plug<Windows>("it", kHole));
  {
    testing::Schedule schedule;
    auto& queued = schedule.stop_at("gate.outbox.before_entry", "cpu");
    testing::Thread cpu{"cpu", [&] { machine.write32(kHole + Windows::kSwitch, 1); }};
    queued.wait_reached();
    EXPECT_TRUE(machine->unplug("it")->wait());
    queued.release();
  }
  EXPECT_FALSE(machine.read32(kHole + Windows::kWindow));
  EXPECT_EQ(machine.census(), before);
}

// A device is severed between the lookup and the gate: the access sees the map after.
TEST(MachineRaces, AnAccessThatMeetsAClosedGateLooksAgain) {
  TestMachine machine;
  ASSERT_TRUE(machine->plug<Leaf>("it", kHole));
  std::optional<std::uint32_t> answer;
  {
    testing::Schedule schedule;
    auto& before_gate = schedule.stop_at("gate.before_enter", "cpu");
    testing::Thread cpu{"cpu", [&] { answer = machine.read32(kHole); }};
    before_gate.wait_reached();
    EXPECT_TRUE(machine->unplug("it")->wait());
    ASSERT_TRUE(machine->plug<Nest>("next", kHole));
    before_gate.release();
  }
  EXPECT_EQ(answer, 1U) << "of the device that is there now";
}

// The unplug is severed under the eyes of a reset that is between two phases.
TEST(MachineRaces, AnUnplugAskedForDuringAResetComesAfterIt) {
  TestMachine machine;
  Ref<hw::Ticket> ticket;
  std::vector<Stage> seen;
  ASSERT_TRUE(machine->plug<Scratch>("it", kHole, Scratch::Config{.on_reset = [&](hw::ResetPhase) {
    if (ticket) seen.push_back(ticket->stage());
  }}));
  {
    testing::Schedule schedule;
    schedule.run_at("hw.reset.phase", "main", [&] { ticket = machine->unplug("it"); });
    machine->reset();
  }
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(seen, (std::vector{Stage::kRequested, Stage::kRequested, Stage::kRequested}));
}

// Dropped by an owner outside of the machine, on a thread that is not the control thread, while the
// control thread resets: the device is destroyed by a job, so after the reset.
TEST(MachineRaces, ADeviceDroppedDuringAResetOutlivesIt) {
  TestMachine machine;
  const auto before = machine.census();
  auto device = hw::make_device<Leaf>(machine->context(), "loose");
  ASSERT_TRUE(device->realize(machine->node()));
  hw::Device* const all[] = {device.get()};
  {
    testing::Schedule schedule;
    schedule.run_at("hw.reset.phase", "main", [&] {
      testing::Thread{"other", [&] { device.reset(); }}.join();
    });
    hw::reset_devices(all, machine->context().holdback, nullptr);
  }
  machine->control().run_pending();
  EXPECT_EQ(machine.census(), before);
}

TEST(MachineRaces, AMachineEndsWithItsJobsTicketsAndInsidersInFlight) {
  Ref<hw::Ticket> ticket;
  bool followed = false;
  testing::Schedule schedule;
  TestMachine machine{boards::BoardPlan{"busy"}, {.control = Machine::Control::kOwnThread}};
  ASSERT_TRUE(machine->plug<Scratch>("a", kHole));
  ASSERT_TRUE(machine->plug<Scratch>("b", kHole + 0x1000));
  auto& inside = schedule.stop_at("test.in_callback", "cpu");
  testing::Thread cpu{"cpu", [&] { machine.read32(kHole + Scratch::kTrap); }};
  inside.wait_reached();
  ticket = machine->unplug("a");
  ticket->when_done([&] { followed = true; });
  machine->request_reset();
  machine->unplug("b");
  schedule.run_at("machine.end.before_settling", "main", [&] {
    inside.release();
    cpu.join();
  });
  machine.end();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_TRUE(followed);
}

}  // namespace
}  // namespace holdfast::test
