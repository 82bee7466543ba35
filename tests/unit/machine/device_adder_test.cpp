// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/device_adder.hpp"

#include <gtest/gtest.h>

#include <set>

#include "holdfast/boards/device_configuration.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::machine {
namespace {

using Values = std::vector<DeviceWish::Value>;

constexpr std::uint64_t kFree = 0x1800'0000;

class DeviceAdderTest : public ::testing::Test {
 protected:
  DeviceAdderTest() { EXPECT_TRUE(boards::register_device_types(types_)); }

  static boards::BoardPlan small_virt() {
    boards::virt::Options options;
    options.most_harts = 3;
    options.ram_size = 16U << 20U;
    return boards::virt::plan(options).value();
  }
  std::string error_of(const DeviceWish& wish) {
    const auto added = adder_.add(wish);
    return added ? "none: it is " + *added : added.error().message;
  }

  object::TypeRegistry types_;
  const boards::BoardPlan board_ = small_virt();
  test::TestMachine machine_{board_};
  DeviceAdder adder_{*machine_, types_, board_.expansion(), {}};
};

TEST_F(DeviceAdderTest, ADeviceIsFoundUnderItsIdAndAnswers) {
  EXPECT_EQ(adder_.add({.driver = "goldfish_rtc", .id = "rtc1", .values = {{"addr", "0x18000000"}}}),
            "peripheral/rtc1");
  EXPECT_TRUE(machine_->tree().has("/machine/peripheral/rtc1"));
  EXPECT_TRUE(machine_.read32(kFree));
}

TEST_F(DeviceAdderTest, WithoutAnIdItHasTheFirstFreeNumber) {
  EXPECT_EQ(adder_.add({.driver = "goldfish_rtc", .values = {{"addr", "0x18000000"}}}),
            "peripheral-anon/device[0]");
  EXPECT_EQ(adder_.add({.driver = "goldfish_rtc", .values = {{"addr", "0x18001000"}}}),
            "peripheral-anon/device[1]");
  EXPECT_TRUE(machine_->unplug("peripheral-anon/device[0]")->wait());
  EXPECT_EQ(adder_.add({.driver = "goldfish_rtc", .values = {{"addr", "0x18000000"}}}),
            "peripheral-anon/device[0]");
}

TEST_F(DeviceAdderTest, ItsInterruptLeadsToTheBoardsController) {
  ASSERT_TRUE(adder_.add({.driver = "ns16550a", .id = "u", .values = {{"addr", "0x18000000"}, {"irq", "20"}}}));
  EXPECT_EQ(error_of({.driver = "ns16550a", .id = "v", .values = {{"addr", "0x18001000"}, {"irq", "20"}}}),
            "plic:in[20]: is wired twice");
  EXPECT_TRUE(machine_->unplug("peripheral/u")->wait());
  EXPECT_TRUE(adder_.add({.driver = "ns16550a", .id = "v", .values = {{"addr", "0x18001000"}, {"irq", "20"}}}))
      << "the pin is free again";
}

TEST_F(DeviceAdderTest, GlobalValuesComeBeforeItsOwn) {
  const DeviceAdder adder{*machine_, types_, board_.expansion(),
                          {{.driver = "riscv.clint", .property = "num-harts", .text = "3"},
                           {.driver = "ns16550a", .property = "clock-frequency", .text = "7"}}};
  ASSERT_TRUE(adder.add({.driver = "ns16550a", .id = "a", .values = {{"addr", "0x18000000"}}}));
  EXPECT_EQ(error_of({.driver = "ns16550a", .id = "a", .values = {{"addr", "0x18001000"}}}),
            "id 'a' is taken; it takes one that no device has");
  const auto wrong = DeviceAdder{*machine_, types_, nullptr,
                                 {{.driver = "ns16550a", .property = "clock-frequency", .text = "0"}}}
                         .add({.driver = "ns16550a", .values = {{"addr", "0x18001000"}}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message,
            "clock-frequency is '0'; it takes a whole number from 1 to 18446744073709551615");
}

TEST_F(DeviceAdderTest, WhatCannotBeAddedLeavesTheWorldAsItWas) {
  ASSERT_TRUE(adder_.add({.driver = "goldfish_rtc", .id = "there", .values = {{"addr", "0x18000000"}}}));
  const auto before = machine_.census();
  const auto tree = machine_->tree().walk("/").value();
  struct Case {
    DeviceWish wish;
    std::string error;
  };
  const std::vector<Case> cases{
      {{.driver = "nonsense"}, "there is no device type 'nonsense'; -device help lists them"},
      {{.driver = "ns16550"}, "there is no device type 'ns16550'; did you mean 'ns16550a'?"},
      {{.driver = "fw_cfg"},
       "there is no device type 'fw_cfg'; -device help lists them"},
      {{.driver = "fw_cfg_mem", .values = {{"addr", "0"}}},
       "'fw_cfg_mem' comes with the machine; -fw_cfg gives files to the one there is"},
      {{.driver = "ns16550a", .id = "9", .values = {{"addr", "0"}}},
       "id is '9'; it takes letters, digits, '-', '.' and '_', a letter first"},
      {{.driver = "ns16550a", .id = "a/b", .values = {{"addr", "0"}}},
       "id is 'a/b'; it takes letters, digits, '-', '.' and '_', a letter first"},
      {{.driver = "ns16550a", .id = "there", .values = {{"addr", "0"}}},
       "id 'there' is taken; it takes one that no device has"},
      {{.driver = "ns16550a"}, "addr is missing; it takes the address of its registers"},
      {{.driver = "ns16550a", .values = {{"addr", "x"}}},
       "addr is 'x'; it takes a whole number from 0 to 18446744073709551615"},
      {{.driver = "ns16550a", .values = {{"addr", "0x18001000"}, {"irq", "-1"}}},
       "irq is '-1'; it takes a whole number from 0 to 4294967295"},
      {{.driver = "ns16550a", .values = {{"addr", "0x18001000"}, {"irq", "96"}}},
       "plic:in[96]: 'plic:in' has 96 lines"},
      {{.driver = "ns16550a", .values = {{"addr", "0x18001000"}, {"irq", "10"}}},
       "plic:in[10]: is wired twice"},
      {{.driver = "ns16550a", .values = {{"addr", "0x18001000"}, {"bus", "b"}}},
       "'ns16550a' has no property 'bus'; it has addr, irq, chardev, clock-frequency"},
      {{.driver = "ns16550a", .values = {{"addr", "0x18001000"}, {"chardev", "no"}}},
       "there is no character back-end 'no'"},
      {{.driver = "riscv.sifive.plic", .values = {{"addr", "0x18001000"}, {"num-sources", "1025"}}},
       "num-sources is '1025'; it takes a whole number from 2 to 1024"},
      {{.driver = "riscv.sifive.plic", .values = {{"addr", "0x19000000"}, {"num-priorities", "5"}}},
       "/machine/peripheral-anon/device[0]: highest priority 5: one less than a power of two is "
       "possible"},
      {{.driver = "goldfish_rtc", .values = {{"addr", "0x18000ffc"}}},
       "peripheral/there:regs [0x18000000, 0x18000fff] of 'goldfish_rtc' overlaps "
       "peripheral-anon/device[0]:regs [0x18000ffc, 0x18001ffb] of 'goldfish_rtc'"},
      {{.driver = "goldfish_rtc", .values = {{"addr", "0xfffffffffffffff0"}}},
       "peripheral-anon/device[0]:regs: 0x1000 bytes at 0xfffffffffffffff0 do not fit into bus:memory"},
      {{.driver = "memory-bank", .values = {{"addr", "0x1000000000"}, {"size", "5000000T"}}},
       "RAM '/machine/peripheral-anon/device[0]:ram': 5497558138880000000 bytes are more than this "
       "host can map"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(error_of(one.wish), one.error);
    EXPECT_EQ(machine_.census(), before) << one.error;
  }
  EXPECT_EQ(machine_->tree().walk("/").value(), tree);
}

TEST_F(DeviceAdderTest, ACpuGoesIntoAFreePlace) {
  const auto before = machine_.census();
  EXPECT_EQ(adder_.add({.driver = "rv64-riscv-cpu", .id = "c2", .values = {{"core-id", "2"}}}), "peripheral/c2");
  const auto tree = machine_->tree().walk("/").value();
  const std::vector<std::pair<Values, std::string>> wrong{
      {{}, "core-id is missing; it takes 1"},
      {{{"core-id", "3"}}, "core-id is '3'; it takes 1"},
      {{{"core-id", "x"}}, "core-id is 'x'; it takes 1"},
      {{{"core-id", "0"}}, "core-id 0 is taken by /machine/cpu0; it takes 1"},
      {{{"core-id", "2"}}, "core-id 2 is taken by /machine/peripheral/c2; it takes 1"},
      {{{"core-id", "1"}, {"node-id", "0"}}, "node-id is '0'; the machine has no nodes"},
      {{{"core-id", "1"}, {"addr", "0"}}, "'rv64-riscv-cpu' has no property 'addr'; it has core-id, node-id, "},
  };
  for (const auto& [values, error] : wrong)
    EXPECT_EQ(error_of({.driver = "rv64-riscv-cpu", .values = values}).substr(0, error.size()), error);
  EXPECT_EQ(machine_->tree().walk("/").value(), tree);
  EXPECT_TRUE(machine_->unplug("peripheral/c2")->wait());
  EXPECT_EQ(machine_.census(), before);
  EXPECT_TRUE(machine_->unplug("cpu0")->wait()) << "the one that booted may go, too";
  EXPECT_TRUE(adder_.add({.driver = "rv64-riscv-cpu", .values = {{"core-id", "0"}}}));
}

TEST_F(DeviceAdderTest, ACpuWithoutAPlaceIsNotAdded) {
  test::TestMachine bare;
  const auto added = DeviceAdder{*bare, types_, nullptr, {}}.add({.driver = "rv64-riscv-cpu"});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message, "'rv64-riscv-cpu': the machine has no places for CPUs");
}

TEST_F(DeviceAdderTest, AnIdIsTakenUntilItsDeviceHasGone) {
  const DeviceWish wish{.driver = "goldfish_rtc", .id = "rtc1", .values = {{"addr", "0x18000000"}}};
  ASSERT_TRUE(adder_.add(wish));
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("gate.entered", "cpu");
  testing::Thread cpu{"cpu", [&] { machine_.read32(kFree); }};
  inside.wait_reached();
  const auto ticket = machine_->unplug("peripheral/rtc1");
  machine_->control().run_pending();
  EXPECT_EQ(error_of(wish), "id 'rtc1' is that of a device that is being removed; it is free when that is done");
  inside.release();
  cpu.join();
  EXPECT_TRUE(ticket->wait());
  EXPECT_TRUE(adder_.add(wish));
}

// --- what a device shows of it ------------------------------------------------------------------------

/// A value that is not the setting's default; ids are those of back-ends that a test makes.
std::string other_value(const boards::DeviceSetting& setting, const object::PropertyValue& fallback) {
  using Kind = object::Property::Kind;
  const object::Property& info = setting.info;
  if (info.name == "drive" || info.name == "chardev") return "x";
  if (info.type == "link<memory-backend>") return "x";
  if (info.kind == Kind::kBool) return std::get<bool>(fallback) ? "off" : "on";
  if (info.kind == Kind::kString) return "some text";
  if (info.kind == Kind::kSigned) return std::to_string(std::get<std::int64_t>(fallback) + 1);
  const auto number = std::get<std::uint64_t>(fallback);
  return std::to_string(number < info.max ? number + 1 : number - 1);
}

class EverySetting : public DeviceAdderTest {
 protected:
  EverySetting() {
    machine_->keep(std::make_unique<chardev::NullChardev>("x"));
    block::Settings::Values node{{"driver", "null-co"}, {"node-name", "x"}};
    EXPECT_TRUE(machine_->drives().add(block::Settings{std::move(node)}));
    EXPECT_TRUE(machine_->add_memory({.type = hw::MemoryBackend::kRamType, .id = "x", .size = 1U << 20U}));
  }

  boards::SettingTargets targets() {
    return {.chardev = [this](std::string_view id) { return machine_->find_backend(id); },
            .memory = [this](std::string_view) { return machine_->memory_now().front(); },
            .drive = [this](std::string_view name) { return machine_->drives().get(name); }};
  }
  hw::Owned<hw::Device> made(const boards::BoardPlan::DeviceRow& row) {
    return row.make({.context = machine_->context(), .type = *row.type, .name = row.name});
  }
  static void expect_shown(const hw::Device& device, const boards::DeviceSetting& setting,
                           const std::string& text) {
    const auto value = device.get_property(setting.info.name);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(object::to_text(*value), text);
    const auto all = device.properties();
    EXPECT_EQ(std::ranges::count(all, setting.info.name, &object::PropertyInfo::name), 1);
    // A link of the type's own is shown as text.
    const auto found = std::ranges::find(all, setting.info.name, &object::PropertyInfo::name);
    const auto* declared = device.type().find_property(setting.info.name);
    EXPECT_EQ(found->type, declared == nullptr ? setting.info.type_text() : declared->type_text());
  }
  /// All of a type that can be made, with the settings it has.
  void for_each(const std::function<void(const DeviceKind&, const boards::DeviceSetting&)>& what) {
    std::size_t seen = 0;
    for (const object::Type* type : types_.descendants("device", object::Abstract::kExcluded)) {
      const auto kind = DeviceKind::find(types_, type->name).value();
      for (const boards::DeviceSetting& setting : kind.facet->settings) {
        SCOPED_TRACE(std::string{type->name} + "." + std::string{setting.info.name});
        what(kind, setting);
        ++seen;
      }
    }
    EXPECT_GT(seen, 30U);
  }
};

TEST_F(EverySetting, IsShownAsItIsByDefault) {
  for_each([&](const DeviceKind& kind, const boards::DeviceSetting& setting) {
    const auto device =
        kind.facet->make({.context = machine_->context(), .type = *kind.type, .name = "it"});
    expect_shown(*device, setting, object::to_text(setting.get(*kind.facet->config)));
  });
}

TEST_F(EverySetting, IsShownAsItWasGiven) {
  for_each([&](const DeviceKind& kind, const boards::DeviceSetting& setting) {
    boards::BoardPlan plan{"one"};
    boards::add_device(plan, *kind.type, *kind.facet, "it", 0);
    auto& row = plan.devices().back();
    const std::string text = other_value(setting, setting.get(*kind.facet->config));
    ASSERT_TRUE(kind.configure(row, setting.info.name, text, targets()));
    boards::show_settings(plan, types_, setting_names(*machine_), hw::Configuration::Came::kLater);
    const auto device = made(plan.devices().back());
    expect_shown(*device, setting, setting.info.type == "link<memory-backend>" ? "/objects/x" : text);
    EXPECT_TRUE(hw::Configuration::is_hot_plugged(*device));
  });
}

TEST_F(EverySetting, AndNoOtherNameIsThereTwice) {
  for (const object::Type* type : types_.descendants("device", object::Abstract::kExcluded)) {
    const auto kind = DeviceKind::find(types_, type->name).value();
    const auto device = kind.facet->make({.context = machine_->context(), .type = *type, .name = "it"});
    std::set<std::string> names;
    for (const object::PropertyInfo& one : device->properties())
      EXPECT_TRUE(names.insert(one.name).second) << type->name << "." << one.name;
  }
}

TEST_F(EverySetting, OfALiveDeviceIsReadOnlyAndGoesWithIt) {
  const auto before = machine_.census();
  const DeviceAdder starting{*machine_, types_, board_.expansion(), {}, DeviceAdder::Time::kStart};
  ASSERT_TRUE(starting.add({.driver = "nvme", .id = "n", .values = {{"serial", "abc"}, {"drive", "x"}}}));
  ASSERT_TRUE(adder_.add({.driver = "ns16550a", .id = "u", .values = {{"addr", "0x18000000"}, {"chardev", "x"}}}));
  {
    const hw::Device& nvme = *machine_->find_now("peripheral/n");
    EXPECT_EQ(nvme.get_property("serial"), object::PropertyValue{"abc"});
    EXPECT_EQ(nvme.get_property("drive"), object::PropertyValue{"x"});
    EXPECT_EQ(nvme.get_property("max_ioqpairs"), object::PropertyValue{std::uint64_t{64}});
    EXPECT_FALSE(hw::Configuration::is_hot_plugged(nvme));
    hw::Device& uart = *machine_->find_now("peripheral/u");
    EXPECT_EQ(uart.get_property("chardev"), object::PropertyValue{"x"});
    EXPECT_TRUE(hw::Configuration::is_hot_plugged(uart));
    EXPECT_EQ(uart.set_property("clock-frequency", std::uint64_t{1}).error().message,
              "/machine/peripheral/u: property 'clock-frequency' is read-only");
  }
  EXPECT_TRUE(machine_->unplug("peripheral/n")->wait());
  EXPECT_TRUE(machine_->unplug("peripheral/u")->wait());
  EXPECT_EQ(machine_.census(), before);
  EXPECT_TRUE(machine_->drives().remove("x")) << "nobody has it any more";
}

TEST_F(DeviceAdderTest, APlaceOnAPciBusAsANumberIsDeviceTimesEightAndFunction) {
  using Form = DeviceWish::Value::Form;
  const DeviceAdder starting{*machine_, types_, board_.expansion(), {}, DeviceAdder::Time::kStart};
  const auto place = [&](const std::string& text, Form form) -> std::string {
    const auto added = starting.add({.driver = "pci-testdev", .id = "t", .values = {{"addr", text, form}}});
    if (!added) return added.error().message;
    const auto value = machine_->find_now(*added)->get_property("addr").value();
    EXPECT_TRUE(machine_->unplug(*added)->wait());
    return object::to_text(value);
  };
  EXPECT_EQ(place("8", Form::kText), "08.0");
  EXPECT_EQ(place("8", Form::kNumber), "01.0");
  EXPECT_EQ(place("255", Form::kNumber), "1f.7");
  EXPECT_EQ(place("-1", Form::kNumber), "01.0") << "the first that is free";
  EXPECT_EQ(place("256", Form::kNumber), "addr is 256; as a number it takes -1 to 255, device times 8 and function");
  EXPECT_EQ(place("zz", Form::kText),
            "(pci-testdev): property 'addr' does not take 'zz': it takes DEVICE or DEVICE.FUNCTION in "
            "hexadecimal, up to 1f.7");
  EXPECT_EQ(adder_.add({.driver = "goldfish_rtc", .id = "r", .values = {{"addr", "402653184", Form::kNumber}}}),
            "peripheral/r") << "an address on the system's bus is one";
}

TEST_F(DeviceAdderTest, HelpHasWhatATypeTakes) {
  const auto text = device_type_text(types_, "ns16550a").value();
  for (const char* word : {"addr=<uint64>", "irq=<uint32>", "chardev=<str>", "clock-frequency=<"})
    EXPECT_NE(text.find(word), text.npos) << text;
  EXPECT_FALSE(device_type_text(types_, "nonsense"));
  EXPECT_NE(device_types_text(types_).find("name \"ns16550a\""), std::string::npos);
  EXPECT_EQ(device_types_text(types_).find("fw_cfg"), std::string::npos) << "comes with the machine";
}

}  // namespace
}  // namespace holdfast::machine
