// SPDX-License-Identifier: Apache-2.0
// The decoder's table: no two rows claim the same word, and compressed instructions stand for the
// words the specification says.
#include "holdfast/cpu/riscv/decode.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "assembler.hpp"

namespace holdfast::test::riscv {
namespace {

using namespace cpu::riscv;

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const auto group : {integer_rows(), multiply_rows(), bit_rows(), branch_rows(),
                           memory_rows(), atomic_rows(), float_rows(), system_rows()})
    rows.insert(rows.end(), group.begin(), group.end());
  return rows;
}

TEST(DecodeTable, NoTwoRowsClaimTheSameWord) {
  const auto rows = all_rows();
  EXPECT_GT(rows.size(), 200u);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].match & ~rows[i].mask, 0u) << rows[i].name;
    EXPECT_EQ(rows[i].match & 3, 3u) << rows[i].name;
    for (std::size_t j = i + 1; j < rows.size(); ++j) {
      const Word common = rows[i].mask & rows[j].mask;
      EXPECT_NE(rows[i].match & common, rows[j].match & common)
          << rows[i].name << " and " << rows[j].name;
    }
  }
}

TEST(Decode, LeavesOutExtensionsTheHartDoesNotHave) {
  const Decoder with{kDefaultIsa};
  const Decoder without{kDefaultIsa.without(Extension::kM)};
  const Word mul = op(0, 1, kA0, kA1, kA2);
  ASSERT_NE(with.find(mul), nullptr);
  EXPECT_STREQ(with.find(mul)->name, "mul");
  EXPECT_EQ(without.find(mul), nullptr);
}

TEST(Decode, TakesOperandsApart) {
  const Decoder decoder{kDefaultIsa};
  const auto branch = decoder.decode(beq(kA0, kA1, -4096)).instruction;
  EXPECT_EQ(branch.rs1, kA0);
  EXPECT_EQ(branch.rs2, kA1);
  EXPECT_EQ(branch.immediate, -4096);
  EXPECT_EQ(decoder.decode(jal(kRa, 1048574)).instruction.immediate, 1048574);
  EXPECT_EQ(decoder.decode(jal(kRa, -1048576)).instruction.immediate, -1048576);
  EXPECT_EQ(decoder.decode(sd(kA0, kA1, -2048)).instruction.immediate, -2048);
  EXPECT_EQ(decoder.decode(li(kZero, 1)).instruction.rd, kDiscard);
  EXPECT_EQ(decoder.decode(csrr(kA0, 0xf14)).instruction.immediate, 0xf14);
}

struct Compressed {
  std::uint16_t half;
  Word word;
  const char* text;
};
// The halfwords are what binutils 2.40 assembles from the text.
const Compressed kVectors[] = {
#include "compressed_vectors.inc"
};

TEST(DecodeCompressed, StandsForTheSpecifiedWord) {
  for (const Compressed& v : kVectors)
    EXPECT_EQ(expand_compressed(v.half), v.word) << v.text << std::hex << " " << v.half;
}

TEST(DecodeCompressed, ReservedEncodingsAreNoInstruction) {
  constexpr std::uint16_t kReserved[] = {
      0x0000,          // the defined illegal instruction
      0x0008,          // c.addi4spn with immediate 0
      0x8000,          // quadrant 0, funct3 100
      0x2001,          // c.addiw with rd 0
      0x6101,          // c.addi16sp 0
      0x6081,          // c.lui ra, 0
      0x9c41, 0x9c61,  // quadrant 1, 100 1 11 10 and 11
      0x4002,          // c.lwsp to x0
      0x6002,          // c.ldsp to x0
      0x8002,          // c.jr x0
  };
  for (const std::uint16_t half : kReserved) EXPECT_EQ(expand_compressed(half), 0u) << half;
}

}  // namespace
}  // namespace holdfast::test::riscv
