// SPDX-License-Identifier: Apache-2.0
// RV64I, M, Zba, Zbb, Zbc, Zbs and Zicond: results at the edges, one instruction at a time.
#include <gtest/gtest.h>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

constexpr std::uint64_t kMin = 0x8000'0000'0000'0000, kMax = 0x7fff'ffff'ffff'ffff;
constexpr std::uint64_t kOnes = ~std::uint64_t{0};
constexpr std::uint64_t kMinWord = 0xffff'ffff'8000'0000;  // INT32_MIN, sign-extended

struct Vector {
  const char* name;
  Word instruction;  // a0 = a1 op a2
  std::uint64_t a1, a2, result;
};
void PrintTo(const Vector& v, std::ostream* out) {
  *out << v.name;
}

class Computes : public testing::TestWithParam<Vector> {};

TEST_P(Computes, TheSpecifiedResult) {
  const Vector& v = GetParam();
  Bench bench{{.isa = cpu::riscv::kDefaultIsa.with(Extension::kZicond)}};
  bench.set_x(kA1, v.a1);
  bench.set_x(kA2, v.a2);
  EXPECT_EQ(bench.run({v.instruction}), Stop::kWaiting);
  EXPECT_FALSE(bench.trapped());
  EXPECT_EQ(bench.x(kA0), v.result);
}

constexpr Word rrr(Word f3, Word f7) {
  return op(f3, f7, kA0, kA1, kA2);
}
constexpr Word rrr32(Word f3, Word f7) {
  return op32(f3, f7, kA0, kA1, kA2);
}
constexpr Word imm(Word f3, std::int32_t i) {
  return i_type(0x13, f3, kA0, kA1, i);
}
constexpr Word imm32(Word f3, std::int32_t i) {
  return i_type(0x1b, f3, kA0, kA1, i);
}

INSTANTIATE_TEST_SUITE_P(
    Base, Computes,
    testing::Values(
        Vector{"add wraps", rrr(0, 0), kOnes, 1, 0}, Vector{"sub", rrr(0, 0x20), 3, 5, kOnes - 1},
        Vector{"sll uses six bits", rrr(1, 0), 1, 64 + 63, kMin},
        Vector{"slt is signed", rrr(2, 0), kMin, 0, 1},
        Vector{"sltu is not", rrr(3, 0), kMin, 0, 0},
        Vector{"xor", rrr(4, 0), 0xff00, 0x0ff0, 0xf0f0}, Vector{"srl", rrr(5, 0), kMin, 63, 1},
        Vector{"sra", rrr(5, 0x20), kMin, 63, kOnes}, Vector{"or", rrr(6, 0), 0xf0, 0x0f, 0xff},
        Vector{"and", rrr(7, 0), 0xf0, 0x3c, 0x30},
        Vector{"addi sign-extends", imm(0, -1), 0, 0, kOnes},
        Vector{"slti", imm(2, -2048), kMin, 0, 1},
        Vector{"sltiu compares with the extended immediate", imm(3, -1), kMax, 0, 1},
        Vector{"xori", imm(4, -1), 0xff, 0, ~std::uint64_t{0xff}},
        Vector{"ori", imm(6, 0x7f), 0x100, 0, 0x17f}, Vector{"andi", imm(7, -16), 0xff, 0, 0xf0},
        Vector{"slli by 63", imm(1, 63), 3, 0, kMin},
        Vector{"srli by 32", imm(5, 32), kOnes, 0, 0xffff'ffff},
        Vector{"srai by 32", imm(5, 0x400 | 32), kMin, 0, kMinWord},
        Vector{"addw drops the upper half", rrr32(0, 0), 0x1'7fff'ffff, 1, kMinWord},
        Vector{"subw", rrr32(0, 0x20), 0, 1, kOnes},
        Vector{"sllw uses five bits", rrr32(1, 0), 1, 32 + 31, kMinWord},
        Vector{"srlw reads 32 bits", rrr32(5, 0), kOnes, 31, 1},
        Vector{"srlw by 0 sign-extends", rrr32(5, 0), 0x8000'0000, 0, kMinWord},
        Vector{"sraw", rrr32(5, 0x20), 0x8000'0000, 31, kOnes},
        Vector{"addiw", imm32(0, 0), 0xffff'ffff, 0, kOnes},
        Vector{"slliw", imm32(1, 31), 1, 0, kMinWord},
        Vector{"srliw", imm32(5, 4), 0xffff'ffff'8000'0000, 0, 0x0800'0000},
        Vector{"sraiw", imm32(5, 0x400 | 4), 0x8000'0000, 0, 0xffff'ffff'f800'0000}));

INSTANTIATE_TEST_SUITE_P(
    Multiply, Computes,
    testing::Values(Vector{"mul", rrr(0, 1), kOnes, kOnes, 1},
                    Vector{"mulh", rrr(1, 1), kMin, kMin, 0x4000'0000'0000'0000},
                    Vector{"mulh of minus one", rrr(1, 1), kOnes, kOnes, 0},
                    Vector{"mulhsu", rrr(2, 1), kOnes, kOnes, kOnes},
                    Vector{"mulhu", rrr(3, 1), kOnes, kOnes, kOnes - 1},
                    Vector{"div truncates", rrr(4, 1), std::uint64_t(-7), 2, std::uint64_t(-3)},
                    Vector{"div by zero", rrr(4, 1), 7, 0, kOnes},
                    Vector{"div overflow", rrr(4, 1), kMin, kOnes, kMin},
                    Vector{"divu by zero", rrr(5, 1), 7, 0, kOnes},
                    Vector{"divu", rrr(5, 1), kOnes, 2, kMax},
                    Vector{"rem takes the dividend's sign", rrr(6, 1), std::uint64_t(-7), 2, kOnes},
                    Vector{"rem by zero", rrr(6, 1), kMin, 0, kMin},
                    Vector{"rem overflow", rrr(6, 1), kMin, kOnes, 0},
                    Vector{"remu by zero", rrr(7, 1), 7, 0, 7},
                    Vector{"mulw", rrr32(0, 1), 0x8000'0000, 1, kMinWord},
                    Vector{"divw overflow", rrr32(4, 1), 0x8000'0000, kOnes, kMinWord},
                    Vector{"divw by zero", rrr32(4, 1), 5, 0x1'0000'0000, kOnes},
                    Vector{"divuw by zero", rrr32(5, 1), 5, 0, kOnes},
                    Vector{"divuw sign-extends", rrr32(5, 1), 0xffff'ffff, 1, kOnes},
                    Vector{"remw by zero", rrr32(6, 1), 0x8000'0001, 0, 0xffff'ffff'8000'0001},
                    Vector{"remw overflow", rrr32(6, 1), 0x8000'0000, 0xffff'ffff, 0},
                    Vector{"remuw by zero sign-extends", rrr32(7, 1), 0x8000'0000, 0, kMinWord}));

INSTANTIATE_TEST_SUITE_P(
    Bits, Computes,
    testing::Values(
        Vector{"sh1add", rrr(2, 0x10), 3, 10, 16}, Vector{"sh2add", rrr(4, 0x10), 3, 10, 22},
        Vector{"sh3add", rrr(6, 0x10), 3, 10, 34},
        Vector{"add.uw", rrr32(0, 4), kOnes, 1, 0x1'0000'0000},
        Vector{"sh3add.uw", rrr32(6, 0x10), kOnes, 0, 0x7'ffff'fff8},
        Vector{"slli.uw", i_type(0x1b, 1, kA0, kA1, 0x080 | 4), kOnes, 0, 0xf'ffff'fff0},
        Vector{"andn", rrr(7, 0x20), 0xff, 0x0f, 0xf0}, Vector{"orn", rrr(6, 0x20), 0, kOnes, 0},
        Vector{"xnor", rrr(4, 0x20), 5, 5, kOnes}, Vector{"clz of zero", imm(1, 0x600), 0, 0, 64},
        Vector{"ctz of zero", imm(1, 0x601), 0, 0, 64}, Vector{"cpop", imm(1, 0x602), kOnes, 0, 64},
        Vector{"clzw", imm32(1, 0x600), 0xffff'ffff'0000'0001, 0, 31},
        Vector{"ctzw of zero", imm32(1, 0x601), 0x1'0000'0000, 0, 32},
        Vector{"cpopw", imm32(1, 0x602), kOnes, 0, 32}, Vector{"max", rrr(6, 5), kOnes, 1, 1},
        Vector{"maxu", rrr(7, 5), kOnes, 1, kOnes}, Vector{"min", rrr(4, 5), kOnes, 1, kOnes},
        Vector{"minu", rrr(5, 5), kOnes, 1, 1},
        Vector{"sext.b", imm(1, 0x604), 0x180, 0, kOnes - 127},
        Vector{"sext.h", imm(1, 0x605), 0x8000, 0, 0xffff'ffff'ffff'8000},
        Vector{"zext.h", r_type(0x3b, 4, 4, kA0, kA1, 0), kOnes, 0, 0xffff},
        Vector{"rol", rrr(1, 0x30), kMin, 1, 1}, Vector{"ror", rrr(5, 0x30), 1, 1, kMin},
        Vector{"rori", imm(5, 0x600 | 4), 0xf, 0, 0xf000'0000'0000'0000},
        Vector{"rolw", rrr32(1, 0x30), 0x8000'0000, 1, 1},
        Vector{"rorw", rrr32(5, 0x30), 1, 1, kMinWord},
        Vector{"orc.b", imm(5, 0x287), 0x0100'0000'0000'2000, 0, 0xff00'0000'0000'ff00},
        Vector{"rev8", imm(5, 0x6b8), 0x0102'0304'0506'0708, 0, 0x0807'0605'0403'0201},
        Vector{"clmul", rrr(1, 5), 0b1011, 0b110, 0b111010},
        Vector{"clmulh", rrr(3, 5), kMin, 2, 1}, Vector{"clmulr", rrr(2, 5), kMin, 1, 1},
        Vector{"bclr", rrr(1, 0x24), kOnes, 63, kMax}, Vector{"bext", rrr(5, 0x24), kMin, 63, 1},
        Vector{"binv", rrr(1, 0x34), 0, 64, 1}, Vector{"bset", rrr(1, 0x14), 0, 63, kMin},
        Vector{"bseti", imm(1, 0x280 | 40), 0, 0, std::uint64_t{1} << 40}));

// Zicond ------------------------------------------------------------------------------------------

constexpr Word czero_eqz(Reg rd, Reg rs1, Reg rs2) {
  return op(5, 7, rd, rs1, rs2);
}
constexpr Word czero_nez(Reg rd, Reg rs1, Reg rs2) {
  return op(7, 7, rd, rs1, rs2);
}

// SPEC: "Zicond" 1.0.0, section 3.1: zero if the whole of rs2 is zero, else rs1 as it is.
INSTANTIATE_TEST_SUITE_P(
    ConditionalZeroIfEqual, Computes,
    testing::Values(
        Vector{"of zero", rrr(5, 7), 9, 0, 0}, Vector{"of one", rrr(5, 7), 9, 1, 9},
        Vector{"of all ones", rrr(5, 7), kMin + 7, kOnes, kMin + 7},
        Vector{"of the sign alone", rrr(5, 7), 9, kMin, 9},
        Vector{"of the upper half alone", rrr(5, 7), kOnes, 0xffff'ffff'0000'0000, kOnes},
        Vector{"of the lowest bit of the upper half", rrr(5, 7), kMax, 0x1'0000'0000, kMax},
        Vector{"of the highest bit of the lower half", rrr(5, 7), 3, 0x8000'0000, 3},
        Vector{"all of a value goes", rrr(5, 7), kOnes, 0, 0},
        Vector{"all of a value stays", rrr(5, 7), 0x8123'4567'89ab'cdef, 2, 0x8123'4567'89ab'cdef},
        Vector{"a value of zero stays", rrr(5, 7), 0, 5, 0}));

// SPEC: "Zicond" 1.0.0, section 3.2: zero if any bit of rs2 is set, else rs1 as it is.
INSTANTIATE_TEST_SUITE_P(
    ConditionalZeroIfNot, Computes,
    testing::Values(
        Vector{"of zero", rrr(7, 7), 9, 0, 9}, Vector{"of one", rrr(7, 7), 9, 1, 0},
        Vector{"of all ones", rrr(7, 7), kMin + 7, kOnes, 0},
        Vector{"of the sign alone", rrr(7, 7), 9, kMin, 0},
        Vector{"of the upper half alone", rrr(7, 7), kOnes, 0xffff'ffff'0000'0000, 0},
        Vector{"of the lowest bit of the upper half", rrr(7, 7), kMax, 0x1'0000'0000, 0},
        Vector{"of the highest bit of the lower half", rrr(7, 7), 3, 0x8000'0000, 0},
        Vector{"all of a value stays", rrr(7, 7), 0x8123'4567'89ab'cdef, 0, 0x8123'4567'89ab'cdef},
        Vector{"a value of zero stays", rrr(7, 7), 0, 0, 0}));

/// With Zicond, a1 being `a1` and a2 `a2`.
struct Conditional : Bench {
  Conditional(std::uint64_t a1, std::uint64_t a2)
      : Bench{{.isa = cpu::riscv::kDefaultIsa.with(Extension::kZicond)}} {
    set_x(kA1, a1);
    set_x(kA2, a2);
  }
};

// SPEC: "Zicond" 1.0.0, sections 3.1 and 3.2: both sources are read before rd is written.
TEST(ConditionalZero, WritesOverItsSources) {
  Conditional value{7, 1};
  value.run({czero_eqz(kA1, kA1, kA2)});
  EXPECT_EQ(value.x(kA1), 7u);
  value.run({czero_nez(kA1, kA1, kA2)});
  EXPECT_EQ(value.x(kA1), 0u);

  Conditional condition{7, kMin};
  condition.run({czero_eqz(kA2, kA1, kA2)});
  EXPECT_EQ(condition.x(kA2), 7u);
  condition.run({czero_nez(kA2, kA1, kA2)});
  EXPECT_EQ(condition.x(kA2), 0u);
  condition.run({czero_nez(kA2, kA1, kA2)});
  EXPECT_EQ(condition.x(kA2), 7u);

  Conditional all{7, 0};
  all.run({czero_eqz(kA1, kA1, kA1), czero_eqz(kA2, kA2, kA2)});
  EXPECT_EQ(all.x(kA1), 7u);
  EXPECT_EQ(all.x(kA2), 0u);
  all.run({czero_nez(kA1, kA1, kA1), czero_nez(kA2, kA2, kA2)});
  EXPECT_EQ(all.x(kA1), 0u);
  EXPECT_EQ(all.x(kA2), 0u);
}

TEST(ConditionalZero, TakesX0AsAnyOperand) {
  Conditional bench{7, 1};
  bench.run({czero_eqz(kA0, kA1, kZero), czero_nez(kA3, kA1, kZero), czero_eqz(kA4, kZero, kA2),
             czero_nez(kZero, kA1, kZero), add(kA5, kZero, kZero)});
  EXPECT_EQ(bench.x(kA0), 0u);
  EXPECT_EQ(bench.x(kA3), 7u);
  EXPECT_EQ(bench.x(kA4), 0u);
  EXPECT_EQ(bench.x(kA5), 0u);
}

// SPEC: "Zicond" 1.0.0, section 4.1: "conditional select, if zero", by both.
TEST(ConditionalZero, SelectsOneOfTwo) {
  for (const std::uint64_t condition : {std::uint64_t{0}, std::uint64_t{1}, kMin}) {
    Conditional bench{0x1234, condition};
    bench.set_x(kA3, 0x5678);
    bench.run({czero_nez(kA0, kA1, kA2), czero_eqz(kA4, kA3, kA2), op(6, 0, kA0, kA0, kA4)});
    EXPECT_EQ(bench.x(kA0), condition == 0 ? 0x1234u : 0x5678u) << condition;
  }
}

// Section 2 has two instructions: with the same funct7, other values of funct3 are reserved.
TEST(ConditionalZero, IsIllegalWithoutTheExtension) {
  for (const Word instruction : {czero_eqz(kA0, kA1, kA2), czero_nez(kA0, kA1, kA2)}) {
    Bench bench{{.isa = cpu::riscv::kDefaultIsa.without(Extension::kZicond)}};
    bench.run({instruction});
    EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
    EXPECT_EQ(bench.csr_value(csr::kMtval), instruction);
  }
  for (const Word f3 : {0u, 1u, 2u, 3u, 4u, 6u}) {
    Conditional bench{1, 1};
    bench.run({op(f3, 7, kA0, kA1, kA2)});
    EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction) << f3;
  }
}

TEST(Integer, UpperImmediatesAreSignExtended) {
  Bench bench;
  bench.run({lui(kA0, 0x80000), auipc(kA1, 0xfffff)});
  EXPECT_EQ(bench.x(kA0), kMinWord);
  EXPECT_EQ(bench.x(kA1), kProgram + 4 - 0x1000);
}

TEST(Integer, NothingIsEverInX0) {
  Bench bench;
  bench.run({li(kZero, 5), lui(kZero, 1), jal(kZero, 4), add(kA0, kZero, kZero)});
  EXPECT_EQ(bench.x(kA0), 0u);
}

TEST(Branches, LinkAndClearBitZeroOfTheTarget) {
  Bench bench;
  bench.set_x(kA1, kProgram + 12 + 1);
  bench.run({jalr(kA1, kA1, 0), li(kA0, 1), li(kA0, 2), li(kA2, 3)});
  EXPECT_EQ(bench.x(kA1), kProgram + 4);
  EXPECT_EQ(bench.x(kA0), 0u);
  EXPECT_EQ(bench.x(kA2), 3u);
}

TEST(Branches, CompareAsTheirNamesSay) {
  struct Case {
    Word f3;
    std::uint64_t a, b;
    bool taken;
  };
  const Case cases[] = {{0, 1, 1, true},    {0, 1, 2, false},    {1, 1, 2, true},
                        {1, 1, 1, false},   {4, kMin, 0, true},  {4, 0, kMin, false},
                        {5, 0, 0, true},    {5, kMin, 0, false}, {6, kMin, 0, false},
                        {6, 0, kMin, true}, {7, kMin, 0, true},  {7, 0, 1, false}};
  for (const Case& c : cases) {
    Bench bench;
    bench.set_x(kA1, c.a);
    bench.set_x(kA2, c.b);
    bench.run({b_type(c.f3, kA1, kA2, 8), li(kA0, 1)});
    EXPECT_EQ(bench.x(kA0) == 0, c.taken) << "funct3 " << c.f3 << " " << c.a << " " << c.b;
  }
}

TEST(Branches, BackwardsLoopsCount) {
  Bench bench;
  bench.run({li(kA1, 100), addi(kA0, kA0, 3), addi(kA1, kA1, -1), bne(kA1, kZero, -8)});
  EXPECT_EQ(bench.x(kA0), 300u);
}

TEST(Branches, WithoutCompressedCodeAMisalignedTargetTrapsAtTheJump) {
  Bench bench{{.isa = cpu::riscv::kDefaultIsa.without(Extension::kC)}};
  bench.run({nop(), jal(kRa, 6)});
  EXPECT_TRUE(bench.trapped());
  EXPECT_EQ(bench.cause(), Cause::kInstructionMisaligned);
  EXPECT_EQ(bench.csr_value(csr::kMepc), kProgram + 4);
  EXPECT_EQ(bench.csr_value(csr::kMtval), kProgram + 4 + 6);
  EXPECT_EQ(bench.x(kRa), 0u);
}

}  // namespace
}  // namespace holdfast::test::riscv
