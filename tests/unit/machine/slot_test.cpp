// SPDX-License-Identifier: Apache-2.0
// What a machine makes of slots: who is asked before a device goes, and of each answer. The slot here is
// one that says what the test says; devices/pci has real ones.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/slot.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

using hw::Slot;
using machine::Machine;
using Stage = hw::Ticket::Stage;
using Verdict = hw::MachineRequests::Verdict;

class FakeSlot final : public Slot {
 public:
  std::string slot_name() const override { return "the port"; }
  Result<Answer> ask() override {
    ++times_asked;
    if (!why_not.empty()) return fail("{}", why_not);
    return answer;
  }
  std::vector<hw::Device*> occupants() override {
    std::vector<hw::Device*> all;
    for (const std::string& name : inside)
      if (hw::Device* device = machine->find_now(name)) all.push_back(device);
    return all;
  }
  void vacate() override { ++times_vacated; }
  std::uint64_t seating() const override { return now_seated; }

  Machine* machine = nullptr;
  Answer answer = Answer::kAsked;
  std::string why_not;
  std::vector<std::string> inside;
  std::uint64_t now_seated = 1;
  int times_asked = 0;
  int times_vacated = 0;
};

/// Has a bus, in whose slot a device can sit.
class Frame final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-frame", .parent = &hw::Device::kType, .docs = "Has a bus."};
  explicit Frame(const hw::DeviceInit& init) : Device{init} {}

  Slot* slot = nullptr;  // the test's, which outlives the machine

 private:
  class FrameBus final : public hw::Bus {
   public:
    explicit FrameBus(Frame& frame)
        : Bus{frame, "bus", {.name = frame.id(), .type = "test", .family = "test"}}, frame_{frame} {}
    Slot* slot_of(const hw::Device&) override { return frame_.slot; }

   private:
    Frame& frame_;  // contains this
  };
  FrameBus bus_{*this};
};

/// Sits on a bus, and has one.
class Card final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-card", .parent = &hw::Device::kType, .docs = "Sits in a slot."};
  explicit Card(const hw::DeviceInit& init) : Device{init} {}

 private:
  class CardBus final : public hw::Bus {
   public:
    explicit CardBus(Card& card) : Bus{card, "bus", {.name = card.id(), .type = "test", .family = "test"}} {}
  };
  hw::BusLink seat_{*this, "seat", "test"};
  CardBus bus_{*this};
  hw::State<std::uint32_t> state_{*this, "state", 7};
};

class SlotTest : public ::testing::Test, private machine::Observer {
 protected:
  SlotTest() {
    machine_->observe(*this);
    slot_.machine = &*machine_;
    slot_.inside = {"card"};
    static_cast<Frame*>(machine_->find_now("frame"))->slot = &slot_;
    plug("card");
  }
  ~SlotTest() override { machine_->forget(*this); }

  void plug(const std::string& name, const std::string& onto = "frame") {
    boards::BoardPlan plan{"card"};
    const auto card = plan.add<Card>(name);
    plan.link({{card.link("seat"), plan.existing(onto).bus("bus")}});
    ASSERT_TRUE(machine_->realize(plan));
  }
  static boards::BoardPlan frame_plan() {
    boards::BoardPlan plan{"frame"};
    plan.add<Frame>("frame");
    return plan;
  }
  void guest(Verdict verdict, std::uint64_t seating = 1) {
    machine_->context().requests->slot_decided(object::Handle<Slot>{static_cast<Slot&>(slot_)}, seating,
                                               verdict);
    settle();
  }
  void settle() { machine_->control().run_pending(); }
  Ref<hw::Ticket> unplug(std::string name = "card") {
    auto ticket = machine_->unplug(std::move(name));
    settle();
    return ticket;
  }
  bool is_there(std::string_view name) { return machine_->find_now(name) != nullptr; }

  FakeSlot slot_;  // outlives the machine
  TestMachine machine_{frame_plan()};
  const Census::Snapshot before_ = machine_.census();
  std::vector<std::string> events_;

 private:
  void device_went(const std::string& name, const std::string&) override {
    events_.push_back("gone " + name);
  }
  void guest_kept(const std::string& name, const std::string&) override {
    events_.push_back("kept " + name);
  }
};

using Words = std::vector<std::string>;

TEST_F(SlotTest, AskedForAndLetGo) {
  const auto ticket = unplug();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  EXPECT_TRUE(is_there("card"));
  ASSERT_EQ(machine_->tickets_now().size(), 1U) << "it stays visible";
  EXPECT_EQ(machine_->tickets_now()[0]->report().reason, "the guest is asked by the port");
  guest(Verdict::kReleased);
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(events_, Words{"gone card"});
  EXPECT_EQ(slot_.times_vacated, 1);
  EXPECT_EQ(machine_.census(), before_);
}

TEST_F(SlotTest, AskedForAndKept) {
  const auto ticket = unplug();
  guest(Verdict::kKept);
  EXPECT_EQ(ticket->stage(), Stage::kRefused);
  EXPECT_EQ(ticket->report().reason, "device 'card': the guest keeps it");
  EXPECT_TRUE(is_there("card"));
  EXPECT_EQ(events_, Words{"kept card"});
  EXPECT_TRUE(machine_->tickets_now().empty());
  EXPECT_EQ(unplug()->stage(), Stage::kRequested) << "it may be asked for again at once";
  EXPECT_EQ(slot_.times_asked, 2);
}

TEST_F(SlotTest, ASleepingGuestIsAskedAgainAfterFiveSeconds) {
  const auto first = unplug();
  machine_->clock().step_to(Machine::kPatienceNs - 1);
  const auto second = unplug();
  EXPECT_EQ(second->stage(), Stage::kRefused);
  EXPECT_EQ(second->report().reason, "device 'card' is being unplugged already: the guest has been asked");
  EXPECT_EQ(slot_.times_asked, 1);
  EXPECT_EQ(first->stage(), Stage::kRequested) << "which changes nothing for the first";

  machine_->clock().step_to(Machine::kPatienceNs);
  const auto third = unplug();
  EXPECT_EQ(third->stage(), Stage::kRequested);
  EXPECT_EQ(slot_.times_asked, 2);
  EXPECT_EQ(machine_->tickets_now().size(), 1U) << "one unplug, however often it is asked for";
  guest(Verdict::kReleased);
  EXPECT_EQ(first->stage(), Stage::kReclaimed);
  EXPECT_EQ(third->stage(), Stage::kReclaimed);
  EXPECT_EQ(events_, Words{"gone card"}) << "once";
}

TEST_F(SlotTest, TheSecondRequestIsRefusedWithTheFirst) {
  const auto first = unplug();
  machine_->clock().step_to(Machine::kPatienceNs);
  const auto second = unplug();
  guest(Verdict::kKept);
  EXPECT_EQ(first->stage(), Stage::kRefused);
  EXPECT_EQ(second->stage(), Stage::kRefused);
  EXPECT_EQ(events_, Words{"kept card"});
}

TEST_F(SlotTest, NobodyHasToAgree) {
  slot_.answer = Slot::Answer::kGo;
  EXPECT_EQ(unplug()->stage(), Stage::kReclaimed);
  EXPECT_EQ(events_, Words{"gone card"});
}

TEST_F(SlotTest, ItCannotBeAskedNow) {
  slot_.why_not = "it is busy";
  EXPECT_EQ(unplug()->report().reason, "it is busy");
  EXPECT_TRUE(is_there("card"));
  EXPECT_TRUE(events_.empty());
}

TEST_F(SlotTest, TornOutWhileTheGuestIsAsked) {
  const auto asked = unplug();
  const auto torn = machine_->unplug("card", Machine::Consent::kSurprise);
  EXPECT_TRUE(torn->wait());
  settle();
  EXPECT_EQ(asked->stage(), Stage::kReclaimed);
  EXPECT_EQ(slot_.times_vacated, 1);
  EXPECT_EQ(events_, Words{"gone card"});
  guest(Verdict::kReleased);
  guest(Verdict::kKept);
  EXPECT_EQ(events_, Words{"gone card"}) << "an answer that comes late finds nothing";
}

TEST_F(SlotTest, AnAnswerIsForTheSeatingItWasGivenFor) {
  unplug();
  EXPECT_TRUE(machine_->unplug("card", Machine::Consent::kSurprise)->wait());
  plug("card");
  slot_.now_seated = 2;
  guest(Verdict::kReleased, 1);
  EXPECT_TRUE(is_there("card"));
  guest(Verdict::kReleased, 2);
  EXPECT_FALSE(is_there("card"));
}

TEST_F(SlotTest, TheGuestLetsGoThoughNobodyAsked) {
  guest(Verdict::kReleased);
  EXPECT_FALSE(is_there("card"));
  EXPECT_EQ(events_, Words{"gone card"});
  EXPECT_EQ(machine_.census(), before_);
}

TEST_F(SlotTest, ResetCompletesWhatIsPending) {
  const auto ticket = unplug();
  machine_->reset();
  EXPECT_TRUE(ticket->wait());
  EXPECT_FALSE(is_there("card"));
}

TEST_F(SlotTest, TheMachineEndsWhileTheGuestIsAsked) {
  const auto ticket = unplug();
  machine_->clock().step_to(Machine::kPatienceNs);
  const auto again = unplug();
  machine_->end();
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(again->stage(), Stage::kReclaimed);
}

TEST_F(SlotTest, AllInASlotGoTogether) {
  plug("other");
  slot_.inside = {"card", "other"};
  const auto ticket = unplug("other");
  guest(Verdict::kReleased);
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(events_, (Words{"gone card", "gone other"}));
}

TEST_F(SlotTest, WhatSitsOnItsBusGoesFirst) {
  plug("inner", "card");
  plug("rider", "inner");
  EXPECT_EQ(unplug("rider")->stage(), Stage::kReclaimed) << "it goes alone, too";
  plug("rider", "inner");
  const auto ticket = unplug();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  events_.clear();
  guest(Verdict::kReleased);
  EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  EXPECT_EQ(events_, (Words{"gone rider", "gone inner", "gone card"}));
  EXPECT_EQ(machine_.census(), before_);
}

TEST_F(SlotTest, TheOwnerOfTheBusTakesAllWithIt) {
  plug("rider", "card");
  const auto ticket = machine_->unplug("frame");
  EXPECT_TRUE(ticket->wait()) << "it is in no slot, so nobody is asked";
  settle();
  EXPECT_EQ(events_, (Words{"gone rider", "gone card", "gone frame"}));
  EXPECT_EQ(slot_.times_asked, 0);
}

TEST_F(SlotTest, ResetBelowABusReachesAllThatIsBelow) {
  plug("rider", "card");
  const auto state = [this](std::string_view name) -> hw::State<std::uint32_t>& {
    return *machine_->find_now(name)->find_part<hw::State<std::uint32_t>>("state");
  };
  state("card") = 1;
  state("rider") = 2;
  auto* frame = machine_->find_now("frame");
  machine_->context().requests->request_reset_below(
      object::Handle<hw::Bus>{*frame->find_part<hw::Bus>("bus")});
  settle();
  EXPECT_EQ(state("card"), 7U);
  EXPECT_EQ(state("rider"), 7U);
}

}  // namespace
}  // namespace holdfast::test
