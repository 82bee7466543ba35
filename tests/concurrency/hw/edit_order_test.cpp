// SPDX-License-Identifier: Apache-2.0
// Edits of the map that two CPUs cause in one function: whoever was inside last decides what is in force, whoever
// comes to the writer first.
#include <gtest/gtest.h>

#include "tests/support/pci_devices.hpp"
#include "tests/support/pci_world.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using pci_map::kLow;
using testing::Schedule;
using testing::Stop;
using testing::Thread;
namespace reg = pci::reg;

class EditOrder : public ::testing::Test {
 protected:
  EditOrder() {
    EXPECT_TRUE(world.plug<PciProbe>("probe", "1"));
    world.set_config(1, reg::kBar0, 4, kLow);
    world.set_config(1, reg::kCommand, 2, 7);
  }
  void move_to(std::uint64_t address) {
    world.set_config(1, reg::kBar0, 4, static_cast<std::uint32_t>(address));
  }
  bool shows_at(std::uint64_t address) {
    return world.read32(address + PciProbe::kHits) != 0xffff'ffff;
  }

  PciWorld world;
};

// The first CPU has left the function, its edit is queued; a second one comes, decides otherwise and returns.
TEST_F(EditOrder, TheLaterDecisionStaysThoughTheEarlierOneIsCommittedLater) {
  {
    Schedule schedule;
    Stop& before = schedule.stop_at("hw.edits.before_commit", "first");
    Thread first{"first", [&] { move_to(kLow + 0x10'0000); }};
    before.wait_reached();
    Thread{"second", [&] {
      move_to(kLow + 0x20'0000);
      EXPECT_TRUE(shows_at(kLow + 0x20'0000)) << "in force when the store returns";
    }}.join();
    before.release();
  }
  EXPECT_TRUE(shows_at(kLow + 0x20'0000));
  EXPECT_FALSE(shows_at(kLow + 0x10'0000));
  EXPECT_EQ(world.config(1, reg::kBar0) & ~0xfU, static_cast<std::uint32_t>(kLow + 0x20'0000));
}

// While one CPU commits, another one's store waits until its own edit is in force.
TEST_F(EditOrder, AStoreReturnsWhenItsEditIsInForceWhoeverCommitsIt) {
  {
    Schedule schedule;
    Stop& committing = schedule.stop_at("hw.edits.committing", "first");
    Stop& waiting = schedule.stop_at("hw.edits.waiting", "second");
    Thread first{"first", [&] { world.set_config(1, reg::kCommand, 2, 0); }};
    committing.wait_reached();
    Thread second{"second", [&] {
      world.set_config(1, reg::kCommand, 2, 7);
      EXPECT_TRUE(shows_at(kLow));
    }};
    waiting.wait_reached();
    waiting.release();
    committing.release();
  }
  EXPECT_TRUE(shows_at(kLow));
  EXPECT_TRUE(world.get<PciProbe>("probe").is_bus_master());
}

// The same of a BAR's size, which is the size of its region, too.
TEST_F(EditOrder, TheLaterSizeStaysThoughTheEarlierOneIsCommittedLater) {
  ASSERT_TRUE(world.plug<PciResizer>("resizer", "2"));
  constexpr std::uint64_t kAt = kLow + 0x40'0000;
  world.set_config(2, reg::kBar0, 4, static_cast<std::uint32_t>(kAt));
  world.set_config(2, reg::kCommand, 2, 2);
  {
    Schedule schedule;
    Stop& before = schedule.stop_at("gate.outbox.before_entry", "first");
    Thread first{"first", [&] { world.write32(kAt + PciResizer::kSize, 13); }};
    before.wait_reached();
    Thread{"second", [&] { world.write32(kAt + PciResizer::kSize, 12); }}.join();
    before.release();
  }
  EXPECT_EQ(world.read32(kAt + PciResizer::kSize), 12U);
  EXPECT_EQ(world.read32(kAt + PciResizer::kFar), 0xffff'ffff) << "behind its end";
  world.write32(kAt + PciResizer::kSize, 13);
  EXPECT_EQ(world.read32(kAt + PciResizer::kFar), 13U);
}

// The function is torn out with an edit of it on the way: nothing is shown again.
TEST_F(EditOrder, AnEditOfAFunctionThatIsTornOutMeanwhileComesToNothing) {
  {
    Schedule schedule;
    Stop& before = schedule.stop_at("hw.edits.before_commit", "cpu");
    Thread cpu{"cpu", [&] { move_to(kLow + 0x10'0000); }};
    before.wait_reached();
    EXPECT_TRUE(world.unplug("probe"));
    before.release();
  }
  EXPECT_FALSE(shows_at(kLow));
  EXPECT_FALSE(shows_at(kLow + 0x10'0000));
}

// Two CPUs move and switch the BAR, a third reads through it, the function comes and goes.
TEST_F(EditOrder, InNumbers) {
  std::atomic<bool> done{false};
  {
    const auto configure = [&](std::uint64_t to) {
      for (std::uint32_t i = 0; !done; ++i) {
        move_to(kLow + to + (i % 4) * 0x1'0000);
        world.set_config(1, reg::kCommand, 2, i % 3 == 0 ? 0 : 7);
      }
    };
    Thread one{"one", [&] { configure(0); }};
    Thread two{"two", [&] { configure(0x10'0000); }};
    Thread reader{"reader", [&] {
      for (std::uint64_t i = 0; !done; ++i) shows_at(kLow + (i % 4) * 0x1'0000);
    }};
    for (int i = 0; i < 40; ++i) {
      EXPECT_TRUE(world.unplug("probe"));
      EXPECT_TRUE(world.plug<PciProbe>("probe", "1"));
    }
    done = true;
  }
  move_to(kLow);
  world.set_config(1, reg::kCommand, 2, 7);
  EXPECT_TRUE(shows_at(kLow));
}

}  // namespace
}  // namespace holdfast::test
