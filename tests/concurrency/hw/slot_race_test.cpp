// SPDX-License-Identifier: Apache-2.0
// A guest decides about a slot while the machine asks for what is in it, tears it out, or begins anew.
#include <gtest/gtest.h>

#include "tests/support/pci_slot.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

using machine::Machine;
using testing::Schedule;
using testing::Stop;
using testing::Thread;
using Stage = hw::Ticket::Stage;

class SlotRace : public ::testing::Test {
 protected:
  SlotRace() {
    slot.set_properties({{"multifunction", true}});
    EXPECT_TRUE(slot.insert());
    slot->reset();
    slot.number_and_open();
    slot.map_device();
  }
  /// The guest lets go on a thread of its own and stands in the port; `act`, which needs the port, waits
  /// for it to leave.
  template <class Act>
  void while_it_lets_go(Act act) {
    Schedule schedule;
    Stop& inside = schedule.stop_at("gate.before_leave", "guest");
    schedule.run_at("gate.waiting", "main", [&] { inside.release(); });
    Thread guest{"guest", [&] { slot.command(SlotWorld::kOff | SlotWorld::kNoPower); }};
    inside.wait_reached();
    act();
    inside.release();
  }

  SlotWorld slot;
};

TEST_F(SlotRace, WhatIsBeingLetGoOfIsNotAskedFor) {
  Ref<hw::Ticket> ticket;
  while_it_lets_go([&] {
    ticket = slot->unplug("probe");
    slot.settle();
  });
  slot.settle();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_TRUE(slot->tickets_now().empty());
  EXPECT_EQ(slot.status() & devices::pci::slot_status::kButton, 0U) << "nobody pressed the button";
  EXPECT_TRUE(slot.insert());
}

TEST_F(SlotRace, WhatIsBeingLetGoOfIsTornOutOnce) {
  Ref<hw::Ticket> ticket;
  while_it_lets_go([&] {
    ticket = slot->unplug("probe", Machine::Consent::kSurprise);
    slot.settle();
  });
  EXPECT_TRUE(slot.insert()) << "its place is free";
  slot.settle();  // the guest's answer, which was about the one before
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_NE(slot->find_now("probe"), nullptr);
  EXPECT_NE(slot.status() & devices::pci::slot_status::kPresent, 0U);
}

TEST_F(SlotRace, WhatIsBeingLetGoOfGoesThoughTheMachineIsReset) {
  while_it_lets_go([&] { slot->reset(); });
  slot.settle();
  EXPECT_EQ(slot->find_now("probe"), nullptr);
  EXPECT_EQ(slot.status(), 0U);
  EXPECT_EQ(slot.power(), SlotWorld::kOff | SlotWorld::kNoPower);
}

// A guest that is interrupted by presence, in a slot that has power, looks for the device at once.
TEST_F(SlotRace, WhatIsPutInIsShownOnlyWhenItCanBeFound) {
  ASSERT_TRUE(slot->unplug("probe", Machine::Consent::kSurprise)->wait());
  Schedule schedule;
  schedule.run_at("hw.publish.part", "main", [&] {  // the map has it
    EXPECT_EQ(slot.status() & devices::pci::slot_status::kPresent, 0U);
  });
  ASSERT_TRUE(slot.insert());
  EXPECT_NE(slot.status() & devices::pci::slot_status::kPresent, 0U);
  EXPECT_EQ(slot.id_in_slot(), SlotWorld::kProbeId);
}

// A reader stands in what was torn out, so that its place is not free yet; the slot has power. A function that
// comes now is one that the guest was not told of, and does not answer for.
TEST_F(SlotRace, WhatTheGuestWasNotToldOfIsNotAskedForThoughTheLastOneLeaves) {
  Schedule schedule;
  Stop& inside = schedule.stop_at("gate.before_leave", "guest");
  Thread guest{"guest", [&] { slot.read32(SlotWorld::kWindow + PciProbe::kHits); }};
  inside.wait_reached();
  const auto gone = slot->unplug("probe", Machine::Consent::kSurprise);
  slot.settle();
  EXPECT_EQ(gone->stage(), Stage::kSevered);
  ASSERT_TRUE(slot.insert<PciRam>("second", "0.1"));
  const auto ticket = slot->unplug("second");
  slot.settle();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  inside.release();
  guest.join();
  EXPECT_TRUE(gone->wait());
}

}  // namespace
}  // namespace holdfast::test
