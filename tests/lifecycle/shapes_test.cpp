// SPDX-License-Identifier: Apache-2.0
// The shapes that went wrong elsewhere, in use: what a guest sees, and what is left of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

#include "holdfast/machine/machine.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

class Shapes : public ::testing::Test {
 protected:
  template <class T>
  void plug() {
    const auto plugged = machine->plug<T>("it", kHole);
    ASSERT_TRUE(plugged) << plugged.error().message;
  }
  void unplug() {
    EXPECT_TRUE(machine->unplug("it")->wait());
    EXPECT_EQ(machine.census(), before);
  }

  /// Of this process, by the host's account.
  static std::int64_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"},
                                 std::filesystem::directory_iterator{});
  }
  std::int64_t counted_descriptors() { return machine.census()[Census::Kind::kDescriptor]; }

  TestMachine machine;
  const Census::Snapshot before = machine.census();
};

TEST_F(Shapes, ContainerAndSubregionsOfOneOwner) {
  plug<Shelf>();
  EXPECT_EQ(machine.read32(kHole), 0x5e1fU);
  EXPECT_TRUE(machine.write32(kHole + 0x800, 3));
  EXPECT_EQ(machine.read32(kHole + 0x900), 3U) << "the alias shows the RAM";
  unplug();
}

TEST_F(Shapes, SpaceAndRootOfOneOwner) {
  plug<SelfSeeing>();
  EXPECT_EQ(machine.read32(kHole), 0x5e15U);
  unplug();
}

TEST_F(Shapes, ChildrenInTheirParentsContainer) {
  plug<Nest>();
  EXPECT_EQ(machine.read32(kHole), 1U);
  EXPECT_EQ(machine.read32(kHole + 0x100), 2U);
  EXPECT_TRUE(machine->tree().resolve("/machine/it/second"));
  unplug();
}

TEST_F(Shapes, ABarOfTheParentForARegionOfTheChild) {
  plug<BarOwner>();
  EXPECT_EQ(machine.read32(kHole), 0xbaU);
  unplug();
}

TEST_F(Shapes, WindowsSwitchedAtRunTime) {
  plug<Windows>();
  const auto shown = [&] { return machine.read32(kHole + Windows::kWindow); };
  EXPECT_EQ(shown(), 1U);
  machine.write32(kHole + Windows::kSwitch, 1);
  EXPECT_EQ(shown(), 2U) << "in force when the access returns";
  machine.write32(kHole + Windows::kMove, 0x200);
  machine.write32(kHole + Windows::kSwitch, 0);
  EXPECT_FALSE(shown());
  EXPECT_EQ(machine.read32(kHole + 0x200), 1U);
  unplug();
}

TEST_F(Shapes, OverlaysOnTheHeapDroppedFromElsewhereInTheDevice) {
  plug<Overlays>();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(machine.read32(kHole + Overlays::kOverlay));
    machine.write32(kHole + Overlays::kMake, 1);
    EXPECT_EQ(machine.read32(kHole + Overlays::kOverlay), 0x0e1aU);
    machine.write32(kHole + Overlays::kDrop, 1);
  }
  unplug();
}

TEST_F(Shapes, AnOverlayThatDropsItselfInItsOwnCallback) {
  plug<Overlays>();
  machine.write32(kHole + Overlays::kMake, 1);
  EXPECT_TRUE(machine.write32(kHole + Overlays::kDropMyself, 1));
  EXPECT_FALSE(machine.read32(kHole + Overlays::kOverlay));
  unplug();
}

TEST_F(Shapes, AnOverlayLeftToTheEndOfItsDevice) {
  plug<Overlays>();
  machine.write32(kHole + Overlays::kMake, 1);
  unplug();
}

TEST_F(Shapes, EventFdsThatTheGuestRings) {
  const auto open_before = open_descriptors();
  plug<Doorbell>();
  EXPECT_EQ(open_descriptors() - open_before, counted_descriptors());
  machine.write32(kHole + Doorbell::kRing, 2);
  machine.write32(kHole + Doorbell::kArmed, 0);
  machine->loop().run_ready();
  EXPECT_EQ(machine.read32(kHole), 0U) << "it does not listen";
  machine.write32(kHole + Doorbell::kArmed, 1);
  machine.write32(kHole + Doorbell::kExtra, 1);
  machine->loop().run_ready();
  EXPECT_EQ(machine.read32(kHole), 3U);
  EXPECT_EQ(counted_descriptors(), 2);
  EXPECT_EQ(open_descriptors() - open_before, 2);
  machine.write32(kHole + Doorbell::kRing, 1);
  unplug();
  EXPECT_EQ(open_descriptors(), open_before);
}

TEST_F(Shapes, AnOverlayReplacedWhileAnotherThreadWantsIn) {
  plug<Overlays>();
  machine.write32(kHole + Overlays::kMake, 1);
  std::optional<std::uint32_t> answer;
  {
    testing::Schedule schedule;
    auto& before_gate = schedule.stop_at("gate.before_enter", "cpu");
    testing::Thread cpu{"cpu", [&] { answer = machine.read32(kHole + Overlays::kOverlay); }};
    before_gate.wait_reached();
    machine.write32(kHole + Overlays::kDrop, 1);
    before_gate.release();
  }
  EXPECT_FALSE(answer) << "it was translated again and found nothing";
  unplug();
}

}  // namespace
}  // namespace holdfast::test
