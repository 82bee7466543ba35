// SPDX-License-Identifier: Apache-2.0
// A: results, alignment, reservations, and two harts at once.
#include <gtest/gtest.h>

#include <thread>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

struct Vector {
  const char* name;
  Word f5;
  std::uint64_t memory, operand, word_result, double_result;
};
void PrintTo(const Vector& v, std::ostream* out) {
  *out << v.name;
}

class Amo : public testing::TestWithParam<Vector> {};

TEST_P(Amo, ReturnsTheOldValueAndStoresTheNew) {
  const Vector& v = GetParam();
  Bench bench;
  bench.set_x(kA1, kData);
  bench.set_x(kA2, v.operand);
  bench.memory->write(kData, v.memory);
  bench.run({amo(v.f5, kDoubleWidth, kA0, kA1, kA2)});
  EXPECT_EQ(bench.x(kA0), v.memory);
  EXPECT_EQ(bench.memory->read(kData), v.double_result);
  bench.memory->write(kData, v.memory);
  bench.run({amo(v.f5, kWordWidth, kA0, kA1, kA2)});
  EXPECT_EQ(bench.x(kA0), static_cast<std::uint64_t>(
                              static_cast<std::int64_t>(static_cast<std::int32_t>(v.memory))));
  EXPECT_EQ(bench.memory->read(kData), v.word_result);
}

constexpr std::uint64_t kOld = 0x0000'0001'8000'0000;
INSTANTIATE_TEST_SUITE_P(
    All, Amo,
    testing::Values(Vector{"swap", 1, kOld, 5, 0x1'0000'0005, 5},
                    Vector{"add", 0, kOld, 0x8000'0000, 0x1'0000'0000, 0x2'0000'0000},
                    Vector{"xor", 4, kOld, 0x8000'0001, 0x1'0000'0001, 0x1'0000'0001},
                    Vector{"and", 12, kOld, 0xf'ffff'ffff, kOld, kOld},
                    Vector{"or", 8, kOld, 1, kOld + 1, kOld + 1},
                    Vector{"min", 16, kOld, 1, kOld, 1},
                    Vector{"max", 20, kOld, 1, 0x1'0000'0001, kOld},
                    Vector{"minu", 24, kOld, 1, 0x1'0000'0001, 1},
                    Vector{"maxu", 28, kOld, 1, kOld, kOld}));

TEST(Reservations, LetOneStoreThrough) {
  Bench bench;
  bench.set_x(kA1, kData);
  bench.set_x(kA2, 9);
  bench.memory->write(kData, std::uint64_t{0xffff'ffff'8000'0000});
  bench.run(
      {lr(kWordWidth, kA0, kA1), sc(kWordWidth, kA3, kA1, kA2), sc(kWordWidth, kA4, kA1, kA2)});
  EXPECT_EQ(bench.x(kA0), 0xffff'ffff'8000'0000u);
  EXPECT_EQ(bench.x(kA3), 0u);
  EXPECT_EQ(bench.x(kA4), 1u);
  EXPECT_EQ(bench.memory->read(kData), 0xffff'ffff'0000'0009u);
}

TEST(Reservations, AreSpentByTheFirstStoreThoughMemoryLooksTheSame) {
  Bench bench;
  bench.set_x(kA1, kData);
  bench.run(
      {lr(kWordWidth, kA0, kA1), sc(kWordWidth, kA3, kA1, kA0), sc(kWordWidth, kA4, kA1, kA0)});
  EXPECT_EQ(bench.x(kA3), 0u);
  EXPECT_EQ(bench.x(kA4), 1u);
}

TEST(Reservations, AreForOneAddressAndWidth) {
  Bench bench;
  bench.set_x(kA1, kData);
  bench.set_x(kA2, kData + 8);
  bench.run({lr(kDoubleWidth, kA0, kA1), sc(kDoubleWidth, kA3, kA2, kA1),
             lr(kDoubleWidth, kA0, kA1), sc(kWordWidth, kA4, kA1, kA1)});
  EXPECT_EQ(bench.x(kA3), 1u);
  EXPECT_EQ(bench.x(kA4), 1u);
  EXPECT_EQ(bench.memory->read(kData), 0u);
}

TEST(Reservations, AreLostToAStoreOfAnotherHart) {
  Bench first;
  Bench second{first.memory, {.hart_id = 1}};
  first.set_x(kA1, kData);
  first.set_x(kA2, 5);
  first.run({lr(kDoubleWidth, kA0, kA1)});
  second.set_x(kA1, kData);
  second.set_x(kA2, 7);
  second.run({sd(kA2, kA1)});
  first.run({sc(kDoubleWidth, kA0, kA1, kA2)});
  EXPECT_EQ(first.x(kA0), 1u);
  EXPECT_EQ(first.memory->read(kData), 7u);
}

TEST(Reservations, AreLostToATrap) {
  Bench bench;
  bench.set_x(kA1, kData);
  bench.memory->write_code(kHandler, {sc(kDoubleWidth, kA0, kA1, kA1), wfi()});
  bench.run({lr(kDoubleWidth, kA0, kA1), ecall()});
  EXPECT_EQ(bench.x(kA0), 1u);
}

TEST(Atomics, MustBeAligned) {
  struct Case {
    Word instruction;
    Cause cause;
  };
  const Case cases[] = {{lr(kWordWidth, kA0, kA1), Cause::kLoadMisaligned},
                        {sc(kWordWidth, kA0, kA1, kA2), Cause::kStoreMisaligned},
                        {amo(0, kDoubleWidth, kA0, kA1, kA2), Cause::kStoreMisaligned}};
  for (const Case& c : cases) {
    Bench bench;
    bench.set_x(kA1, kData + 2);
    bench.run({c.instruction});
    EXPECT_TRUE(bench.trapped());
    EXPECT_EQ(bench.cause(), c.cause);
    EXPECT_EQ(bench.csr_value(csr::kMtval), kData + 2);
  }
}

TEST(Atomics, OfTwoHartsLoseNothing) {
  constexpr std::uint64_t kRounds = 20'000;
  auto memory = std::make_shared<Memory>();
  // a2 rounds of: amoadd at a1; then lr/sc increment at a1 + 8, repeated until it succeeds.
  memory->write_code(
      kProgram, {li(kA3, 1), amo(0, kDoubleWidth, kZero, kA1, kA3), addi(kA4, kA1, 8),
                 lr(kDoubleWidth, kA0, kA4), addi(kA0, kA0, 1), sc(kDoubleWidth, kA5, kA4, kA0),
                 bne(kA5, kZero, -12), addi(kA2, kA2, -1), bne(kA2, kZero, -28), wfi()});
  Bench first{memory, {.hart_id = 0}}, second{memory, {.hart_id = 1}};
  const auto count = [](Bench& bench) {
    bench.set_x(kA1, kData);
    bench.set_x(kA2, kRounds);
    bench.hart.set_pc(kProgram);
    while (bench.hart.run(1000) == Stop::kBudget) {
    }
  };
  std::thread other{[&] { count(second); }};
  count(first);
  other.join();
  EXPECT_EQ(memory->read(kData), 2 * kRounds);
  EXPECT_EQ(memory->read(kData + 8), 2 * kRounds);
}

}  // namespace
}  // namespace holdfast::test::riscv
