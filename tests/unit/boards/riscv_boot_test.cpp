// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/loader/riscv_boot.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace holdfast::boards {
namespace {

/// Executes the few instructions that a boot ROM may use, on a hart of its own.
class TinyHart {
 public:
  TinyHart(std::vector<std::byte> rom, std::uint64_t at, std::uint64_t hart)
      : rom_{std::move(rom)}, at_{at}, pc{at}, hart_{hart} {}

  bool in_rom() const { return pc >= at_ && pc - at_ + 4 <= rom_.size(); }
  std::uint64_t x(int n) const { return x_.contains(n) ? x_.at(n) : 0; }
  std::uint64_t load(std::uint64_t address) const {
    std::uint64_t value = 0;
    EXPECT_EQ(address % 8, 0U);
    EXPECT_TRUE(address >= at_ && address - at_ + 8 <= rom_.size());
    std::memcpy(&value, rom_.data() + (address - at_), 8);
    return value;
  }

  void step() {
    std::uint32_t i = 0;
    std::memcpy(&i, rom_.data() + (pc - at_), 4);
    const int rd = i >> 7 & 31, rs1 = i >> 15 & 31, funct3 = i >> 12 & 7;
    const auto immediate = static_cast<std::uint64_t>(static_cast<std::int32_t>(i) >> 20);
    const auto next = pc + 4;
    switch (i & 0x7f) {
      case 0x17:
        set(rd, pc + (i & 0xffff'f000));
        break;
      case 0x13:
        ASSERT_EQ(funct3, 0);
        set(rd, x(rs1) + immediate);
        break;
      case 0x03:
        ASSERT_EQ(funct3, 3);
        set(rd, load(x(rs1) + immediate));
        break;
      case 0x73:
        ASSERT_EQ(i >> 20, 0xf14U);
        ASSERT_EQ(funct3, 2);
        ASSERT_EQ(rs1, 0);
        set(rd, hart_);
        break;
      case 0x67:
        ASSERT_EQ(rd, 0);
        pc = x(rs1) + immediate;
        return;
      default:
        FAIL() << "instruction " << i;
    }
    pc = next;
  }

 private:
  void set(int n, std::uint64_t value) { x_[n] = value; }

  std::vector<std::byte> rom_;
  std::uint64_t at_;

 public:
  std::uint64_t pc;

 private:
  std::uint64_t hart_;
  std::map<int, std::uint64_t> x_;
};

constexpr BootRomPlan kPlan{.at = 0x1000,
                            .firmware = 0x8000'0000,
                            .device_tree = 0x8'bfe0'0000,
                            .next = {.next_address = 0x8020'0000}};

void expect_handover(const BootRomPlan& plan, std::uint64_t hart_id) {
  TinyHart hart{boot_rom(plan), plan.at, hart_id};
  for (int steps = 0; hart.in_rom(); ++steps) {
    ASSERT_LT(steps, 20);
    hart.step();
  }
  EXPECT_EQ(hart.pc, plan.firmware);
  EXPECT_EQ(hart.x(10), hart_id);
  EXPECT_EQ(hart.x(11), plan.device_tree);
  EXPECT_EQ(hart.load(hart.x(12)), 0x4942534fU);
  EXPECT_EQ(hart.load(hart.x(12) + 8), 2U);
  EXPECT_EQ(hart.load(hart.x(12) + 16), plan.next.next_address);
  EXPECT_EQ(hart.load(hart.x(12) + 24), 1U);
  EXPECT_EQ(hart.load(hart.x(12) + 32), plan.next.options);
  EXPECT_EQ(hart.load(hart.x(12) + 40), plan.next.boot_hart);
}

TEST(BootRom, HandsOverToTheFirmware) { expect_handover(kPlan, 0); }

TEST(BootRom, HandsOverOnEveryHart) { expect_handover(kPlan, 7); }

TEST(BootRom, WorksWhereverItLies) {
  auto plan = kPlan;
  plan.at = 0x2'0000'0ff8;
  plan.next = {.next_address = ~std::uint64_t{0}, .options = 3, .boot_hart = 5};
  expect_handover(plan, 1);
}

TEST(BootRom, IsWhatAnAssemblerMakesOfIt) {
  // auipc t0,0; csrr a0,mhartid; ld a1,32(t0); addi a2,t0,40; ld t0,24(t0); jr t0
  constexpr std::uint32_t kExpected[] = {0x00000297, 0xf1402573, 0x0202b583,
                                         0x02828613, 0x0182b283, 0x00028067};
  const auto rom = boot_rom(kPlan);
  ASSERT_EQ(rom.size(), 88U);
  EXPECT_EQ(std::memcmp(rom.data(), kExpected, sizeof kExpected), 0);
}

TEST(BootRomDeathTest, MustBeAligned) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(boot_rom({.at = 0x1004}), "would not be aligned");
}

}  // namespace
}  // namespace holdfast::boards
