// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/device_adder.hpp"

#include <gtest/gtest.h>

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
