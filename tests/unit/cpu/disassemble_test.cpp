// SPDX-License-Identifier: Apache-2.0
// The text of instructions. All of it is compared with GNU objdump by tests/differential; here is
// what that cannot see: that decoder and disassembler call the same words instructions.
#include "holdfast/cpu/riscv/disassemble.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "assembler.hpp"
#include "holdfast/cpu/riscv/decode.hpp"

namespace holdfast::test::riscv {
namespace {

using namespace cpu::riscv;

bool is_data(const std::string& text) {
  return text.starts_with(".");
}
bool is_legal(const Decoder& decoder, Word word) {
  return decoder.decode(word).instruction.run != illegal_instruction;
}

TEST(Disassemble, WritesOperandsAsObjdumpDoes) {
  EXPECT_EQ(disassemble(0xfff50513, 0), "addi a0,a0,-1");
  EXPECT_EQ(disassemble(0x12345537, 0), "lui a0,0x12345");
  EXPECT_EQ(disassemble(0xfe0008e3, 0x8000007c), "beq zero,zero,0x8000006c");
  EXPECT_EQ(disassemble(0xfea53c27, 0), "fsd fa0,-8(a0)");
  EXPECT_EQ(disassemble(0x06b6252f, 0), "amoadd.w.aqrl a0,a1,(a2)");
  EXPECT_EQ(disassemble(0x00150553, 0), "fadd.s fa0,fa0,ft1,rne");
  EXPECT_EQ(disassemble(0xb03025f3, 0), "csrrs a1,mhpmcounter3,zero");
  EXPECT_EQ(disassemble(0x7c029073, 0), "csrrw zero,0x7c0,t0");
}

TEST(Disassemble, TakesCompressedInstructionsByTheirOwnNames) {
  EXPECT_EQ(disassemble(0x717d, 0), "c.addi16sp sp,-16");
  EXPECT_EQ(disassemble(0xffff8082, 0), "c.jr ra");  // the upper half belongs to the next one
  EXPECT_EQ(disassemble(0xa001, 0x80000000), "c.j 0x80000000");
}

TEST(Disassemble, WhatIsNoInstructionIsData) {
  EXPECT_EQ(disassemble(0x0000, 0), ".2byte 0x0");
  EXPECT_EQ(disassemble(0xffffffff, 0), ".4byte 0xffffffff");
}

TEST(Disassemble, AgreesWithTheDecoderOnEveryHalfword) {
  const Decoder decoder{IsaSet::all()};
  for (Word half = 0; half < 0x10000; ++half) {
    if (length_of(half) != 2) continue;
    ASSERT_EQ(is_legal(decoder, half), !is_data(disassemble(half, 0))) << std::hex << half;
  }
}

TEST(Disassemble, AgreesWithTheDecoderOnRandomWords) {
  const Decoder decoder{IsaSet::all()};
  std::mt19937 random{20240611};
  unsigned legal = 0;
  for (int i = 0; i < 500'000; ++i) {
    const auto word = static_cast<Word>(random()) | 3;
    const std::string text = disassemble(word, 0);
    ASSERT_EQ(is_legal(decoder, word), !is_data(text)) << std::hex << word << " " << text;
    if (!is_data(text)) ++legal;
  }
  EXPECT_GT(legal, 100'000u);
}

/// A hart without an extension refuses what belongs to it, and nothing else.
TEST(Disassemble, KnowsWhatSomeHartsDoNotHave) {
  const Decoder without{kDefaultIsa.without(Extension::kM)};
  const Word mul = op(0, 1, kA0, kA1, kA2);
  EXPECT_FALSE(is_legal(without, mul));
  EXPECT_EQ(disassemble(mul, 0), "mul a0,a1,a2");
}

}  // namespace
}  // namespace holdfast::test::riscv
