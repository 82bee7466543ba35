// SPDX-License-Identifier: Apache-2.0
// Edits of the map from callbacks, while the control thread edits and waits.
#include <gtest/gtest.h>

#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/transaction.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

class Edits : public ::testing::Test {
 protected:
  TestMachine machine;
  const Census::Snapshot before = machine.census();
};

// The CPU is in its callback, its edit not yet queued; the control thread takes another device away,
// and waits for that; neither stands in the other's way.
TEST_F(Edits, ACpuEditsFromItsCallbackWhileTheControlThreadEditsAndWaits) {
  ASSERT_TRUE(machine->plug<Windows>("windows", kHole));
  plug_probe(machine, "other", kHole + 0x1000);
  {
    Schedule schedule;
    Stop& in_callback = schedule.stop_at("gate.before_leave", "cpu");
    Thread cpu{"cpu", [&] { machine.write32(kHole + Windows::kSwitch, 1); }};
    in_callback.wait_reached();
    EXPECT_TRUE(machine->unplug("other")->wait()) << "a CPU in one device delays no other's end";
    machine->context().realm.domain().synchronize();
    EXPECT_EQ(machine.read32(kHole + 0x2000), std::nullopt);
    in_callback.release();
  }
  EXPECT_EQ(machine.read32(kHole + Windows::kWindow), 2U);
  EXPECT_TRUE(machine->unplug("windows")->wait());
  EXPECT_EQ(machine.census(), before);
}

// The control thread has the writer lock as the CPU comes with its edit: the CPU waits, holding no gate.
TEST_F(Edits, ACpuWithAnEditWaitsForTheWriterHoldingNoGate) {
  ASSERT_TRUE(machine->plug<Windows>("windows", kHole));
  {
    Schedule schedule;
    std::optional<Thread> cpu;
    schedule.run_at("memory.writer.locked", "main", [&] {
      Stop& performing = schedule.stop_at("gate.outbox.before_entry", "cpu");
      cpu.emplace("cpu", [&] { machine.write32(kHole + Windows::kSwitch, 1); });
      performing.wait_reached();
      performing.release();
      Thread{"bystander", [&] {
        EXPECT_EQ(machine.read32(kHole + Windows::kWindow), 1U) << "the device is free";
      }}.join();
    });
    ASSERT_TRUE(machine->plug<Leaf>("leaf", kHole + 0x1000));
    cpu->join();
  }
  EXPECT_EQ(machine.read32(kHole + Windows::kWindow), 2U);
  EXPECT_EQ(machine.read32(kHole + 0x1000), 0x1eafU);
}

// Two CPUs edit the same device's windows, the control thread plugs and unplugs next to it.
TEST_F(Edits, EditsFromCallbacksOfTwoCpusAndFromPlugsInNumbers) {
  TestMachine busy{boards::BoardPlan{"busy"}, {.control = machine::Machine::Control::kOwnThread}};
  const auto empty = busy.census();
  ASSERT_TRUE(busy->plug<Windows>("windows", kHole));
  {
    std::atomic<bool> done{false};
    const auto edit = [&](std::uint32_t which) {
      while (!done) {
        busy.write32(kHole + Windows::kSwitch, which);
        busy.write32(kHole + Windows::kMove, 0x100 * (1 + which));
        busy.read32(kHole + Windows::kWindow);
      }
    };
    Thread one{"one", [&] { edit(0); }};
    Thread two{"two", [&] { edit(1); }};
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(busy->plug<Nest>("nest", kHole + 0x1000));
      EXPECT_EQ(busy.read32(kHole + 0x1100), 2U);
      EXPECT_TRUE(busy->unplug("nest")->wait());
    }
    EXPECT_TRUE(busy->unplug("windows")->wait()) << "with two CPUs in it";
    done = true;
  }
  EXPECT_FALSE(busy.read32(kHole));
  EXPECT_EQ(busy.census(), empty);
}

// Never a third state: where a device goes, what is below it shows before its gate is closed.
TEST_F(Edits, AGuestSeesTheMapBeforeOrTheMapAfter) {
  ASSERT_TRUE(machine->plug<Leaf>("below", kHole));
  boards::BoardPlan plan{"above"};
  const auto above = plan.add<Scratch>("above", {.at_reset = 7});
  plan.map_into(plan.existing("bus").region("memory"), {{kHole, above.region("regs"), 1}});
  ASSERT_TRUE(machine->realize(plan));
  std::vector<std::optional<std::uint32_t>> seen;
  {
    Schedule schedule;
    const auto look = [&] { Thread{"cpu", [&] { seen.push_back(machine.read32(kHole)); }}.join(); };
    for (const char* point : {"hw.sever.before_commit", "gate.before_close", "gate.closed",
                              "hw.sever.committed"})
      schedule.run_at(point, "main", look);
    EXPECT_TRUE(machine->unplug("above")->wait());
  }
  EXPECT_EQ(seen, (std::vector<std::optional<std::uint32_t>>{7, 0x1eaf, 0x1eaf, 0x1eaf}));
}

}  // namespace
}  // namespace holdfast::test
