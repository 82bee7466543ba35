// SPDX-License-Identifier: Apache-2.0
// A: results, alignment, reservations, and two harts at once.
#include <gtest/gtest.h>

#include <thread>

#include "bench.hpp"
#include "tests/support/schedule.hpp"

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

class Amo : public ::testing::TestWithParam<Vector> {};

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

// Privileged manual, on mcause: LR raises the exceptions of loads, SC and AMOs those of stores,
// also if it is the load in them that cannot be.
TEST_P(Amo, RaisesAStoresFaultWhereNothingIs) {
  for (const Word width : {kWordWidth, kDoubleWidth}) {
    Bench bench;
    bench.set_x(kA0, 7);
    bench.set_x(kA1, 0x4000'0008);
    bench.run({nop(), amo(GetParam().f5, width, kA0, kA1, kA2)});
    EXPECT_TRUE(bench.trapped());
    EXPECT_EQ(bench.cause(), Cause::kStoreAccess);
    EXPECT_EQ(bench.csr_value(csr::kMtval), 0x4000'0008u);
    EXPECT_EQ(bench.csr_value(csr::kMepc), kProgram + 4);
    EXPECT_EQ(bench.x(kA0), 7u);
  }
}

TEST_P(Amo, RaisesAStoresFaultWhicheverHalfADeviceRefuses) {
  for (const bool loads : {false, true}) {
    unsigned stores = 0;
    Bench bench;
    const Device device{*bench.memory, 0x1000'0000,
                        [&](std::uint64_t, unsigned, std::uint64_t& value) {
                          value = 40;
                          return loads ? memory::MemTxResult::kOk : memory::MemTxResult::kError;
                        },
                        [&](std::uint64_t, unsigned, std::uint64_t) {
                          ++stores;
                          return memory::MemTxResult::kError;
                        }};
    bench.set_x(kA0, 7);
    bench.set_x(kA1, 0x1000'0010);
    bench.run({amo(GetParam().f5, kWordWidth, kA0, kA1, kA2)});
    EXPECT_TRUE(bench.trapped()) << loads;
    EXPECT_EQ(bench.cause(), Cause::kStoreAccess) << loads;
    EXPECT_EQ(bench.csr_value(csr::kMtval), 0x1000'0010u);
    EXPECT_EQ(bench.x(kA0), 7u);
    EXPECT_EQ(stores, loads ? 1u : 0u);
  }
}

constexpr std::uint64_t kOld = 0x0000'0001'8000'0000;
INSTANTIATE_TEST_SUITE_P(
    All, Amo,
    ::testing::Values(Vector{"swap", 1, kOld, 5, 0x1'0000'0005, 5},
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

/// Two harts on one memory, each with a place for its program.
struct Pair {
  Bench first;
  Bench second{first.memory, {.hart_id = 1}};
  Pair() {
    for (Bench* bench : {&first, &second}) bench->set_x(kA1, kData);
    first.memory->write(kData, std::uint64_t{5});
    second.run({sd(kZero, kA1, 0x100)});  // the page is in its translation cache from here on
  }
  void reserve() {
    first.run({lr(kDoubleWidth, kA0, kA1)});
    first.set_x(kA2, 9);
  }
  /// What SC leaves in its register: 0 if it has stored.
  std::uint64_t store_conditionally() {
    first.run({sc(kDoubleWidth, kA0, kA1, kA2)});
    return first.x(kA0);
  }
  static void load(Bench& bench, std::uint64_t at, std::initializer_list<Word> words) {
    bench.memory->write_code(at, words);
    bench.hart.set_pc(at);
  }
};

// SPEC: volume I, 8.2 and the atomicity axiom of RVWMO: no store of another hart comes between, not
// even one that leaves memory as it was.
TEST(Reservations, AreLostThoughAnotherHartPutsTheValueBack) {
  struct Case {
    const char* name;
    std::initializer_list<Word> program;
  };
  const Case cases[] = {
      {"stores", {sd(kZero, kA1), sd(kA2, kA1)}},
      {"a store that changes nothing", {sd(kA2, kA1)}},
      {"bytes", {sb(kZero, kA1), sb(kA2, kA1)}},
      {"misaligned", {sw(kZero, kA1, -2), sd(kA2, kA1)}},
      {"atomics", {amo(1, kDoubleWidth, kA3, kA1, kZero), amo(1, kDoubleWidth, kA3, kA1, kA2)}},
      {"an atomic that changes nothing", {amo(8, kDoubleWidth, kA3, kA1, kZero)}},
      {"conditional stores", {lr(kDoubleWidth, kA3, kA1), sc(kDoubleWidth, kA4, kA1, kA3)}},
      {"a cleared block and a store", {cbo_zero(kA1), sd(kA2, kA1)}},
      {"a neighbour in the line", {sb(kZero, kA1, 63)}}};
  for (const Case& c : cases) {
    Pair harts;
    harts.reserve();
    harts.second.set_x(kA2, 5);
    harts.second.run(c.program);
    EXPECT_EQ(harts.first.memory->read(kData), 5u) << c.name;
    EXPECT_EQ(harts.store_conditionally(), 1u) << c.name;
    EXPECT_EQ(harts.first.memory->read(kData), 5u) << c.name;
  }
}

TEST(Reservations, AreLostToADeviceThatPutsTheValueBack) {
  Pair harts;
  harts.reserve();
  memory::Port dma{harts.first.memory->space};
  for (const std::uint64_t value : {0u, 5u}) EXPECT_EQ(dma.store(kData, 8, value, {}), memory::MemTxResult::kOk);
  EXPECT_EQ(harts.store_conditionally(), 1u);
}

TEST(Reservations, SurviveWhatConcernsOtherLines) {
  Pair harts;
  harts.reserve();
  harts.second.run({sd(kZero, kA1, -8), sd(kZero, kA1, 64), ld(kA0, kA1)});
  EXPECT_EQ(harts.store_conditionally(), 0u);
  EXPECT_EQ(harts.first.memory->read(kData), 9u);
}

TEST(Reservations, SurviveTheHartsOwnStoresBesideThem) {
  Pair harts;
  harts.first.set_x(kA2, 9);
  harts.first.run({lr(kDoubleWidth, kA0, kA1), sd(kA2, kA1, 8), amo(0, kDoubleWidth, kA3, kA1, kZero),
                   sc(kDoubleWidth, kA0, kA1, kA2)});
  EXPECT_EQ(harts.first.x(kA0), 0u);
}

TEST(Reservations, OfAPlaceThatShowsOtherMemoryAreLost) {
  Pair harts;
  auto block = harts.first.memory->block(0x1000);
  auto region = memory::MemoryRegion::ram(harts.first.memory->fabric,
                                          {.name = "page", .size = 0x1000}, block);
  block->host()[0] = std::byte{5};
  harts.reserve();
  harts.first.memory->place(kData, region);
  EXPECT_EQ(harts.store_conditionally(), 1u);
  EXPECT_EQ(block->host()[0], std::byte{5});
  region = {};
  block->close();
}

TEST(Reservations, AreUsedInOneStepWithRegardToStores) {
  testing::Schedule schedule;
  Pair harts;
  harts.reserve();
  harts.second.set_x(kA2, 7);
  Pair::load(harts.first, kProgram, {sc(kDoubleWidth, kA0, kA1, kA2), wfi()});
  Pair::load(harts.second, kProgram + 0x400, {sd(kA2, kA1), wfi()});
  auto& taken = schedule.stop_at("memory.marks.version_taken", "conditional");
  auto& awaited = schedule.stop_at("memory.marks.version_awaited", "other");
  testing::Thread conditional{"conditional", [&] { harts.first.go(); }};
  taken.wait_reached();
  testing::Thread other{"other", [&] { harts.second.go(); }};
  awaited.wait_reached();
  EXPECT_EQ(harts.first.memory->read(kData), 5u);
  taken.release();
  conditional.join();
  awaited.release();
  other.join();
  EXPECT_EQ(harts.first.x(kA0), 0u);
  EXPECT_EQ(harts.first.memory->read(kData), 7u);
}

TEST(Reservations, AreRefusedWhileAnotherHartStores) {
  testing::Schedule schedule;
  Pair harts;
  harts.reserve();
  harts.second.set_x(kA2, 5);
  Pair::load(harts.second, kProgram + 0x400, {sd(kA2, kA1), wfi()});
  auto& storing = schedule.stop_at("memory.marks.before_store", "other");
  testing::Thread other{"other", [&] { harts.second.go(); }};
  storing.wait_reached();
  EXPECT_EQ(harts.store_conditionally(), 1u);
  storing.release();
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

TEST(Atomics, LoadReservedRaisesALoadsFaultWhereNothingIs) {
  for (const Word width : {kWordWidth, kDoubleWidth}) {
    Bench bench;
    bench.set_x(kA1, 0x4000'0008);
    bench.run({lr(width, kA0, kA1)});
    EXPECT_EQ(bench.cause(), Cause::kLoadAccess);
    EXPECT_EQ(bench.csr_value(csr::kMtval), 0x4000'0008u);
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
