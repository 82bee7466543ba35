// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/machine.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "holdfast/memory/hold.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::machine {
namespace {

using boards::BoardPlan;
using test::kHole;
using test::Leaf;
using test::Repeater;
using test::Scratch;
using test::TestMachine;
using Stage = hw::Ticket::Stage;

TEST(Machine, RealisesAPlan) {
  BoardPlan board{"small"};
  const auto ram = board.ram("ram", 0x10000);
  const auto leaf = board.add<Leaf>("leaf");
  board.map({{0x1000'0000, leaf.region("regs")}, {0x8000'0000, ram}});
  TestMachine machine{board};
  EXPECT_EQ(machine.read32(0x1000'0000), 0x1eafU);
  EXPECT_TRUE(machine.write32(0x8000'0004, 77));
  EXPECT_EQ(machine.read32(0x8000'0004), 77U);
  EXPECT_FALSE(machine.read32(kHole));
  EXPECT_EQ(machine->device_names(), (std::vector<std::string>{"bus", "ram", "leaf"}));
  EXPECT_EQ(machine->find("leaf").get()->path(), "/machine/leaf");
}

TEST(Machine, IsAnObjectOfItsTypeAndShowsWhatWasSaid) {
  const object::PropertyInfo said{.name = "graphics", .type = "bool", .description = "-", .value = true};
  TestMachine machine{BoardPlan{"bare"}, {.type = boards::machine_type("virt"), .properties = {said}}};
  const auto entry = machine->tree().resolve("/machine").value();
  EXPECT_EQ(entry.type, "virt-machine");
  object::Object* shown = entry.object.get();
  ASSERT_NE(shown, nullptr);
  ASSERT_EQ(shown->properties().size(), 1U);
  EXPECT_EQ(shown->properties()[0].type, "bool");
  EXPECT_EQ(shown->get_property("graphics").value(), object::PropertyValue{true});
  EXPECT_EQ(shown->set_property("graphics", false).error().message, "/machine: property 'graphics' is read-only");
  EXPECT_FALSE(shown->get_property("aclint"));
  machine.end();
  EXPECT_TRUE(entry.object.expired());
}

TEST(Machine, OfNoBoardIsOfTheTypeThatHasNothing) {
  TestMachine machine;
  EXPECT_EQ(machine->tree().resolve("/machine")->type, "none-machine");
  EXPECT_TRUE(machine->tree().resolve("/machine")->object.get()->properties().empty());
}

TEST(Machine, LeavesNothingOfAPlanThatFails) {
  TestMachine machine;
  const auto before = machine.census();
  BoardPlan board{"too big"};
  const auto leaf = board.add<Leaf>("leaf");
  const auto ram = board.ram("ram", std::uint64_t{1} << 60);
  board.map({{0x1000'0000, leaf.region("regs")}, {0x8000'0000, ram}});
  EXPECT_FALSE(machine->realize(board));
  EXPECT_FALSE(machine.read32(0x1000'0000));
  EXPECT_EQ(machine.census(), before);
}

TEST(Machine, RefusesANameThatIsTaken) {
  TestMachine machine;
  ASSERT_TRUE(machine->plug<Leaf>("leaf", kHole));
  const auto again = machine->plug<Leaf>("leaf", kHole + 0x1000);
  EXPECT_EQ(again.error().message, "leaf: there is a device of that name");
}

TEST(Machine, KeepsBackEndsUntilNobodyWantsThem) {
  TestMachine machine;
  auto& line = dynamic_cast<test::TestChardev&>(
      machine->keep(std::make_unique<test::TestChardev>("line")));
  machine->keep(std::make_unique<chardev::NullChardev>("other"));
  EXPECT_EQ(machine->find_backend("line"), &line);
  EXPECT_EQ(machine->backends().size(), 2U);
  test::plug_probe(machine, "it", kHole, {.chardev = &line});
  EXPECT_EQ(machine->discard_backend("line").error().message,
            "chardev 'line' is in use; it can be removed when nobody uses it");
  EXPECT_TRUE(machine->unplug("it")->wait());
  EXPECT_TRUE(machine->discard_backend("line"));
  EXPECT_EQ(machine->find_backend("line"), nullptr);
  EXPECT_EQ(machine->discard_backend("line").error().message, "chardev 'line': not found");
}

TEST(Hotplug, UnplugDrainsTheAccessInFlightAndLeavesNothingBehind) {
  TestMachine machine;
  const auto before = machine.census();
  ASSERT_TRUE(machine->plug<Scratch>("rtc1", kHole));
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("test.in_callback", "cpu");
  std::optional<std::uint32_t> answer;
  testing::Thread cpu{"cpu", [&] { answer = machine.read32(kHole + Scratch::kTrap); }};
  inside.wait_reached();

  const auto ticket = machine->unplug("rtc1");
  machine->control().run_pending();
  EXPECT_FALSE(machine.read32(kHole)) << "new accesses already miss";
  EXPECT_EQ(ticket->stage(), Stage::kSevered);
  ASSERT_EQ(ticket->report().insiders.size(), 1U) << ticket->report().to_string();
  inside.release();
  EXPECT_TRUE(ticket->wait());
  cpu.join();
  EXPECT_EQ(answer, 1U) << "the access that had begun was served";
  EXPECT_EQ(machine.census(), before);
}

TEST(Wires, CarryALevelFromPinToPinAndFallWithTheirSender) {
  BoardPlan board{"wired"};
  const auto a = board.add<Repeater>("a");
  const auto b = board.add<Repeater>("b");
  board.map({{kHole, a.region("regs")}, {kHole + 0x1000, b.region("regs")}});
  board.wire({{a.out("out"), b.in(1)}});
  board.leave_loose(b.out("out"));
  TestMachine machine{std::move(board).validated().value()};
  EXPECT_EQ(machine.read32(kHole + 0x1000), 0U);
  machine.write32(kHole, 1);
  EXPECT_EQ(machine.read32(kHole + 0x1000), 1U) << "when the access returned, it had arrived";
  EXPECT_TRUE(machine->unplug("a")->wait());
  EXPECT_EQ(machine.read32(kHole + 0x1000), 0U) << "a cut wire rests";
}

TEST(Wires, FromAPluggedDeviceToOneThatWasThere) {
  TestMachine machine;
  ASSERT_TRUE(machine->plug<Repeater>("stays", kHole));
  const auto before = machine.census();
  BoardPlan plan{"plug"};
  const auto comes = plan.add<Repeater>("comes");
  plan.map_into(plan.existing("bus").region("memory"), {{kHole + 0x1000, comes.region("regs")}});
  plan.wire({{comes.out("out"), plan.existing("stays").in(0)}});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(machine->realize(plan));
    machine.write32(kHole + 0x1000, 1);
    EXPECT_EQ(machine.read32(kHole), 1U);
    EXPECT_TRUE(machine->unplug("comes")->wait());
    EXPECT_EQ(machine.read32(kHole), 0U);
  }
  EXPECT_EQ(machine.census(), before);
}

TEST(Hotplug, ASecondUnplugFindsNothing) {
  TestMachine machine;
  ASSERT_TRUE(machine->plug<Leaf>("leaf", kHole));
  const auto first = machine->unplug("leaf");
  const auto second = machine->unplug("leaf");
  EXPECT_TRUE(first->wait());
  EXPECT_EQ(second->wait().error().message, "device 'leaf': not found");
  EXPECT_TRUE(machine->plug<Leaf>("leaf", kHole)) << "the name is free again";
}

TEST(Hotplug, ADeviceMayEjectItselfInItsOwnCallbackAndGoOn) {
  TestMachine machine;
  const auto before = machine.census();
  Ref<hw::Ticket> ticket;
  bool went_on = false;
  ASSERT_TRUE(machine->plug<Scratch>("suicidal", kHole, Scratch::Config{.on_trap = [&] {
    ticket = machine->unplug("suicidal");
    went_on = !ticket->done();
  }}));
  EXPECT_TRUE(machine.write32(kHole + Scratch::kTrap, 1));
  EXPECT_TRUE(went_on);
  EXPECT_TRUE(ticket->wait());
  EXPECT_FALSE(machine.read32(kHole));
  EXPECT_EQ(machine.census(), before);
}

TEST(Hotplug, AHoldKeepsTheMemoryAndNothingElse) {
  TestMachine machine;
  BoardPlan board{"dimm"};
  const auto dimm = board.ram("dimm", 0x1000);
  board.map_into(board.existing("bus").region("memory"), {{kHole, dimm}});
  ASSERT_TRUE(machine->realize(board));
  std::optional<memory::Hold> hold;
  {
    memory::AddressSpace space{machine->fabric(), machine->bus().memory().region(), {}};
    memory::Port port{space};
    hold = port.hold(kHole, 16, memory::Port::HoldFor::kWriting, "disk request",
                     std::source_location::current());
  }
  ASSERT_TRUE(hold);
  const auto ticket = machine->unplug("dimm");
  EXPECT_TRUE(ticket->wait()) << "the device does not wait for the hold";
  EXPECT_FALSE(machine.read32(kHole));
  hold.reset();
}

TEST(Reset, GoesOverAllDevicesAndPausesTheCpus) {
  class Cpus final : public hw::CpuSet {
   public:
    explicit Cpus(std::string& log) : log_{log} {}
    void hold() override { log_ += "hold-cpus "; }
    void pause() override { log_ += "pause "; }
    void resume() override { log_ += "resume"; }

   private:
    std::string& log_;
  };
  std::string log;
  Cpus cpus{log};
  TestMachine machine;
  ASSERT_TRUE(machine->plug<Scratch>("one", kHole, Scratch::Config{.at_reset = 5,
                                                                   .on_reset = [&](auto phase) {
    if (phase == hw::ResetPhase::kHold) log += "hold ";
  }}));
  log.clear();
  EXPECT_EQ(machine.read32(kHole), 5U);
  machine.write32(kHole, 9);
  machine->set_cpus(&cpus);
  machine->reset();
  machine->set_cpus(nullptr);
  EXPECT_EQ(log, "pause hold resume");
  EXPECT_EQ(machine.read32(kHole), 5U);
  EXPECT_EQ(machine.read32(kHole + Scratch::kResets), 2U) << "once by its plug";
}

TEST(Reset, MayBeAskedForInACallback) {
  TestMachine machine;
  ASSERT_TRUE(machine->plug<Scratch>("button", kHole, Scratch::Config{.on_trap = [&] {
    machine->request_reset();
  }}));
  machine.write32(kHole + Scratch::kTrap, 1);
  machine->control().run_pending();
  EXPECT_EQ(machine.read32(kHole + Scratch::kResets), 2U);
}

TEST(RunState, FollowsTheJobs) {
  TestMachine machine;
  EXPECT_EQ(machine->run_state(), RunState::kPrelaunch);
  machine->run();
  EXPECT_EQ(machine->run_state(), RunState::kRunning);
  machine->pause();
  EXPECT_EQ(machine->run_state(), RunState::kPaused);
  machine->request_quit(3);
  machine->control().run_pending();
  EXPECT_EQ(machine->run_state(), RunState::kShutdown);
  EXPECT_EQ(machine->exit_status(), 3);
  machine->loop().run();  // returns at once
}

TEST(RunState, AResetOfAMachineThatDoesNotRunIsBeforeItsStart) {
  TestMachine machine;
  machine->run();
  machine->reset();
  EXPECT_EQ(machine->run_state(), RunState::kRunning);
  machine->pause();
  machine->reset();
  EXPECT_EQ(machine->run_state(), RunState::kPrelaunch);
  machine->run();
  EXPECT_EQ(machine->run_state(), RunState::kRunning);
}

TEST(RunState, AMachineThatIsSwitchedOffMayStayUntilItIsReset) {
  TestMachine machine{BoardPlan{"a"}, {.on_shutdown = Machine::OnShutdown::kStay}};
  machine->run();
  machine->request_quit(3);
  machine->control().run_pending();
  EXPECT_EQ(machine->run_state(), RunState::kShutdown);
  machine->run();
  EXPECT_EQ(machine->run_state(), RunState::kShutdown) << "a reset must come first";
  EXPECT_TRUE(machine->plug<Leaf>("leaf", kHole)) << "it is there";
  machine->reset();
  EXPECT_EQ(machine->run_state(), RunState::kPrelaunch);
  machine->run();
  EXPECT_EQ(machine->run_state(), RunState::kRunning);
}

TEST(RunState, AMachineThatStaysEndsWhenItMust) {
  TestMachine machine{BoardPlan{"a"}, {.on_shutdown = Machine::OnShutdown::kStay}};
  machine->run();
  machine->request_quit(3);
  machine->request_end(0);
  machine->control().run_pending();
  EXPECT_EQ(machine->run_state(), RunState::kShutdown);
  EXPECT_EQ(machine->exit_status(), 0);
  EXPECT_FALSE(machine->plug<Leaf>("leaf", kHole));
  machine->loop().run();  // returns at once
}

TEST(RunState, AResetMayBeAnEnd) {
  TestMachine machine{BoardPlan{"a"}, {.on_reset = Machine::OnReset::kShutdown}};
  ASSERT_TRUE(machine->plug<Scratch>("it", kHole));
  machine->run();
  machine->request_reset();
  machine->control().run_pending();
  ASSERT_EQ(machine->run_state(), RunState::kShutdown) << "else it would run for ever";
  EXPECT_EQ(machine.read32(kHole + Scratch::kResets), 1U) << "by its plug alone";
  machine->loop().run();  // returns at once
}

TEST(RunState, SoMayAResetThatAMonitorWants) {
  TestMachine machine{BoardPlan{"a"}, {.on_reset = Machine::OnReset::kShutdown}};
  ASSERT_TRUE(machine->plug<Scratch>("it", kHole));
  machine->run();
  machine->reset_on_demand(Cause::kHostReset);
  EXPECT_EQ(machine->run_state(), RunState::kShutdown) << "when it returns";
  EXPECT_EQ(machine.read32(kHole + Scratch::kResets), 1U) << "by its plug alone";
  TestMachine other;
  ASSERT_TRUE(other->plug<Scratch>("it", kHole));
  other->reset_on_demand(Cause::kHostReset);
  EXPECT_EQ(other.read32(kHole + Scratch::kResets), 2U);
}

/// Says what it is told, and how often it is paused.
class CountingCpus final : public hw::CpuSet {
 public:
  void hold() override { ++held; }
  void pause() override { ++held; }
  void resume() override { --held; }
  int held = 1;  // as before a start
};

TEST(RunState, CpusThatAskedForTheEndDoNotRunAgain) {
  CountingCpus cpus;
  TestMachine machine{BoardPlan{"a"}, {.on_shutdown = Machine::OnShutdown::kStay}};
  machine->set_cpus(&cpus);
  machine->run();
  EXPECT_EQ(cpus.held, 0);
  machine->request_quit(3);
  EXPECT_EQ(cpus.held, 1) << "at once";
  machine->control().run_pending();
  EXPECT_EQ(cpus.held, 1);
  machine->reset();
  machine->run();
  EXPECT_EQ(cpus.held, 0);
  machine->set_cpus(nullptr);
}

TEST(Machines, AsManyAsYouLikeInOneProcessAndEachWithItsOwnThread) {
  const Machine::Options own{.control = Machine::Control::kOwnThread};
  TestMachine a{BoardPlan{"a"}, own};
  TestMachine b{BoardPlan{"b"}, own};
  ASSERT_TRUE(a->plug<Leaf>("leaf", kHole));
  EXPECT_EQ(a.read32(kHole), 0x1eafU);
  EXPECT_FALSE(b.read32(kHole));
  EXPECT_TRUE(a->unplug("leaf")->wait());
}

TEST(Machines, OneEndsWithAThreadInsideADeviceOfAnother) {
  TestMachine stuck;
  ASSERT_TRUE(stuck->plug<Scratch>("slow", kHole));
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("test.in_callback", "cpu");
  testing::Thread cpu{"cpu", [&] { stuck.read32(kHole + Scratch::kTrap); }};
  inside.wait_reached();
  {
    TestMachine other;
    ASSERT_TRUE(other->plug<Leaf>("leaf", kHole));
    EXPECT_TRUE(other->unplug("leaf")->wait());
  }
  inside.release();
}

}  // namespace
}  // namespace holdfast::machine
