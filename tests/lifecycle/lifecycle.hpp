// SPDX-License-Identifier: Apache-2.0
// Every path of a device's life, each with the same ending: the census is what it was. A type goes
// through all of them by being registered (matrix.hpp says which do not apply, and why).
// HOLDFAST_LONG=1 plugs and unplugs each ten thousand times.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <any>
#include <bit>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "holdfast/hw/timer.hpp"
#include "holdfast/machine/machine.hpp"
#include "tests/lifecycle/matrix.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/probe.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

using Stage = hw::Ticket::Stage;

class Lifecycle : public ::testing::TestWithParam<Subject> {
 protected:
  boards::BoardPlan sample() const { return GetParam().plan(); }
  static bool answers(TestMachine& machine) { return GetParam().answers(machine); }
  /// An access that comes to the device's gate.
  static void enter(TestMachine& machine) {
    if (GetParam().facet.entered == boards::DeviceFacet::Entered::kByWrite)
      machine.write32(GetParam().where(), 0);
    else
      machine.read32(GetParam().where());
  }
  /// Says why, if a path does not apply to this type.
  static bool does_not_apply(Path path) {
    const auto row = std::ranges::find(kPaths, path, &PathRow::path);
    const std::string reason = row->why_not(GetParam());
    if (!reason.empty())
      std::cout << GetParam().type->name << ": " << row->title << ": does not apply: " << reason << "\n";
    return !reason.empty();
  }
  static bool is_never_inside() { return does_not_apply(Path::kInAccess); }
  /// Its configuration with one setting changed.
  static boards::BoardPlan::Config configured(const boards::DeviceSetting& setting,
                                              const object::PropertyValue& value,
                                              const boards::SettingTargets& targets = {}) {
    std::any config = *GetParam().facet.config;
    const auto applied = setting.apply(config, value, targets);
    EXPECT_TRUE(applied) << applied.error().message;
    return std::make_shared<const std::any>(std::move(config));
  }
  void plug_and_unplug() {
    ASSERT_TRUE(machine->realize(sample()));
    answers(machine);
    ASSERT_TRUE(machine->unplug("it")->wait());
    ASSERT_FALSE(answers(machine));
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

// As much as there is, or as it takes: what does not fit is refused, what does is there and goes.
TEST_P(Lifecycle, ASizeThereIsNoMemoryFor) {
  if (does_not_apply(Path::kOversized)) return;
  for (const auto* setting : GetParam().sizes()) {
    const std::uint64_t most = std::bit_floor(std::min(setting->info.max, std::uint64_t{1} << 56U));
    const auto realized = machine->realize(GetParam().plan(configured(*setting, most)));
    if (realized) {
      EXPECT_TRUE(machine->unplug("it")->wait());
    } else {
      EXPECT_NE(realized.error().message.find("it"), std::string::npos) << realized.error().message;
    }
    EXPECT_EQ(machine.census(), before) << setting->info.name;
  }
  EXPECT_TRUE(machine->realize(sample())) << "the world is as it was";
}

TEST_P(Lifecycle, PluggedAndUnpluggedManyTimes) {
  const char* value = std::getenv("HOLDFAST_LONG");
  const int times = value != nullptr && *value == '1' ? 10'000 : 200;
  for (int i = 0; i < 100; ++i) plug_and_unplug();  // what is kept for good is there by now
  ResidentTrend resident{times};
  machine->services().realm().domain().barrier();
  const auto was = Footprint::now();
  for (int i = 0; i < times && !HasFatalFailure(); ++i) {
    plug_and_unplug();
    if (!resident.wants_sample_after(i)) continue;
    machine->services().realm().domain().barrier();
    resident.sample();
  }
  machine->services().realm().domain().barrier();
  const auto is = Footprint::now();
  EXPECT_EQ(machine.census(), before);
  EXPECT_EQ(is.descriptors, was.descriptors);
  EXPECT_LE(is.mappings, was.mappings + 4);
  constexpr std::size_t kNoise = 16 * 1024;  // containers that had to grow once more
  EXPECT_LE(is.heap, was.heap + kNoise);
  if (times > 200)
    std::cout << GetParam().type->name << ": " << times << " times: heap " << was.heap << " -> " << is.heap
              << " bytes, mappings " << was.mappings << " -> " << is.mappings << "\n";
  resident.expect_no_rise();
}

TEST_P(Lifecycle, PluggedWithAnIdInUse) {
  ASSERT_TRUE(machine->realize(sample()));
  const auto with_one = machine.census();
  const auto second = machine->realize(sample());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "it: there is a device of that name");
  EXPECT_EQ(machine.census(), with_one);
  EXPECT_TRUE(machine->unplug("it")->wait());
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

// Whoever is inside of it asks for its end and goes on.
TEST_P(Lifecycle, UnpluggedFromItsOwnCallback) {
  if (does_not_apply(Path::kFromItself)) return;
  ASSERT_TRUE(machine->realize(sample()));
  Ref<hw::Ticket> ticket;
  {
    testing::Schedule schedule;
    schedule.run_at("gate.entered", "cpu", [&] { ticket = machine->unplug("it"); });
    testing::Thread cpu{"cpu", [&] { enter(machine); }};
  }
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(machine.census(), before);
}

TEST_P(Lifecycle, UnpluggedAsATimerIsDue) {
  if (does_not_apply(Path::kTimerDue)) return;
  for (const std::string& name : timers_of(*GetParam().build(*machine))) {
    ASSERT_TRUE(machine->realize(sample()));
    const std::uint64_t due = machine->clock().now_ns() + 1;
    machine->find("it").get()->find_part<hw::Timer>(name)->arm(due);
    {
      testing::Schedule schedule;
      auto& popped = schedule.stop_at("hw.timer.popped", "clock");
      testing::Thread clock{"clock", [&] { machine->clock().step_to(due); }};
      popped.wait_reached();
      EXPECT_TRUE(machine->unplug("it")->wait()) << name;
      popped.release();
    }
    EXPECT_EQ(machine.census(), before) << name;
  }
}

// The other end of the line hangs up; the disk fails.
TEST_P(Lifecycle, ItsBackendGoneFirst) {
  if (does_not_apply(Path::kBackendGone)) return;
  for (const auto* setting : GetParam().backends()) {
    TestChardev line{"line"};
    const auto disk = FakeDisk::make(1U << 20U);
    const auto config = configured(*setting, std::string{"back-end"},
                                   {.chardev = [&](std::string_view) { return &line; },
                                    .memory = {},
                                    .drive = [&](std::string_view) -> Result<Ref<block::Backend>> {
                                      return FakeDisk::as_backend(disk);
                                    }});
    const auto realized = machine->realize(GetParam().plan(config));
    ASSERT_TRUE(realized) << realized.error().message;
    line.hang_up();
    disk->failure = block::Failure::kInputOutput;
    answers(machine);
    machine->reset();
    disk->finish_all();
    EXPECT_TRUE(machine->unplug("it")->wait());
    EXPECT_FALSE(line.is_attached());
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

TEST_P(Lifecycle, ResetInEachPhase) {
  {  // asked for between two parts' prepares
    testing::Schedule schedule;
    schedule.run_at("hw.prepare.part", "main", [&] { machine->request_reset(); });
    ASSERT_TRUE(machine->realize(sample()));
  }
  machine->reset();  // live
  machine->request_reset();
  auto ticket = machine->unplug("it");  // its end is queued between two resets
  machine->request_reset();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(machine.census(), before);
  if (is_never_inside()) return;
  ASSERT_TRUE(machine->realize(sample()));
  {  // severed, not drained: somebody is inside
    testing::Schedule schedule;
    auto& inside = schedule.stop_at("gate.entered", "cpu");
    testing::Thread cpu{"cpu", [&] { enter(machine); }};
    inside.wait_reached();
    ticket = machine->unplug("it");
    machine->request_reset();
    machine->control().run_pending();
    EXPECT_NE(ticket->stage(), Stage::kRequested);
    EXPECT_FALSE(ticket->done());
    inside.release();
    cpu.join();
    EXPECT_TRUE(ticket->wait());
  }
  machine->reset();  // gone
  EXPECT_EQ(machine.census(), before);
}

}  // namespace holdfast::test
