// SPDX-License-Identifier: Apache-2.0
// Looking at things. Every property of every object of every machine can be read before the object is
// published, while it is live, and, once it is severed, is refused with the reason; and looking at any
// type leaves the machine as it was. Machines and types come from tables: new ones are covered.
#include <gtest/gtest.h>

#include <cctype>
#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "holdfast/boards/b_l475e_iot01a/b_l475e_iot01a.hpp"
#include "holdfast/boards/device_configuration.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/hw/cpu.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "tests/lifecycle/properties.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

using boards::BoardPlan;

BoardPlan virt_with(const std::function<void(boards::virt::Options&)>& change) {
  boards::virt::Options options;
  options.ram_size = 16U << 20U;
  change(options);
  return boards::virt::plan(options).value();
}

/// The test devices, those that can stand alone, each at a place of its own.
BoardPlan shapes() {
  BoardPlan plan{"shapes"};
  std::uint64_t at = kHole;
  const auto add = [&](const boards::DeviceRef& device) {
    plan.map_into(BoardPlan::memory(), {{at, device.region("regs")}});
    plan.leave_loose(device);
    at += 0x1'0000;
  };
  add(plan.add<Scratch>("scratch"));
  add(plan.add<Leaf>("leaf"));
  add(plan.add<Shelf>("shelf"));
  add(plan.add<SelfSeeing>("self-seeing"));
  add(plan.add<Nest>("nest"));
  add(plan.add<BarOwner>("bar-owner"));
  add(plan.add<Windows>("windows"));
  add(plan.add<Overlays>("overlays"));
  add(plan.add<LockFree>("lock-free"));
  add(plan.add<Repeater>("repeater"));
  add(plan.add<Doorbell>("doorbell"));
  return plan;
}

/// As the program makes a board: its devices show their settings.
BoardPlan shown(BoardPlan plan) {
  object::TypeRegistry types;
  EXPECT_TRUE(boards::register_device_types(types));
  boards::show_settings(plan, types, {}, hw::Configuration::Came::kWithTheMachine);
  return plan;
}

struct MachineCase {
  std::string name;
  std::function<BoardPlan()> plan;
};
void PrintTo(const MachineCase& machine, std::ostream* out) { *out << machine.name; }

std::vector<MachineCase> machines() {
  return {{"none", [] { return BoardPlan{"none"}; }},
          {"virt", [] { return virt_with([](auto&) {}); }},
          {"virtWithNodesAndAclint",
           [] {
             return virt_with([](boards::virt::Options& options) {
               options.harts = 2;
               options.most_harts = 4;
               options.interruptor = boards::virt::Interruptor::kAclint;
               options.nodes = {{.harts = 1, .ram_size = 8U << 20U}, {.harts = 3, .ram_size = 8U << 20U}};
             });
           }},
          {"b_l475e_iot01a", [] { return boards::b_l475e_iot01a::plan({}).value(); }},
          {"shapes", shapes}};
}

class Introspection : public ::testing::TestWithParam<MachineCase> {
 protected:
  /// How many were read.
  static std::size_t read_all(const object::Object& object) {
    const auto names = property_names(object);
    for (const std::string& name : names) {
      const auto value = object.get_property(name);
      EXPECT_TRUE(value) << name << ": " << (value ? "" : value.error().message);
    }
    return names.size();
  }
};

INSTANTIATE_TEST_SUITE_P(Machines, Introspection, ::testing::ValuesIn(machines()),
                         [](const auto& one) { return one.param.name; });

TEST_P(Introspection, BeforePublishEveryPropertyCanBeRead) {
  const BoardPlan plan = shown(GetParam().plan());
  TestMachine machine;
  const auto before = machine.census();
  const auto tree = machine->tree().walk("/").value();
  for (const auto& row : plan.devices()) {
    const auto device =
        row.make({.context = machine->context(), .type = *row.type, .name = row.name});
    for (hw::Device* one : device->subtree()) read_all(*one);
  }
  EXPECT_EQ(machine->tree().walk("/").value(), tree);
  EXPECT_EQ(machine.census(), before);
}

TEST_P(Introspection, LiveEveryPropertyCanBeReadThroughTheGate) {
  TestMachine machine{shown(GetParam().plan())};
  const auto before = machine.census();
  const auto tree = machine->tree().walk("/").value();
  std::size_t read = 0;
  for (const auto& entry : tree) {
    const object::Object* object = entry.object.get();
    if (object == nullptr) continue;
    SCOPED_TRACE(entry.path);
    read += read_all(*object);
  }
  if (GetParam().name != "none") {
    EXPECT_GT(read, 0U);
  }
  EXPECT_EQ(machine->tree().walk("/").value(), tree);
  EXPECT_EQ(machine.census(), before);
}

// Each device is looked at in the moment when it is severed and nobody has destroyed it yet.
TEST_P(Introspection, BeingRemovedEveryPropertyIsRefusedWithThatReason) {
  TestMachine machine{shown(GetParam().plan())};
  std::vector<std::string> names;
  for (const hw::Device* device : machine->devices_now())
    if (device != &machine->bus()) names.push_back(device->id());
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    std::map<hw::Device*, std::set<std::string>> known;
    for (hw::Device* one : machine->find_now(name)->subtree()) known[one] = property_names(*one);
    {
      testing::Schedule schedule;
      schedule.run_at("hw.sever.committed", "main", [&] {
        for (const auto& [device, properties] : known)
          for (const std::string& property : properties) {
            const auto value = device->get_property(property);
            ASSERT_FALSE(value) << property;
            EXPECT_EQ(value.error().message, device->full_path() + ": is being removed");
          }
      });
      ASSERT_TRUE(machine->unplug(name)->wait());
    }
  }
}

// --- types -----------------------------------------------------------------------------------------

class LookingAtAType : public ::testing::TestWithParam<const object::Type*> {
 protected:
  static object::TypeRegistry registry() {
    object::TypeRegistry types;
    EXPECT_TRUE(boards::register_device_types(types));
    return types;
  }

 public:
  static std::vector<const object::Type*> all() {
    return registry().descendants("device", object::Abstract::kExcluded);
  }
};

INSTANTIATE_TEST_SUITE_P(Registered, LookingAtAType, ::testing::ValuesIn(LookingAtAType::all()),
                         [](const auto& one) {
                           std::string name{one.param->name};
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

TEST_P(LookingAtAType, LeavesTheMachineAsItWas) {
  const auto types = registry();
  TestMachine machine{virt_with([](auto&) {})};
  const auto before = machine.census();
  const auto tree = machine->tree().walk("/").value();
  const auto kind = machine::DeviceKind::find(types, GetParam()->name).value();
  const auto help = machine::device_type_text(types, GetParam()->name).value();
  for (const std::string& name : kind.names()) EXPECT_NE(help.find("  " + name + "=<"), help.npos) << help;
  {
    const auto device = kind.facet->make(
        {.context = machine->context(), .type = *kind.type, .name = std::string{kind.type->name}});
    for (hw::Device* one : device->subtree())
      for (const std::string& name : property_names(*one)) EXPECT_TRUE(one->get_property(name)) << name;
  }
  EXPECT_EQ(machine->tree().walk("/").value(), tree);
  EXPECT_EQ(machine.census(), before);
}

}  // namespace
}  // namespace holdfast::test
