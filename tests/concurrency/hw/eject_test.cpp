// SPDX-License-Identifier: Apache-2.0
// A callback takes its own device away and goes on, whichever way it was entered.
#include <gtest/gtest.h>

#include "tests/support/probe.hpp"

namespace holdfast::test {
namespace {

using Stage = hw::Ticket::Stage;

class Eject : public ::testing::Test {
 protected:
  /// What each callback does: asks for the end of its device, and goes on as if nothing had happened.
  void eject(Probe& self) {
    ticket = machine->unplug("it");
    self.irq.set(true);
    self.timer.arm(machine->clock().now_ns() + 1);
    self.half.schedule();
    EXPECT_EQ(self.dma_write(kRam, 0x600d), memory::MemTxResult::kOk);
    EXPECT_EQ(ticket->stage(), Stage::kRequested) << "nothing happens before it has left";
    EXPECT_TRUE(self.gate().is_open());
    ++went_on;
  }
  void plug(Probe::Config config) { plug_probe(machine, "it", kHole, std::move(config)); }
  void expect_gone() {
    ASSERT_TRUE(ticket);
    EXPECT_TRUE(ticket->wait());
    EXPECT_EQ(went_on, 1);
    EXPECT_EQ(machine.read32(kRam), 0x600dU);
    EXPECT_FALSE(machine.read32(kHole));
    EXPECT_EQ(machine->clock().next_deadline_ns(), std::nullopt);
    machine->loop().run_ready();  // what was scheduled finds nobody
    EXPECT_EQ(machine.census(), before);
    EXPECT_EQ(went_on, 1);
    EXPECT_TRUE(machine->plug<Leaf>("it", kHole)) << "the name and the place are free";
  }

  static constexpr std::uint64_t kRam = 0x8000'0000;
  static boards::BoardPlan board() {
    boards::BoardPlan plan{"with ram"};
    plan.map({{kRam, plan.ram("ram", 0x1000)}});
    return plan;
  }
  TestChardev line{"line"};
  TestMachine machine{board()};
  const Census::Snapshot before = machine.census();
  Ref<hw::Ticket> ticket;
  int went_on = 0;
};

TEST_F(Eject, WhileItsRegisterIsRead) {
  plug({.on_read = [&](Probe& self) { return eject(self), 42U; }});
  EXPECT_EQ(machine.read32(kHole + Probe::kCall), 42U) << "the access was served";
  expect_gone();
}

TEST_F(Eject, WhileItsRegisterIsWritten) {
  plug({.on_write = [&](Probe& self, std::uint32_t) { eject(self); }});
  EXPECT_TRUE(machine.write32(kHole + Probe::kCall, 1));
  expect_gone();
}

TEST_F(Eject, WhileItsTimerExpires) {
  plug({.on_timer = [&](Probe& self) { eject(self); }});
  machine.write32(kHole + Probe::kArm, 10);
  machine->clock().step_to(10);
  expect_gone();
}

TEST_F(Eject, InItsBottomHalf) {
  plug({.on_half = [&](Probe& self) { eject(self); }});
  probe(machine, "it").half.schedule();
  machine->loop().run_ready();
  expect_gone();
}

TEST_F(Eject, WhileItsPinRises) {
  plug({.on_pin = [&](Probe& self, bool) { eject(self); }});
  auto pin = probe(machine, "it").in.pin(0);
  pin->drive(true, machine->context().holdback);
  EXPECT_TRUE(ticket->wait());
  pin->drive(false, machine->context().holdback);  // as long as somebody has it, it is there
  pin = {};
  expect_gone();
}

TEST_F(Eject, WhileItIsGivenInput) {
  plug({.chardev = &line, .on_input = [&](Probe& self, chardev::Bytes) { eject(self); }});
  EXPECT_EQ(line.offer({1, 2, 3}), 3U);
  expect_gone();
  EXPECT_FALSE(line.is_attached()) << "the back-end is free, too";
}

// The one that is called takes away the one that calls it.
TEST_F(Eject, TheDeviceThatReadsFromIt) {
  plug({.on_read = [&](Probe& self) {
    return self.dma_read(kHole + 0x1000 + Probe::kCall).value_or(0) + 1;
  }});
  Probe* reader = &probe(machine, "it");
  plug_probe(machine, "other", kHole + 0x1000, {.on_read = [&](Probe&) {
    eject(*reader);
    return 7U;
  }});
  EXPECT_EQ(machine.read32(kHole + Probe::kCall), 8U);
  EXPECT_TRUE(ticket->wait());
  EXPECT_TRUE(machine->unplug("other")->wait());
  expect_gone();
}

// Both devices on the thread's stack go, the outer one first.
TEST_F(Eject, EveryDeviceTheThreadIsInside) {
  Ref<hw::Ticket> other;
  plug({.on_read = [&](Probe& self) {
    eject(self);
    return self.dma_read(kHole + 0x1000 + Probe::kCall).value_or(0);
  }});
  plug_probe(machine, "other", kHole + 0x1000, {.on_read = [&](Probe&) {
    other = machine->unplug("other");
    return 7U;
  }});
  EXPECT_EQ(machine.read32(kHole + Probe::kCall), 7U);
  EXPECT_TRUE(other->wait());
  expect_gone();
}

}  // namespace
}  // namespace holdfast::test
