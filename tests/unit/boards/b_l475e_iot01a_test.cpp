// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/b_l475e_iot01a/b_l475e_iot01a.hpp"

#include <gtest/gtest.h>

#include "holdfast/hw/clock_tree.hpp"
#include "holdfast/hw/cpu.hpp"
#include "holdfast/memory/port.hpp"
#include "tests/support/temp_file.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

namespace board = boards::b_l475e_iot01a;

constexpr std::uint64_t kAhb2Enr = 0x4002'104c;

class B_L475e : public ::testing::Test {
 protected:
  hw::Device& at(std::string_view path) {
    const auto entry = machine->tree().resolve(path);
    EXPECT_TRUE(entry) << path;
    return dynamic_cast<hw::Device&>(*entry->object.get());
  }
  std::uint32_t read_as_cpu(std::uint64_t address) {
    auto& cpu = dynamic_cast<hw::Cpu&>(at("/machine/soc/armv7m/cpu"));
    memory::Port port{cpu.address_space()};
    std::uint64_t value = 0;
    EXPECT_EQ(port.load(address, 4, value, {}), memory::MemTxResult::kOk);
    return static_cast<std::uint32_t>(value);
  }

  TestMachine machine{board::plan({}).value()};
};

TEST_F(B_L475e, TheCpuHasItsOwnPeripheralsOverTheMemoryOfTheBoard) {
  EXPECT_EQ(read_as_cpu(0xe000'ed00), 0x410f'c241U);
  EXPECT_EQ(machine.read32(0xe000'ed00), std::nullopt) << "nobody else sees them";
  EXPECT_TRUE(machine.write32(0x2000'0000, 5));
  EXPECT_EQ(read_as_cpu(0x2000'0000), 5U);
  EXPECT_EQ(read_as_cpu(0x4002'1000), 0x63U);
}

TEST_F(B_L475e, PortsHaveTheirOwnResetValues) {
  EXPECT_EQ(machine.read32(0x4800'0000), 0xabff'ffffU);
  EXPECT_EQ(machine.read32(0x4800'0008), 0x0c00'0000U);
  EXPECT_EQ(machine.read32(0x4800'000c), 0x6400'0000U);
  EXPECT_EQ(machine.read32(0x4800'0400), 0xffff'febfU);
  EXPECT_EQ(machine.read32(0x4800'0800), 0xffff'ffffU);
  EXPECT_EQ(machine.read32(0x4800'1c00), 0x0000'000fU);
}

TEST_F(B_L475e, AClockReachesItsDeviceWhenTheAccessReturns) {
  auto* clk = at("/machine/soc/gpioc").find_part<hw::ClockIn>("clk");
  EXPECT_EQ(clk->hz(), 0U);
  machine.write32(kAhb2Enr, 1U << 2);
  EXPECT_EQ(clk->hz(), 4'000'000U);
  machine->reset();
  EXPECT_EQ(clk->hz(), 0U);
}

TEST_F(B_L475e, BlocksThatShareAKilobyteAreApart) {
  machine.write32(0x4001'0028, 0xff);
  EXPECT_TRUE(machine.write32(0x4001'0030, 1)) << "VREFBUF is not modelled and logs";
  EXPECT_TRUE(machine.write32(0x4001'0200, 1)) << "nor is COMP";
  EXPECT_EQ(machine.read32(0x4001'0004), 0x7c00'0001U) << "SYSCFG";
}

TEST(B_L475eProgram, MustFitIntoOneMemory) {
  const testing::TempFile file{(1U << 20U) + 1};
  const auto plan = board::plan({.kernel = file.path()});
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("is not all in one memory"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::test
