// SPDX-License-Identifier: Apache-2.0
// Every path of a device's life, each with the same ending: the census is what it was. A type goes
// through all of them by being registered.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <iostream>
#include <ostream>
#include <string>
#include <vector>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/devices/storage/nvme.hpp"
#include "holdfast/machine/machine.hpp"
#include "tests/support/pci_world.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

using Stage = hw::Ticket::Stage;

/// A type and how to put one onto a board.
struct Subject {
  const object::Type* type;
  boards::DeviceFacet facet;

  /// What has to be there before: a bus, if the type sits on one.
  boards::BoardPlan world() const {
    if (!sits()) return boards::BoardPlan{"bare"};
    boards::BoardPlan plan = pci_plan();
    if (!is_function()) plan.link({{plan.add<devices::Nvme>("nvme0", {}).link("bus"), kBus}});
    return plan;
  }
  bool sits() const { return !facet.bus.empty(); }
  /// Or something on the bus of a controller.
  bool is_function() const { return facet.bus == devices::pci::Bus::kFamily; }
  /// A plan fragment with one device of the type, at kHole if it has a region to place, or on the bus.
  boards::BoardPlan plan() const {
    boards::BoardPlan plan{"sample"};
    const auto device = boards::add_device(plan, *type, facet, "it", kHole);
    if (sits()) plan.link({{device.link("bus"), bus()}});
    return plan;
  }
  /// Where it answers: what was placed, or the configuration space of the first free function.
  std::uint64_t where() const {
    if (!sits()) return kHole;
    return is_function() ? PciWorld::config_at(1, 0, 0) : kNowhere;
  }
  const boards::PartRef& bus() const { return is_function() ? kBus : kNamespaces; }
  bool answers(TestMachine& machine) const {
    const auto value = machine.read32(where());
    return value && (!sits() || *value != 0xffff'ffff);
  }
  inline static const boards::PartRef kBus{"host", "pcie.0"};
  inline static const boards::PartRef kNamespaces{"nvme0", "namespaces"};
  static constexpr std::uint64_t kNowhere = 0x1000;
  hw::Owned<hw::Device> build(machine::Machine& machine) const {
    return facet.make({.context = machine.context(), .type = *type, .name = "it"});
  }
};

inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.type->name; }

/// All concrete types of a registry.
inline std::vector<Subject> subjects(Result<void> (*fill)(object::TypeRegistry&)) {
  object::TypeRegistry registry;
  EXPECT_TRUE(fill(registry));
  std::vector<Subject> all;
  for (const object::Type* type : registry.descendants("device", object::Abstract::kExcluded))
    all.push_back({type, *registry.facet<boards::DeviceFacet>(*type)});
  return all;
}

inline std::string name_of(const ::testing::TestParamInfo<Subject>& info) {
  std::string name{info.param.type->name};
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

class Lifecycle : public ::testing::TestWithParam<Subject> {
 protected:
  boards::BoardPlan sample() const { return GetParam().plan(); }
  static bool answers(TestMachine& machine) { return GetParam().answers(machine); }
  /// Says why nobody can be inside of this type; the reason is in its registration.
  /// An access that comes to the device's gate.
  static void enter(TestMachine& machine) {
    if (GetParam().facet.entered == boards::DeviceFacet::Entered::kByWrite)
      machine.write32(GetParam().where(), 0);
    else
      machine.read32(GetParam().where());
  }
  bool is_never_inside() const {
    const auto reason = GetParam().facet.never_inside;
    if (!reason.empty())
      std::cout << GetParam().type->name << ": nobody is ever inside: " << reason << "\n";
    return !reason.empty();
  }
  /// How many parts are prepared when the plan is realised: counted by a fault that never strikes.
  std::size_t parts_prepared() const {
    TestMachine other{GetParam().world()};
    hw::FaultPlan never{.fail_at = ~std::size_t{0}};
    other->context().faults = &never;
    EXPECT_TRUE(other->realize(sample()));
    return never.seen;
  }

  TestMachine machine{GetParam().world()};
  const Census::Snapshot before = machine.census();
};

TEST_P(Lifecycle, BuiltLookedAtAndDropped) {
  const auto tree = machine->tree().walk().value();
  {
    const auto device = GetParam().build(*machine);
    EXPECT_FALSE(device->realized());
    EXPECT_FALSE(device->part_infos().empty());
    device->properties();
  }
  EXPECT_EQ(machine.census(), before);
  EXPECT_EQ(machine->tree().walk().value(), tree);
}

TEST_P(Lifecycle, PreparedAndDropped) {
  {
    const auto device = GetParam().build(*machine);
    const std::string link{GetParam().facet.memory_link};
    if (!link.empty()) {
      EXPECT_TRUE(device->find_part<hw::RegionLink>(link)->set(machine->bus().memory()));
    }
    if (GetParam().sits()) {
      const boards::PartRef& seat = GetParam().bus();
      auto* bus = machine->find(seat.device).get()->find_part<hw::Bus>(seat.part);
      EXPECT_TRUE(device->find_part<hw::BusLink>("bus")->set(*bus));
    }
    EXPECT_TRUE(device->prepare());
  }
  EXPECT_EQ(machine.census(), before);
}

TEST_P(Lifecycle, PrepareFailingAtEachPart) {
  const std::size_t parts = parts_prepared();
  ASSERT_GT(parts, 0U);
  for (std::size_t k = 0; k < parts; ++k) {
    hw::FaultPlan fault{.fail_at = k};
    machine->context().faults = &fault;
    const auto realized = machine->realize(sample());
    EXPECT_FALSE(realized) << "part " << k << " of " << parts;
    machine->context().faults = nullptr;
    EXPECT_EQ(machine.census(), before) << "part " << k << " of " << parts;
  }
  EXPECT_TRUE(machine->realize(sample())) << "the world is as it was";
}

TEST_P(Lifecycle, PluggedAndUnpluggedAHundredTimes) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(machine->realize(sample()));
    answers(machine);
    ASSERT_TRUE(machine->unplug("it")->wait());
    ASSERT_FALSE(answers(machine));
  }
  EXPECT_EQ(machine.census(), before);
}

TEST_P(Lifecycle, UnpluggedTwice) {
  ASSERT_TRUE(machine->realize(sample()));
  const auto first = machine->unplug("it");
  const auto second = machine->unplug("it");
  EXPECT_TRUE(first->wait());
  EXPECT_EQ(second->wait().error().message, "device 'it': not found");
  EXPECT_EQ(machine.census(), before);
}

// A thread stands in the gate of the device (or of its part that shows at kHole) as it is severed.
TEST_P(Lifecycle, UnpluggedInAnAccess) {
  if (is_never_inside()) return;
  ASSERT_TRUE(machine->realize(sample()));
  {
    testing::Schedule schedule;
    auto& inside = schedule.stop_at("gate.entered", "cpu");
    testing::Thread cpu{"cpu", [&] { enter(machine); }};
    inside.wait_reached();
    const auto ticket = machine->unplug("it");
    machine->control().run_pending();
    EXPECT_NE(ticket->stage(), Stage::kRequested);
    EXPECT_FALSE(answers(machine)) << "new accesses miss";
    EXPECT_FALSE(ticket->done()) << ticket->report().to_string();
    inside.release();
    cpu.join();
    EXPECT_TRUE(ticket->wait());
  }
  EXPECT_EQ(machine.census(), before);
}

TEST_P(Lifecycle, MachineDestroyedInEachPhase) {
  {  // built, and nobody will ever plug it: its owner drops it first
    TestMachine other{GetParam().world()};
    const auto device = GetParam().build(*other);
  }
  {  // live
    TestMachine other{GetParam().world()};
    ASSERT_TRUE(other->realize(sample()));
  }
  {  // severing is queued and has not begun
    TestMachine other{GetParam().world()};
    ASSERT_TRUE(other->realize(sample()));
    const auto ticket = other->unplug("it");
    other.end();
    EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  }
  if (is_never_inside()) return;
  {  // severed, not drained: somebody is inside
    TestMachine other{GetParam().world()};
    ASSERT_TRUE(other->realize(sample()));
    testing::Schedule schedule;
    auto& inside = schedule.stop_at("gate.entered", "cpu");
    testing::Thread cpu{"cpu", [&] { enter(other); }};
    inside.wait_reached();
    const auto ticket = other->unplug("it");
    other->control().run_pending();
    schedule.run_at("machine.end.before_settling", "main", [&] {
      inside.release();
      cpu.join();  // whoever runs CPUs stops them before their machine's memory goes
    });
    other.end();
    EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  }
  {  // the machine ends with somebody inside a live device
    TestMachine other{GetParam().world()};
    ASSERT_TRUE(other->realize(sample()));
    testing::Schedule schedule;
    auto& inside = schedule.stop_at("gate.entered", "cpu");
    testing::Thread cpu{"cpu", [&] { enter(other); }};
    inside.wait_reached();
    schedule.run_at("machine.end.before_settling", "main", [&] {
      inside.release();
      cpu.join();  // whoever runs CPUs stops them before their machine's memory goes
    });
    other.end();
  }
}

TEST_P(Lifecycle, SeveredWhilePreparing) {
  // An unplug asked for between two parts' prepares is a job of its own, so it comes after.
  Ref<hw::Ticket> ticket;
  {
    testing::Schedule schedule;
    schedule.run_at("hw.prepare.part", "main", [&] { ticket = machine->unplug("it"); });
    EXPECT_TRUE(machine->realize(sample()));
  }
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(machine.census(), before);
}

TEST_P(Lifecycle, ResetInBetween) {
  ASSERT_TRUE(machine->realize(sample()));
  machine->reset();
  machine->request_reset();
  const auto ticket = machine->unplug("it");
  machine->request_reset();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(machine.census(), before);
}

}  // namespace holdfast::test
