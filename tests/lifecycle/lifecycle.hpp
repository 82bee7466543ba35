// SPDX-License-Identifier: Apache-2.0
// Every path of a device's life, each with the same ending: the census is what it was. A type goes
// through all of them by being named in one of the lists that instantiate this suite.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "holdfast/machine/machine.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

using Stage = hw::Ticket::Stage;

/// A plan fragment that has the device, placed at kHole if it has a region "regs".
template <class T>
boards::BoardPlan sample() {
  boards::BoardPlan plan{"sample"};
  const auto device = plan.add<T>("it");
  plan.map_into(plan.existing("bus").region("memory"), {{kHole, device.region("regs")}});
  return plan;
}

/// How many parts are prepared when this plan is realised: counted by a fault that never strikes.
template <class T>
std::size_t parts_prepared() {
  TestMachine machine;
  hw::FaultPlan never{.fail_at = ~std::size_t{0}};
  machine->context().faults = &never;
  EXPECT_TRUE(machine->realize(sample<T>()));
  return never.seen;
}

template <class T>
class Lifecycle : public ::testing::Test {
 protected:
  TestMachine machine;
  const Census::Snapshot before = machine.census();
};

struct TypeNames {
  template <class T>
  static std::string GetName(int) {
    return std::string{T::kType.name};
  }
};
TYPED_TEST_SUITE_P(Lifecycle);

TYPED_TEST_P(Lifecycle, BuiltLookedAtAndDropped) {
  const auto tree = this->machine->tree().walk().value();
  {
    const auto plan = sample<TypeParam>();
    const auto& row = plan.devices().front();
    const auto device = row.make({.context = this->machine->context(), .type = *row.type,
                                  .name = row.name});
    EXPECT_FALSE(device->realized());
    EXPECT_FALSE(device->part_infos().empty());
    device->properties();
  }
  EXPECT_EQ(this->machine.census(), this->before);
  EXPECT_EQ(this->machine->tree().walk().value(), tree);
}

TYPED_TEST_P(Lifecycle, PreparedAndDropped) {
  {
    const auto plan = sample<TypeParam>();
    const auto& row = plan.devices().front();
    const auto device = row.make({.context = this->machine->context(), .type = *row.type,
                                  .name = row.name});
    EXPECT_TRUE(device->prepare());
  }
  EXPECT_EQ(this->machine.census(), this->before);
}

TYPED_TEST_P(Lifecycle, PrepareFailingAtEachPart) {
  const std::size_t parts = parts_prepared<TypeParam>();
  ASSERT_GT(parts, 0U);
  for (std::size_t k = 0; k < parts; ++k) {
    hw::FaultPlan fault{.fail_at = k};
    this->machine->context().faults = &fault;
    const auto realized = this->machine->realize(sample<TypeParam>());
    EXPECT_FALSE(realized) << "part " << k << " of " << parts;
    this->machine->context().faults = nullptr;
    EXPECT_EQ(this->machine.census(), this->before) << "part " << k << " of " << parts;
  }
  EXPECT_TRUE(this->machine->realize(sample<TypeParam>())) << "the world is as it was";
}

TYPED_TEST_P(Lifecycle, PluggedAndUnpluggedAHundredTimes) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(this->machine->realize(sample<TypeParam>()));
    this->machine.read32(kHole);
    ASSERT_TRUE(this->machine->unplug("it")->wait());
    ASSERT_FALSE(this->machine.read32(kHole));
  }
  EXPECT_EQ(this->machine.census(), this->before);
}

TYPED_TEST_P(Lifecycle, UnpluggedTwice) {
  ASSERT_TRUE(this->machine->realize(sample<TypeParam>()));
  const auto first = this->machine->unplug("it");
  const auto second = this->machine->unplug("it");
  EXPECT_TRUE(first->wait());
  EXPECT_EQ(second->wait().error().message, "device 'it': not found");
  EXPECT_EQ(this->machine.census(), this->before);
}

// A thread stands in the gate of the device (or of its part that shows at kHole) as it is severed.
TYPED_TEST_P(Lifecycle, UnpluggedInAnAccess) {
  ASSERT_TRUE(this->machine->realize(sample<TypeParam>()));
  {
    testing::Schedule schedule;
    auto& inside = schedule.stop_at("gate.entered", "cpu");
    testing::Thread cpu{"cpu", [&] { this->machine.read32(kHole); }};
    inside.wait_reached();
    const auto ticket = this->machine->unplug("it");
    this->machine->control().run_pending();
    EXPECT_NE(ticket->stage(), Stage::kRequested);
    EXPECT_FALSE(this->machine.read32(kHole)) << "new accesses miss";
    EXPECT_FALSE(ticket->done()) << ticket->report().to_string();
    inside.release();
    cpu.join();
    EXPECT_TRUE(ticket->wait());
  }
  EXPECT_EQ(this->machine.census(), this->before);
}

TYPED_TEST_P(Lifecycle, MachineDestroyedInEachPhase) {
  const auto row = sample<TypeParam>().devices().front();
  {  // built, and nobody will ever plug it: its owner drops it first
    TestMachine other;
    const auto device =
        row.make({.context = other->context(), .type = *row.type, .name = "it"});
  }
  {  // live
    TestMachine other;
    ASSERT_TRUE(other->realize(sample<TypeParam>()));
  }
  {  // severing is queued and has not begun
    TestMachine other;
    ASSERT_TRUE(other->realize(sample<TypeParam>()));
    const auto ticket = other->unplug("it");
    other.end();
    EXPECT_EQ(ticket->stage(), Stage::kReclaimed);
  }
  {  // severed, not drained: somebody is inside
    TestMachine other;
    ASSERT_TRUE(other->realize(sample<TypeParam>()));
    testing::Schedule schedule;
    auto& inside = schedule.stop_at("gate.entered", "cpu");
    testing::Thread cpu{"cpu", [&] { other.read32(kHole); }};
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
    TestMachine other;
    ASSERT_TRUE(other->realize(sample<TypeParam>()));
    testing::Schedule schedule;
    auto& inside = schedule.stop_at("gate.entered", "cpu");
    testing::Thread cpu{"cpu", [&] { other.read32(kHole); }};
    inside.wait_reached();
    schedule.run_at("machine.end.before_settling", "main", [&] {
      inside.release();
      cpu.join();  // whoever runs CPUs stops them before their machine's memory goes
    });
    other.end();
  }
}

TYPED_TEST_P(Lifecycle, SeveredWhilePreparing) {
  // An unplug asked for between two parts' prepares is a job of its own, so it comes after.
  Ref<hw::Ticket> ticket;
  {
    testing::Schedule schedule;
    schedule.run_at("hw.prepare.part", "main", [&] { ticket = this->machine->unplug("it"); });
    EXPECT_TRUE(this->machine->realize(sample<TypeParam>()));
  }
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(this->machine.census(), this->before);
}

TYPED_TEST_P(Lifecycle, ResetInBetween) {
  ASSERT_TRUE(this->machine->realize(sample<TypeParam>()));
  this->machine->reset();
  this->machine->request_reset();
  const auto ticket = this->machine->unplug("it");
  this->machine->request_reset();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(this->machine.census(), this->before);
}

REGISTER_TYPED_TEST_SUITE_P(Lifecycle, BuiltLookedAtAndDropped, PreparedAndDropped, PrepareFailingAtEachPart, PluggedAndUnpluggedAHundredTimes, UnpluggedTwice, UnpluggedInAnAccess, MachineDestroyedInEachPhase, SeveredWhilePreparing, ResetInBetween);

}  // namespace holdfast::test
