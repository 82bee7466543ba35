// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/register_bank.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace holdfast::hw {
namespace {

using memory::Endian;

/// Registers of every width, an array, an interleaved pair of arrays, holes; it writes down what is
/// called.
class Chip {
 public:
  std::uint8_t byte() { return log("r8"), b; }
  void set_byte(std::uint8_t v) { log("w8"), b = v; }
  std::uint16_t half() const { return h; }
  void set_half(std::uint16_t v) { log("w16"), h = v; }
  std::uint32_t word() { return log("r32"), w; }
  void set_word(std::uint32_t v) { log("w32"), w = v; }
  std::uint64_t wide() { return log("r64"), d; }
  void set_wide(std::uint64_t v) { log("w64"), d = v; }
  std::uint32_t fifo() { return log("pop"), 0x11223344; }
  void push(std::uint32_t v) { log("push"), w = v; }
  std::uint32_t threshold(unsigned i) const { return thresholds[i]; }
  void set_threshold(unsigned i, std::uint32_t v) { thresholds[i] = v; }
  std::uint32_t claim(unsigned i) { return log("claim" + std::to_string(i)), 100 + i; }
  void complete(unsigned i, std::uint32_t) { log("complete" + std::to_string(i)); }
  std::uint64_t hole(std::uint64_t offset, unsigned size) {
    log("hole" + std::to_string(size));
    return offset;
  }
  void set_hole(std::uint64_t, unsigned size, std::uint64_t v) {
    log("sethole" + std::to_string(size)), d = v;
  }

  void log(std::string what) { calls.push_back(std::move(what)); }

  std::vector<std::string> calls;
  std::uint8_t b = 0;
  std::uint16_t h = 0;
  std::uint32_t w = 0;
  std::uint64_t d = 0;
  std::array<std::uint32_t, 3> thresholds{};
};

constexpr auto kMap = register_map<Chip>(0x100, {
    {.at = 0x08, .name = "WIDE", .read = &Chip::wide, .write = &Chip::set_wide},
    {.at = 0x00, .name = "BYTE", .read = &Chip::byte, .write = &Chip::set_byte},
    {.at = 0x02, .name = "HALF", .read = &Chip::half, .write = &Chip::set_half},
    {.at = 0x04, .name = "WORD", .read = &Chip::word, .write = &Chip::set_word},
    {.at = 0x10, .name = "FIFO", .read = &Chip::fifo, .write = &Chip::push,
     .partial = Partial::kZero},
    {.at = 0x14, .name = "STRICT", .read = &Chip::fifo, .write = &Chip::push,
     .partial = Partial::kRefuse},
    {.at = 0x18, .name = "RO", .read = &Chip::word},
    {.at = 0x1c, .name = "WO", .write = &Chip::push},
    {.at = 0x40, .name = "THRESHOLD", .read = &Chip::threshold, .write = &Chip::set_threshold,
     .count = 3, .stride = 0x10},
    {.at = 0x44, .name = "CLAIM", .read = &Chip::claim, .write = &Chip::complete, .count = 3,
     .stride = 0x10}});

class RegisterBankTest : public ::testing::Test {
 protected:
  std::uint64_t read(std::uint64_t offset, unsigned size) {
    std::uint64_t value = ~std::uint64_t{0};
    EXPECT_EQ(bank.read(offset, size, value, {}), memory::MemTxResult::kOk);
    return value;
  }
  void write(std::uint64_t offset, unsigned size, std::uint64_t value) {
    EXPECT_EQ(bank.write(offset, size, value, {}), memory::MemTxResult::kOk);
  }

  Chip chip;
  RegisterBank bank{"chip:regs", chip, kMap};
};

using Calls = std::vector<std::string>;

TEST_F(RegisterBankTest, CallsTheRegisterOnceForAnAccessOfItsWidth) {
  write(0x04, 4, 0xcafe'babe);
  EXPECT_EQ(read(0x04, 4), 0xcafe'babeU);
  EXPECT_EQ(chip.calls, (Calls{"w32", "r32"}));
}

TEST_F(RegisterBankTest, CutsAnAccessThatCoversSeveralRegistersAscending) {
  write(0x00, 8, 0x1122'3344'5566'7788);
  EXPECT_EQ(chip.b, 0x88);
  EXPECT_EQ(chip.h, 0x5566);
  EXPECT_EQ(chip.w, 0x1122'3344U);
  EXPECT_EQ(chip.calls, (Calls{"w8", "w16", "w32"})) << "byte 1 belongs to nobody";
  EXPECT_EQ(read(0x00, 8), 0x1122'3344'5566'0088U);
}

TEST_F(RegisterBankTest, ReadsAPartOfARegisterAsItsBytes) {
  chip.d = 0x0807'0605'0403'0201;
  EXPECT_EQ(read(0x0a, 2), 0x0403U);
  EXPECT_EQ(read(0x0f, 1), 0x08U);
  EXPECT_EQ(chip.calls, (Calls{"r64", "r64"}));
}

TEST_F(RegisterBankTest, MergesAPartialWriteWithWhatTheRegisterReads) {
  chip.d = 0x0807'0605'0403'0201;
  write(0x0a, 2, 0xbbaa);
  EXPECT_EQ(chip.d, 0x0807'0605'bbaa'0201U);
}

TEST_F(RegisterBankTest, FillsAPartialWriteWithZerosWhereReadingHasASideEffect) {
  write(0x11, 1, 0x7f);
  EXPECT_EQ(chip.w, 0x7f00U);
  EXPECT_EQ(chip.calls, Calls{"push"});
}

TEST_F(RegisterBankTest, RefusesAPartialWriteWhereTheRegisterSaysSo) {
  write(0x14, 2, 0xffff);
  EXPECT_TRUE(chip.calls.empty());
}

TEST_F(RegisterBankTest, ReadsZeroAndIgnoresWritesWhereThereIsNoFunction) {
  write(0x18, 4, 1);
  EXPECT_EQ(read(0x1c, 4), 0U);
  EXPECT_EQ(read(0x30, 4), 0U);
  write(0x30, 4, 1);
  EXPECT_TRUE(chip.calls.empty());
}

TEST_F(RegisterBankTest, GivesTheIndexInInterleavedArrays) {
  write(0x50, 4, 7);
  EXPECT_EQ(chip.thresholds[1], 7U);
  EXPECT_EQ(read(0x64, 4), 102U);
  write(0x44, 4, 1);
  EXPECT_EQ(chip.calls, (Calls{"claim2", "complete0"}));
  EXPECT_EQ(read(0x48, 4), 0U) << "between two elements";
}

TEST_F(RegisterBankTest, EndsArraysAtTheirCount) {
  EXPECT_EQ(read(0x70, 4), 0U);
  EXPECT_EQ(read(0x74, 4), 0U);
  EXPECT_TRUE(chip.calls.empty());
}

constexpr auto kWithBackground = register_map<Chip>(
    0x10, {{.at = 0x4, .name = "HALF", .read = &Chip::half, .write = &Chip::set_half}},
    {.background = {.read = &Chip::hole, .write = &Chip::set_hole}});

TEST(RegisterBankBackground, GetsRunsOfBytesThatBelongToNoRegister) {
  Chip chip;
  RegisterBank bank{"chip:regs", chip, kWithBackground};
  std::uint64_t value = 0;
  chip.h = 0xaabb;
  bank.read(0x3, 8, value, {});
  EXPECT_EQ(value, 0x06aa'bb03U);
  EXPECT_EQ(chip.calls, (Calls{"hole1", "hole5"}));
}

constexpr auto kBigEndian = register_map<Chip>(
    0x10,
    {{.at = 0x0, .name = "WORD", .read = &Chip::word, .write = &Chip::set_word},
     {.at = 0x4, .name = "HALF", .read = &Chip::half, .write = &Chip::set_half}},
    {.access = {.valid = {.min = 1, .max = 8}, .endian = Endian::kBig}});

TEST(RegisterBankBigEndian, CountsLanesFromTheOtherEnd) {
  Chip chip;
  RegisterBank bank{"chip:regs", chip, kBigEndian};
  std::uint64_t value = 0;
  bank.write(0, 4, 0x1122'3344, {});
  EXPECT_EQ(chip.w, 0x1122'3344U);
  bank.read(0, 1, value, {});
  EXPECT_EQ(value, 0x11U);
  bank.write(3, 1, 0x99, {});
  EXPECT_EQ(chip.w, 0x1122'3399U);
  bank.write(0, 8, 0x0102'0304'0506'0708, {});
  EXPECT_EQ(chip.w, 0x0102'0304U);
  EXPECT_EQ(chip.h, 0x0506U);
}

}  // namespace
}  // namespace holdfast::hw
