// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/exti.hpp"

#include <gtest/gtest.h>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x4001'0400;
enum Register : std::uint64_t { kImr = 0x00, kEmr = 0x04, kRtsr = 0x08, kFtsr = 0x0c, kSwier = 0x10, kPr = 0x14 };
constexpr std::uint64_t kBank2 = 0x20;

class Stm32ExtiTest : public ::testing::Test {
 protected:
  std::uint32_t in(std::uint64_t reg) { return bench_.read32(kBase + reg); }
  void out(std::uint64_t reg, std::uint32_t value) { bench_.write32(kBase + reg, value); }
  void line(unsigned number, bool level) { testing::DeviceBench::drive(exti_, "in", number, level); }
  bool irq(unsigned number) { return testing::DeviceBench::level(exti_, "irq", number); }
  bool group(unsigned number) { return testing::DeviceBench::level(exti_, "group", number); }

  testing::DeviceBench bench_;
  Stm32l4x5Exti& exti_ = bench_.add<Stm32l4x5Exti>("exti", kBase);
};

TEST_F(Stm32ExtiTest, RegistersAfterReset) {
  EXPECT_EQ(in(kImr), 0xff82'0000U);
  EXPECT_EQ(in(kImr + kBank2), 0x0000'0087U);
  for (const std::uint64_t bank : {std::uint64_t{0}, kBank2})
    for (const std::uint64_t reg : {kEmr, kRtsr, kFtsr, kSwier, kPr}) EXPECT_EQ(in(reg + bank), 0U);
}

TEST_F(Stm32ExtiTest, OnlyLinesThatExistHaveMasksAndOnlyConfigurableOnesHaveEdges) {
  for (const std::uint64_t bank : {std::uint64_t{0}, kBank2})
    for (const std::uint64_t reg : {kEmr, kRtsr, kFtsr, kSwier, kImr}) out(reg + bank, ~0U);
  EXPECT_EQ(in(kImr), ~0U);
  EXPECT_EQ(in(kEmr), ~0U);
  EXPECT_EQ(in(kRtsr), 0x007d'ffffU);
  EXPECT_EQ(in(kFtsr), 0x007d'ffffU);
  EXPECT_EQ(in(kSwier), 0x007d'ffffU);
  EXPECT_EQ(in(kImr + kBank2), 0xffU);
  EXPECT_EQ(in(kEmr + kBank2), 0xffU);
  EXPECT_EQ(in(kRtsr + kBank2), 0x78U);
  EXPECT_EQ(in(kFtsr + kBank2), 0x78U);
  EXPECT_EQ(in(kSwier + kBank2), 0x78U);
}

TEST_F(Stm32ExtiTest, ARisingEdgeIsPendingUntilItIsCleared) {
  out(kImr, 1);
  out(kRtsr, 1);
  line(0, true);
  EXPECT_EQ(in(kPr), 1U);
  EXPECT_TRUE(irq(0));
  line(0, false);
  EXPECT_EQ(in(kPr), 1U);
  EXPECT_TRUE(irq(0));
  out(kPr, 1);
  EXPECT_EQ(in(kPr), 0U);
  EXPECT_FALSE(irq(0));
}

TEST_F(Stm32ExtiTest, OnlyTheSelectedEdgesCount) {
  out(kImr, 7);
  out(kRtsr, 1 | 4);
  out(kFtsr, 2 | 4);
  for (const unsigned number : {0U, 1U, 2U, 3U}) line(number, true);
  EXPECT_EQ(in(kPr), 1U | 4U);
  out(kPr, ~0U);
  for (const unsigned number : {0U, 1U, 2U, 3U}) line(number, false);
  EXPECT_EQ(in(kPr), 2U | 4U);
}

TEST_F(Stm32ExtiTest, TheSameLevelAgainIsNoEdge) {
  out(kImr, 1);
  line(0, true);
  out(kRtsr, 1);
  line(0, true);
  EXPECT_EQ(in(kPr), 0U);
  line(0, false);
  line(0, true);
  EXPECT_EQ(in(kPr), 1U);
}

TEST_F(Stm32ExtiTest, AnEdgeOfAMaskedLineIsLost) {
  out(kRtsr, 2);
  line(1, true);
  EXPECT_EQ(in(kPr), 0U);
  out(kImr, 2);
  EXPECT_EQ(in(kPr), 0U);
  EXPECT_FALSE(irq(1));
}

TEST_F(Stm32ExtiTest, MaskingAPendingLineTakesItsInterruptDown) {
  out(kImr, 2);
  out(kRtsr, 2);
  line(1, true);
  out(kImr, 0);
  EXPECT_FALSE(irq(1));
  EXPECT_EQ(in(kPr), 2U);
  out(kImr, 2);
  EXPECT_TRUE(irq(1));
}

TEST_F(Stm32ExtiTest, SoftwareMakesALinePendingByABitThatGoesToOne) {
  out(kImr, 1);
  out(kSwier, 1);
  EXPECT_EQ(in(kSwier), 1U);
  EXPECT_EQ(in(kPr), 1U);
  EXPECT_TRUE(irq(0));
  out(kPr, 1);
  EXPECT_EQ(in(kPr), 0U);
  EXPECT_EQ(in(kSwier), 0U);
  EXPECT_FALSE(irq(0));
}

TEST_F(Stm32ExtiTest, ASoftwareRequestOfAMaskedLineStaysWithoutEffect) {
  out(kSwier, 2);
  EXPECT_EQ(in(kSwier), 2U);
  EXPECT_EQ(in(kPr), 0U);
  out(kImr, 2);
  out(kSwier, 2);
  EXPECT_EQ(in(kPr), 0U) << "the bit was set before";
}

TEST_F(Stm32ExtiTest, TheSecondBankIsLikeTheFirst) {
  out(kImr + kBank2, 0x08);
  out(kSwier + kBank2, 0x08);
  EXPECT_EQ(in(kPr + kBank2), 0x08U);
  EXPECT_EQ(in(kPr), 0U);
  EXPECT_TRUE(irq(35));
  EXPECT_FALSE(irq(3));
  out(kPr + kBank2, 0x08);
  EXPECT_FALSE(irq(35));
}

TEST_F(Stm32ExtiTest, ADirectLineGoesThroughAndIsNeverPending) {
  line(26, true);
  line(39, true);
  EXPECT_TRUE(irq(26));
  EXPECT_TRUE(irq(39));
  EXPECT_EQ(in(kPr), 0U);
  out(kImr, 0);
  EXPECT_FALSE(irq(26));
  out(kImr, 1U << 26);
  EXPECT_TRUE(irq(26));
  line(26, false);
  EXPECT_FALSE(irq(26));
}

TEST_F(Stm32ExtiTest, LinesOfAGroupShareAnOutput) {
  const struct {
    unsigned line;
    unsigned group;
  } rows[] = {{5, Stm32l4x5Exti::kPins5To9},      {9, Stm32l4x5Exti::kPins5To9},
              {10, Stm32l4x5Exti::kPins10To15},   {15, Stm32l4x5Exti::kPins10To15},
              {21, Stm32l4x5Exti::kComparators},  {22, Stm32l4x5Exti::kComparators},
              {16, Stm32l4x5Exti::kPowerVoltage}, {35, Stm32l4x5Exti::kPowerVoltage},
              {38, Stm32l4x5Exti::kPowerVoltage}};
  for (const std::uint64_t bank : {std::uint64_t{0}, kBank2}) {
    out(kImr + bank, ~0U);
    out(kRtsr + bank, ~0U);
  }
  for (const auto& row : rows) {
    line(row.line, true);
    for (unsigned i = 0; i < Stm32l4x5Exti::kGroups; ++i)
      EXPECT_EQ(group(i), i == row.group) << row.line;
    EXPECT_TRUE(irq(row.line));
    out(kPr, ~0U);
    out(kPr + kBank2, ~0U);
    EXPECT_FALSE(group(row.group)) << row.line;
  }
}

TEST_F(Stm32ExtiTest, AGroupStaysUpWhileOneOfItsLinesIs) {
  out(kImr, 0x3e0);
  out(kRtsr, 0x3e0);
  line(5, true);
  line(6, true);
  out(kPr, 1U << 5);
  EXPECT_TRUE(group(Stm32l4x5Exti::kPins5To9));
  out(kPr, 1U << 6);
  EXPECT_FALSE(group(Stm32l4x5Exti::kPins5To9));
}

TEST_F(Stm32ExtiTest, PartsOfRegistersCanBeWritten) {
  bench_.write8(kBase + kRtsr + 1, 0xab);
  EXPECT_EQ(in(kRtsr), 0xab00U);
  out(kImr, 0xffff);
  out(kRtsr, 0xffff);
  line(0, true);
  line(8, true);
  bench_.write8(kBase + kPr, 0xff);
  EXPECT_EQ(in(kPr), 1U << 8) << "the other bytes clear nothing";
}

TEST_F(Stm32ExtiTest, ResetForgetsAllButTheLevels) {
  out(kImr, 1U << 26 | 1);
  out(kRtsr, 1);
  line(0, true);
  line(26, true);
  bench_.reset(exti_);
  EXPECT_EQ(in(kPr), 0U);
  EXPECT_EQ(in(kRtsr), 0U);
  EXPECT_FALSE(irq(0));
  EXPECT_TRUE(irq(26));
}

}  // namespace
}  // namespace holdfast::devices
