// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "holdfast/devices/pci/pci_bridges.hpp"
#include "tests/support/pci_slot.hpp"

namespace holdfast::test {
namespace {

namespace status = devices::pci::slot_status;
using devices::pci::PciePciBridge;
using devices::pci::RootPort;
using machine::Machine;
using Stage = hw::Ticket::Stage;

constexpr std::uint16_t kInserted = status::kPresent | status::kPresenceChanged | status::kButton;
constexpr std::uint64_t kSlotRamWord = pci_map::kRam + 0x100;

constexpr std::uint16_t kLinkDisable = 0x0010;  // of link control
constexpr std::uint16_t kLinkRetrain = 0x0020;
constexpr std::uint16_t kReadBoundary = 0x0008;
constexpr std::uint16_t kCommonClock = 0x0040;

class PciSlotTest : public ::testing::Test {
 protected:
  /// There from the start, powered, mapped, and with no events.
  void start_with_probe() {
    ASSERT_TRUE(slot_.insert());
    slot_->reset();
    slot_.number_and_open();
    slot_.map_device();
  }
  std::uint32_t link_control() { return slot_.config(SlotWorld::kPort, link_control_at(), 2); }
  void set_link_control(std::uint16_t value) {
    slot_.set_config(SlotWorld::kPort, link_control_at(), 2, value);
    slot_.settle();
  }
  Ref<hw::Ticket> ask(std::string name = "probe") {
    auto ticket = slot_->unplug(std::move(name));
    slot_.settle();
    return ticket;
  }

  SlotWorld slot_;

 private:
  unsigned link_control_at() const { return slot_.capability_at() + devices::pci::Express::kLinkControl; }
};

TEST_F(PciSlotTest, AnEmptySlotHasNoPower) {
  const unsigned at = slot_.capability_at();
  EXPECT_EQ(slot_.config(SlotWorld::kPort, at + 2, 2) & 0x1f0U, 0x140U) << "a root port with a slot";
  EXPECT_EQ(slot_.config(SlotWorld::kPort, at + 0x14) & 0x7fU, 0x7bU) << "what it has";
  EXPECT_EQ(slot_.status(), 0U);
  EXPECT_EQ(slot_.power(), SlotWorld::kOff | SlotWorld::kNoPower);
  EXPECT_FALSE(slot_.link());
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody);
}

TEST_F(PciSlotTest, WhatIsThereFromTheStartHasPower) {
  start_with_probe();
  EXPECT_EQ(slot_.status(), status::kPresent);
  EXPECT_EQ(slot_.power(), SlotWorld::kOn);
  EXPECT_TRUE(slot_.link());
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
}

TEST_F(PciSlotTest, WhatIsPutInIsSeenWhenTheGuestPowersItUp) {
  ASSERT_TRUE(slot_.insert());
  EXPECT_EQ(slot_.status(), kInserted);
  EXPECT_FALSE(slot_.link());
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody);
  slot_.clear(0xffff);
  EXPECT_EQ(slot_.status(), status::kPresent) << "events are cleared by ones, presence is not";
  slot_.power_up();
  EXPECT_TRUE(slot_.link());
  EXPECT_EQ(slot_.status(), status::kPresent | status::kLinkChanged | status::kCompleted);
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
}

TEST_F(PciSlotTest, TheGuestIsAskedAndLetsGo) {
  start_with_probe();
  const auto ticket = ask();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  EXPECT_EQ(ticket->report().reason, "the guest is asked by /machine/port");
  EXPECT_EQ(slot_.status(), status::kPresent | status::kButton);
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId) << "it works on";
  slot_.clear(status::kButton);
  slot_.command(SlotWorld::kBlinks);
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody) << "at once";
  EXPECT_EQ(slot_.status() & status::kPresent, 0U) << "at once, too";
  EXPECT_EQ(slot_.read32(SlotWorld::kWindow), SlotWorld::kNobody);
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(slot_->find_now("probe"), nullptr);
  EXPECT_TRUE(slot_.insert()) << "its place is free";
  EXPECT_NE(slot_.status() & status::kPresent, 0U);
}

TEST_F(PciSlotTest, PowerGoesFirstAndItsStateWithIt) {
  start_with_probe();
  slot_.write32(SlotWorld::kWindow + PciProbe::kData, 77);
  slot_.command(SlotWorld::kBlinks | SlotWorld::kNoPower);
  slot_.settle();
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody);
  EXPECT_NE(slot_->find_now("probe"), nullptr) << "the indicator blinks: it is not let go of";
  EXPECT_NE(slot_.status() & status::kPresent, 0U);
  slot_.power_up();
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
  EXPECT_EQ(slot_.load(PciWorld::config_at(0, 0, devices::pci::reg::kCommand, 1), 2), 0U);
  slot_.map_device();
  EXPECT_EQ(slot_.read32(SlotWorld::kWindow + PciProbe::kData), 0U) << "it began anew";

  slot_.command(SlotWorld::kBlinks | SlotWorld::kNoPower);
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);
  slot_.settle();
  EXPECT_EQ(slot_->find_now("probe"), nullptr) << "that was the second half";
}

TEST_F(PciSlotTest, ALinkThatIsDisabledIsDownAndTakesTheStateOfWhatIsBehindIt) {
  start_with_probe();
  slot_.write32(SlotWorld::kWindow + PciProbe::kData, 77);
  set_link_control(kLinkDisable);
  EXPECT_FALSE(slot_.link());
  EXPECT_EQ(slot_.status(), status::kPresent | status::kLinkChanged);
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody);
  EXPECT_EQ(slot_.read32(SlotWorld::kWindow), SlotWorld::kNobody);
  slot_.clear(status::kLinkChanged);
  set_link_control(kLinkDisable);
  EXPECT_EQ(slot_.status(), status::kPresent) << "as it was";
  set_link_control(0);
  EXPECT_TRUE(slot_.link());
  EXPECT_EQ(slot_.status(), status::kPresent | status::kLinkChanged);
  slot_.map_device();
  EXPECT_EQ(slot_.read32(SlotWorld::kWindow + PciProbe::kData), 0U) << "it began anew";
}

TEST_F(PciSlotTest, TheGuestIsAskedForWhatIsBehindADisabledLink) {
  start_with_probe();
  set_link_control(kLinkDisable);
  EXPECT_EQ(ask()->stage(), Stage::kRequested) << "it has power";
  slot_.let_go();
  EXPECT_EQ(slot_->find_now("probe"), nullptr);
}

TEST_F(PciSlotTest, AResetEnablesTheLink) {
  start_with_probe();
  set_link_control(kLinkDisable);
  slot_->reset();
  EXPECT_TRUE(slot_.link());
  EXPECT_EQ(slot_.status(), status::kPresent);
  slot_.number_and_open();
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
}

TEST_F(PciSlotTest, ALinkIsRetrainedAtOnce) {
  start_with_probe();
  set_link_control(kLinkRetrain | kReadBoundary | kCommonClock);
  EXPECT_EQ(link_control(), kCommonClock) << "it reads as zero, and the port's boundary is what it is";
  EXPECT_TRUE(slot_.link());
  EXPECT_EQ(slot_.status(), status::kPresent);
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
}

TEST_F(PciSlotTest, TheIndicatorGoesFirst) {
  start_with_probe();
  slot_.command(SlotWorld::kOff);
  slot_.settle();
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);
  slot_.settle();
  EXPECT_EQ(slot_->find_now("probe"), nullptr);
}

TEST_F(PciSlotTest, ASecondWriteOfTheSameLetsGoOfNothingNew) {
  ASSERT_TRUE(slot_.insert());
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);  // as it is: a guest that only enables interrupts
  slot_.settle();
  EXPECT_NE(slot_->find_now("probe"), nullptr);
}

TEST_F(PciSlotTest, TheGuestIsAskedAndKeepsIt) {
  start_with_probe();
  const auto ticket = ask();
  slot_.command(SlotWorld::kOn);
  slot_.settle();
  EXPECT_EQ(ticket->stage(), Stage::kRequested) << "as it was: no answer";
  slot_.command(SlotWorld::kBlinks);
  slot_.settle();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  slot_.command(SlotWorld::kOn);
  slot_.settle();
  EXPECT_EQ(ticket->stage(), Stage::kRefused);
  EXPECT_EQ(ticket->report().reason, "device 'probe': the guest keeps it");
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
  EXPECT_EQ(ask()->stage(), Stage::kRequested) << "it may be asked again";
}

TEST_F(PciSlotTest, AGuestThatIsBusyWithTheSlotIsNotAsked) {
  start_with_probe();
  slot_.command(SlotWorld::kBlinks);
  const auto ticket = ask();
  EXPECT_EQ(ticket->stage(), Stage::kRefused);
  EXPECT_EQ(ticket->report().reason,
            "/machine/port: the guest is busy with the slot: its power indicator blinks");
}

TEST_F(PciSlotTest, ASleepingGuestIsAskedAgainAfterFiveSeconds) {
  start_with_probe();
  const auto first = ask();
  slot_.clear(status::kButton);
  EXPECT_EQ(ask()->stage(), Stage::kRefused);
  EXPECT_EQ(slot_.status() & status::kButton, 0U);
  slot_->clock().step_to(Machine::kPatienceNs);
  const auto second = ask();
  EXPECT_NE(slot_.status() & status::kButton, 0U) << "pressed again";
  ASSERT_EQ(slot_->tickets_now().size(), 1U);
  slot_.let_go();
  EXPECT_EQ(first->stage(), Stage::kReclaimed);
  EXPECT_EQ(second->stage(), Stage::kReclaimed);
}

TEST_F(PciSlotTest, WithoutPowerItGoesAtOnce) {
  ASSERT_TRUE(slot_.insert());
  slot_.clear(0xffff);
  const auto ticket = ask();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(slot_.status(), status::kPresenceChanged);
}

TEST_F(PciSlotTest, AResetCompletesWhatIsPending) {
  start_with_probe();
  const auto ticket = ask();
  slot_->reset();
  slot_.settle();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(slot_.status(), 0U);
  EXPECT_EQ(slot_.power(), SlotWorld::kOff | SlotWorld::kNoPower);
}

TEST_F(PciSlotTest, AResetPowersUpWhatWasPutIn) {
  ASSERT_TRUE(slot_.insert());
  slot_->reset();
  slot_.number_and_open();
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
  EXPECT_EQ(slot_.status(), status::kPresent);
}

TEST_F(PciSlotTest, TornOut) {
  start_with_probe();
  const auto ticket = slot_->unplug("probe", Machine::Consent::kSurprise);
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(slot_.status(), status::kPresenceChanged | status::kLinkChanged);
  EXPECT_FALSE(slot_.link());
  EXPECT_EQ(slot_.power(), SlotWorld::kOn) << "power is the guest's to switch";
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody);
  ASSERT_TRUE(slot_.insert());
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId) << "it has power still";
}

TEST_F(PciSlotTest, DmaNeedsPower) {
  start_with_probe();
  auto& probe = slot_.get<PciProbe>("probe");
  slot_.write32(kSlotRamWord, 0x1234);
  const auto load = [&] {
    std::uint64_t value = 0;
    memory::Port port{probe.dma()};
    return port.load(kSlotRamWord, 4, value, probe.attrs()) == memory::MemTxResult::kOk && value == 0x1234;
  };
  EXPECT_TRUE(load());
  slot_.command(SlotWorld::kBlinks | SlotWorld::kNoPower);
  EXPECT_FALSE(load());
  slot_.settle();
  slot_.power_up();
  slot_.map_device();
  EXPECT_TRUE(load());
}

TEST_F(PciSlotTest, AGuestThatOnlyCyclesThePowerKeepsWhatItWasAskedFor) {
  start_with_probe();
  const auto ticket = ask();
  slot_.command(SlotWorld::kBlinks | SlotWorld::kNoPower);
  slot_.settle();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  slot_.power_up();
  slot_.settle();
  EXPECT_EQ(ticket->stage(), Stage::kRefused);
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
}

// Torn out, put in again without its function 0, and only then comes to light what the guest had let go of.
TEST_F(PciSlotTest, ALateAnswerTakesNothingOutThatCameAfter) {
  slot_.set_properties({{"multifunction", true}});
  start_with_probe();
  const auto gone = slot_->unplug("probe", Machine::Consent::kSurprise);
  Result<void> inserted;
  slot_->control().post("insert", [&] { inserted = slot_.insert<PciRam>("second", "0.1"); });
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);
  slot_.settle();
  EXPECT_EQ(gone->stage(), Stage::kReclaimed);
  EXPECT_TRUE(inserted);
  EXPECT_NE(slot_->find_now("second"), nullptr);
}

// The slot has power, but what is in it was never shown: nobody would answer.
TEST_F(PciSlotTest, AGuestIsNotAskedForWhatItHasNeverSeen) {
  start_with_probe();
  EXPECT_TRUE(slot_->unplug("probe", Machine::Consent::kSurprise)->wait());
  slot_.clear(0xffff);
  slot_.set_properties({{"multifunction", true}});
  ASSERT_TRUE(slot_.insert<PciRam>("second", "0.1"));
  EXPECT_EQ(ask("second")->stage(), Stage::kReclaimed);
  EXPECT_EQ(slot_.status(), 0U);
}

// --- interrupts ------------------------------------------------------------------------------------

constexpr std::uint16_t kEnableAll = 0x1039;  // button, presence, completion, link; and all of them

TEST_F(PciSlotTest, EventsInterruptByThePin) {
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower | kEnableAll);
  slot_.clear(0xffff);
  EXPECT_FALSE(slot_.intx(SlotWorld::kPort));
  ASSERT_TRUE(slot_.insert());
  EXPECT_TRUE(slot_.intx(SlotWorld::kPort));
  slot_.clear(status::kPresenceChanged);
  EXPECT_TRUE(slot_.intx(SlotWorld::kPort)) << "the button, too";
  slot_.clear(status::kButton);
  EXPECT_FALSE(slot_.intx(SlotWorld::kPort));
  slot_.command(SlotWorld::kOn | kEnableAll);
  EXPECT_TRUE(slot_.intx(SlotWorld::kPort)) << "the command is completed, the link active";
  slot_.command(SlotWorld::kOn | (kEnableAll & ~0x20));
  EXPECT_FALSE(slot_.intx(SlotWorld::kPort)) << "hot-plug interrupts are disabled";
}

TEST_F(PciSlotTest, EachEventHasAnEnableOfItsOwn) {
  start_with_probe();
  ask();
  slot_.command(SlotWorld::kOn | 0x20 | 0x08);
  EXPECT_FALSE(slot_.intx(SlotWorld::kPort)) << "it hears of presence only";
  slot_.command(SlotWorld::kOn | 0x20 | 0x01);
  EXPECT_TRUE(slot_.intx(SlotWorld::kPort)) << "of the button";
}

TEST_F(PciSlotTest, EventsInterruptByMessage) {
  const unsigned msix = slot_.capability(SlotWorld::kPort, devices::pci::capability::kMsix);
  ASSERT_NE(msix, 0U);
  slot_.store(SlotWorld::kMessages, 8, kSlotRamWord);
  slot_.write32(SlotWorld::kMessages + 8, 0x5107);
  slot_.write32(SlotWorld::kMessages + 12, 0);
  slot_.set_config(SlotWorld::kPort, msix + 2, 2, 0x8000);
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower | kEnableAll);
  slot_.clear(0xffff);
  slot_.write32(kSlotRamWord, 0);
  ASSERT_TRUE(slot_.insert());
  EXPECT_EQ(slot_.read32(kSlotRamWord), 0x5107U);
  EXPECT_FALSE(slot_.intx(SlotWorld::kPort)) << "not by the pin as well";
  slot_.write32(kSlotRamWord, 0);
  slot_.command(SlotWorld::kOff | SlotWorld::kNoPower | kEnableAll);
  EXPECT_EQ(slot_.read32(kSlotRamWord), 0U) << "one message until the events are cleared";
  slot_.clear(0xffff);
  slot_.command(SlotWorld::kOn | kEnableAll);
  EXPECT_EQ(slot_.read32(kSlotRamWord), 0x5107U);
}

// --- several functions -----------------------------------------------------------------------------

TEST_F(PciSlotTest, FunctionsOfADeviceComeWithFunction0AndGoTogether) {
  slot_.set_properties({{"multifunction", true}});
  ASSERT_TRUE(slot_.insert<PciRam>("second", "0.1"));
  EXPECT_EQ(slot_.status(), 0U) << "a guest looks for function 0";
  ASSERT_TRUE(slot_.insert());
  EXPECT_EQ(slot_.status(), kInserted);
  slot_.power_up();
  EXPECT_EQ(slot_.id_in_slot(1), 0xf002'1b36U);
  const auto ticket = ask("second");
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  slot_.let_go();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(slot_->find_now("probe"), nullptr);
  EXPECT_EQ(slot_->find_now("second"), nullptr);
}

TEST_F(PciSlotTest, WithoutFunction0AFunctionGoesAlone) {
  slot_.set_properties({{"multifunction", true}});
  ASSERT_TRUE(slot_.insert<PciRam>("second", "0.1"));
  ASSERT_TRUE(slot_.insert<PciRam>("third", "0.2"));
  EXPECT_EQ(ask("second")->stage(), Stage::kReclaimed);
  EXPECT_NE(slot_->find_now("third"), nullptr);
  EXPECT_EQ(slot_.status(), 0U);
}

TEST_F(PciSlotTest, TheGuestWouldNotNoticeAFunctionThatComesAfterFunction0) {
  slot_.set_properties({{"multifunction", true}});
  const auto& bus = slot_.get<RootPort>("port").secondary();
  ASSERT_TRUE(slot_.insert<PciRam>("second", "0.1"));
  EXPECT_TRUE(bus.takes_more());
  ASSERT_TRUE(slot_.insert());
  const auto refused = bus.takes_more();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "bus 'port' is full: function 0 is taken by /machine/probe, of which the guest knows; others come before it");
}

TEST_F(PciSlotTest, ABridgeComesAndGoesWithAllThatIsBehindIt) {
  const auto before = slot_.test_machine().census();
  ASSERT_TRUE(slot_.insert<PciePciBridge>("bridge"));
  EXPECT_TRUE(slot_.get<PciePciBridge>("bridge").secondary().hot_pluggable())
      << "the guest does not see it yet";
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(slot_.plug_on<PciProbe>({"bridge", "secondary"}, name, ""));
  slot_.power_up();
  EXPECT_FALSE(slot_.get<PciePciBridge>("bridge").secondary().hot_pluggable());
  slot_.store(PciWorld::config_at(0, 0, devices::pci::reg::kPrimaryBus, 1), 4, 0x0002'0201);
  for (unsigned device = 0; device < 3; ++device)
    EXPECT_EQ(slot_.read32(PciWorld::config_at(device, 0, 0, 2)), SlotWorld::kProbeId);
  const auto ticket = ask("bridge");
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  slot_.let_go();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(slot_.test_machine().census(), before);
}

TEST_F(PciSlotTest, ThePortGoesWithWhatIsInItsSlot) {
  start_with_probe();
  EXPECT_TRUE(slot_.unplug("port"));
  EXPECT_EQ(slot_->find_now("probe"), nullptr);
}

TEST(PciPortTest, WithoutHotPlugASlotHasPowerAndNobodyIsAsked) {
  SlotWorld slot{{.hotplug = false}};
  EXPECT_EQ(slot.config(SlotWorld::kPort, slot.capability_at() + 0x14) & 0x7fU, 0U);
  ASSERT_TRUE(slot.insert());
  EXPECT_EQ(slot.status(), status::kPresent) << "and no events";
  EXPECT_EQ(slot.id_in_slot(), SlotWorld::kProbeId);
  const auto refused = slot.get<RootPort>("port").secondary().hot_pluggable();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "bus 'port' does not support hotplugging");
  slot.command(SlotWorld::kOff | SlotWorld::kNoPower);
  EXPECT_EQ(slot.control(), 0U) << "there is nothing to switch";
  EXPECT_TRUE(slot.unplug("probe"));
}

TEST(PciPortTest, WithoutHotPlugAnEmptySlotTakesNothingWhileTheMachineRuns) {
  SlotWorld slot{{.hotplug = false}};
  const auto refused = slot.get<RootPort>("port").secondary().hot_pluggable();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "bus 'port' does not support hotplugging");
}

TEST(PciPortTest, ItsNumbersAreThoseItWasGiven) {
  SlotWorld slot{{.port = 0x12, .slot = 0x345}};
  EXPECT_EQ(slot.config(SlotWorld::kPort, slot.capability_at() + 0x14) >> 19, 0x345U);
  EXPECT_EQ(slot.config(SlotWorld::kPort, slot.capability_at() + 0x0c), 0x1210'0011U) << "and its link's speed";
}

// One lane at 2.5 GT/s, of port 0: what it can is what it does.
TEST(PciPortTest, WhatIsBehindItSaysTheSameOfItsLink) {
  SlotWorld slot;
  ASSERT_TRUE(slot.insert());
  slot.power_up();
  constexpr unsigned kExpress = 0x48;
  const auto link = [&](unsigned at, unsigned size) {
    return slot.load(PciWorld::config_at(0, 0, kExpress + at, 1), size);
  };
  EXPECT_EQ(link(0, 1), devices::pci::capability::kExpress);
  EXPECT_EQ(link(devices::pci::Express::kLinkCapabilities, 4), 0x11U);
  EXPECT_EQ(link(devices::pci::Express::kLinkStatus, 2), 0x11U);
  slot.store(PciWorld::config_at(0, 0, kExpress + devices::pci::Express::kLinkControl, 1), 2, 0xffff);
  EXPECT_EQ(link(devices::pci::Express::kLinkControl, 2), 0xcbU) << "only the port can disable it";
}

// SPEC: PCI Express Base Specification 4.0, 7.5.3.4.
TEST(PciPortTest, DeviceControlIsAsTheSpecificationStartsIt) {
  SlotWorld slot;
  const unsigned at = slot.capability_at() + devices::pci::Express::kDeviceControl;
  EXPECT_EQ(slot.config(SlotWorld::kPort, at, 2), 0x2810U) << "reads of 512 bytes";
  slot.set_config(SlotWorld::kPort, at, 2, 0xffff);
  EXPECT_EQ(slot.config(SlotWorld::kPort, at, 2), 0x78ffU)
      << "no extended tags, phantom functions, auxiliary power";
}

}  // namespace
}  // namespace holdfast::test
