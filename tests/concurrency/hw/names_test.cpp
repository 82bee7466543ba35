// SPDX-License-Identifier: Apache-2.0
// The name of a device: taken from plug until its ticket is done, and then free.
#include <gtest/gtest.h>

#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

class Names : public ::testing::Test {
 protected:
  TestMachine machine;
  const Census::Snapshot before = machine.census();
};

TEST_F(Names, APlugOfANameInUseFailsAndChangesNothing) {
  plug_probe(machine, "it", kHole);
  const auto one = machine.census();
  const auto again = machine->realize(probe_plan("it", kHole + 0x1000));
  EXPECT_EQ(again.error().message, "it: there is a device of that name");
  EXPECT_EQ(machine.census(), one);
  EXPECT_EQ(machine.read32(kHole), 0U);
}

// H21: unplug reported done before it was.
TEST_F(Names, ANameIsTakenUntilTheDeviceThatHadItIsDestroyed) {
  TestChardev line{"line"};
  plug_probe(machine, "it", kHole, {.chardev = &line});
  {
    Schedule schedule;
    Stop& inside = schedule.stop_at("test.in_callback", "cpu");
    Thread cpu{"cpu", [&] { machine.read32(kHole + Probe::kCall); }};
    inside.wait_reached();
    const auto ticket = machine->unplug("it");
    machine->control().run_pending();
    EXPECT_EQ(ticket->stage(), Stage::kSevered);
    const auto early = machine->realize(probe_plan("it", kHole));
    EXPECT_EQ(early ? "plugged" : early.error().message,
              "it: a device of that name is being removed");
    const auto thief = machine->realize(probe_plan("thief", kHole, {.chardev = &line}));
    EXPECT_EQ(thief ? "plugged" : thief.error().message,
              "chardev 'line' is in use by /machine/it:chardev");
    const auto second = machine->unplug("it");
    EXPECT_EQ(second->wait().error().message, "device 'it': not found");
    inside.release();
    cpu.join();
    EXPECT_TRUE(ticket->wait());
  }
  EXPECT_TRUE(machine->realize(probe_plan("it", kHole, {.chardev = &line})));
  EXPECT_TRUE(machine->unplug("it")->wait());
  EXPECT_EQ(machine.census(), before);
}

// Whoever is told that the ticket is done finds everything free.
TEST_F(Names, WhatFollowsATicketMayUseTheName) {
  TestChardev line{"line"};
  plug_probe(machine, "it", kHole, {.chardev = &line});
  const auto ticket = machine->unplug("it");
  bool plugged = false;
  ticket->when_done([&] {
    plugged = machine->realize(probe_plan("it", kHole, {.chardev = &line})).has_value();
  });
  EXPECT_TRUE(ticket->wait());
  machine->control().run_pending();
  EXPECT_TRUE(plugged);
  EXPECT_TRUE(machine->unplug("it")->wait());
}

TEST_F(Names, UnplugOfWhatTheMachineNeverHad) {
  const auto ticket = machine->unplug("ghost");
  EXPECT_EQ(ticket->wait().error().message, "device 'ghost': not found");
  EXPECT_EQ(machine->unplug("bus")->wait().error().message,
            "device 'bus': goes with the machine");
  EXPECT_EQ(machine.census(), before);
}

// From two callbacks of two devices on two threads: one is told, the other is refused.
TEST_F(Names, UnplugTwiceFromTwoCallbacks) {
  Ref<hw::Ticket> first;
  Ref<hw::Ticket> second;
  plug_probe(machine, "a", kHole, {.on_read = [&](Probe&) {
    first = machine->unplug("target");
    return 0U;
  }});
  plug_probe(machine, "b", kHole + 0x1000, {.on_read = [&](Probe&) {
    second = machine->unplug("target");
    return 0U;
  }});
  plug_probe(machine, "target", kHole + 0x2000);
  {
    Thread one{"one", [&] { machine.read32(kHole + 4); }};
    Thread two{"two", [&] { machine.read32(kHole + 0x1004); }};
  }
  const bool first_won = first->wait().has_value();
  EXPECT_NE(first_won, second->wait().has_value());
}

}  // namespace
}  // namespace holdfast::test
