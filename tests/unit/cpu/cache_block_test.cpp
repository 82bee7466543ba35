// SPDX-License-Identifier: Apache-2.0
// Zicbom and Zicboz, by vectors made from the specification.
// SPEC: RISC-V Base Cache Management Operation ISA Extensions 1.0.1; the section is named at each.
#include <gtest/gtest.h>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

constexpr std::uint64_t kOnes = ~std::uint64_t{0};
constexpr std::uint64_t kInvalidate = 3u << 4, kInvalidateByFlush = 1u << 4, kClean = 1u << 6,
                        kZeroing = 1u << 7;

struct Blocks : Bench {
  explicit Blocks(HartConfig config = {}) : Bench{config} {
    for (std::uint64_t at = kData - 128; at < kData + 256; at += 8) memory->write(at, kOnes);
    set_x(kA1, kData);
  }
  /// The addresses between kData - 128 and kData + 256 that were cleared: the first and their number.
  std::pair<std::uint64_t, std::uint64_t> cleared() {
    std::uint64_t first = 0, count = 0;
    for (std::uint64_t at = kData + 256; at-- > kData - 128;) {
      if (memory->read<std::uint8_t>(at) != 0) continue;
      first = at;
      ++count;
    }
    return {first, count};
  }
  bool permitted(Privilege privilege, Word instruction) {
    hart.set_csr(csr::kMcause, 0);
    hart.set_privilege(privilege);
    run({instruction});
    // In U-mode the WFI behind it is illegal, so that both ways end in the handler.
    const bool refused = csr_value(csr::kMcause) == 2 && csr_value(csr::kMtval) == instruction;
    return !refused;
  }
};

// Section 2.1: a block is naturally aligned, and named by any address in it. Section 2.5.1.
TEST(CacheBlocks, ZeroClearsTheBlockAnAddressIsInAndNoMore) {
  for (const std::uint64_t offset : {0u, 1u, 63u}) {
    Blocks bench;
    bench.set_x(kA1, kData + offset);
    bench.run({cbo_zero(kA1)});
    EXPECT_FALSE(bench.trapped());
    EXPECT_EQ(bench.cleared(), (std::pair{kData, std::uint64_t{64}}));
  }
}

TEST(CacheBlocks, AreAsLargeAsTheHartWasToldTo) {
  Blocks bench{{.zero_block = 128}};
  bench.set_x(kA1, kData + 100);
  bench.run({cbo_zero(kA1)});
  EXPECT_EQ(bench.cleared(), (std::pair{kData, std::uint64_t{128}}));
}

// Section 2.4: management of blocks leaves memory as it is.
TEST(CacheBlocks, ManagementChangesNothing) {
  Blocks bench;
  bench.run({cbo_inval(kA1), cbo_clean(kA1), cbo_flush(kA1)});
  EXPECT_FALSE(bench.trapped());
  EXPECT_EQ(bench.cleared().second, 0u);
}

// Chapter 3, tables of CBIE, CBCFE and CBZE: which modes may execute what.
TEST(CacheBlocks, AreGatedByTheEnvironmentOfEachMode) {
  struct Case {
    std::uint64_t machine, supervisor;
    Word instruction;
    bool in_supervisor, in_user;
  };
  const Case cases[] = {{0, 0, cbo_inval(kA1), false, false},
                        {0, kOnes, cbo_inval(kA1), false, false},
                        {kInvalidate, 0, cbo_inval(kA1), true, false},
                        {kInvalidateByFlush, kInvalidate, cbo_inval(kA1), true, true},
                        {kInvalidate, kInvalidateByFlush, cbo_inval(kA1), true, true},
                        {kInvalidate | kZeroing, kOnes, cbo_clean(kA1), false, false},
                        {kClean, 0, cbo_clean(kA1), true, false},
                        {kClean, kClean, cbo_clean(kA1), true, true},
                        {kInvalidate | kZeroing, kOnes, cbo_flush(kA1), false, false},
                        {kClean, kClean, cbo_flush(kA1), true, true},
                        {kInvalidate | kClean, kOnes, cbo_zero(kA1), false, false},
                        {kZeroing, 0, cbo_zero(kA1), true, false},
                        {kZeroing, kZeroing, cbo_zero(kA1), true, true}};
  for (const Case& c : cases) {
    Blocks bench;
    bench.hart.set_csr(csr::kMenvcfg, c.machine);
    bench.hart.set_csr(csr::kSenvcfg, c.supervisor);
    EXPECT_TRUE(bench.permitted(Privilege::kMachine, c.instruction)) << std::hex << c.instruction;
    EXPECT_EQ(bench.permitted(Privilege::kSupervisor, c.instruction), c.in_supervisor)
        << std::hex << c.instruction << " " << c.machine;
    EXPECT_EQ(bench.permitted(Privilege::kUser, c.instruction), c.in_user)
        << std::hex << c.instruction << " " << c.supervisor;
  }
}

// Chapter 3: CBIE = 2 is reserved; the field keeps a legal value.
TEST(CacheBlocks, AReservedValueIsNotTaken) {
  Blocks bench;
  bench.hart.set_csr(csr::kMenvcfg, kInvalidateByFlush);
  bench.hart.set_csr(csr::kMenvcfg, 2u << 4 | kZeroing);
  EXPECT_EQ(bench.csr_value(csr::kMenvcfg) & 0xff, kInvalidateByFlush | kZeroing);
}

// Section 2.5.2: faults are those of stores, and name the address that was given.
TEST(CacheBlocks, FaultAsStores) {
  Blocks bench;
  bench.set_x(kA1, 0x4000'0014);
  bench.run({cbo_zero(kA1)});
  EXPECT_TRUE(bench.trapped());
  EXPECT_EQ(bench.cause(), Cause::kStoreAccess);
  EXPECT_EQ(bench.csr_value(csr::kMtval), 0x4000'0014u);

  bench.hart.set_csr(csr::kMenvcfg, kOnes);
  bench.hart.set_csr(csr::kPmpcfg0, 0);  // S-mode may touch nothing but …
  bench.hart.set_csr(csr::kPmpaddr0, (kProgram >> 2) | 0x1ff);
  bench.hart.set_csr(csr::kPmpcfg0, 0x1f);  // … the program
  bench.set_x(kA1, kData + 5);
  for (const Word instruction : {cbo_inval(kA1), cbo_clean(kA1), cbo_flush(kA1), cbo_zero(kA1)}) {
    bench.hart.set_privilege(Privilege::kSupervisor);
    bench.run({instruction});
    EXPECT_EQ(bench.cause(), Cause::kStoreAccess) << std::hex << instruction;
    EXPECT_EQ(bench.csr_value(csr::kMtval), kData + 5);
  }
  EXPECT_EQ(bench.cleared().second, 0u);
}

// Section 2.5.2: management needs the right to load or to store, zeroing the right to store.
TEST(CacheBlocks, OnAPageThatIsOnlyReadCanBeCleanedButNotZeroed) {
  Blocks bench;
  constexpr std::uint64_t kVirtual = 0x1000;
  const auto entry = [](std::uint64_t physical, std::uint64_t flags) {
    return physical >> 12 << 10 | flags;
  };
  bench.memory->write(kTables + 2 * 8, entry(kRamBase, 0xcf));
  bench.memory->write(kTables, entry(kTables + 0x1000, 1));
  bench.memory->write(kTables + 0x1000, entry(kTables + 0x2000, 1));
  bench.memory->write(kTables + 0x2008, entry(kData, 0x43));  // valid, read, accessed
  bench.hart.set_csr(csr::kSatp, std::uint64_t{8} << 60 | kTables >> 12);
  bench.hart.set_csr(csr::kMenvcfg, kOnes);
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.set_x(kA1, kVirtual + 9);
  bench.set_x(kA2, kVirtual + 0x1000);
  bench.run({cbo_clean(kA1), cbo_flush(kA1), cbo_inval(kA1), cbo_zero(kA1)});
  EXPECT_TRUE(bench.trapped());
  EXPECT_EQ(bench.cause(), Cause::kStorePage);
  EXPECT_EQ(bench.csr_value(csr::kMepc), kProgram + 12);
  EXPECT_EQ(bench.csr_value(csr::kMtval), kVirtual + 9);
  EXPECT_EQ(bench.memory->read(kTables + 0x2008), entry(kData, 0x43));  // not dirty
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.run({cbo_clean(kA2)});
  EXPECT_EQ(bench.cause(), Cause::kStorePage);
}

TEST(CacheBlocks, AreIllegalWithoutTheirExtensions) {
  const auto isa =
      cpu::riscv::kDefaultIsa.without(Extension::kZicbom).without(Extension::kZicboz);
  for (const Word instruction : {cbo_inval(kA1), cbo_clean(kA1), cbo_flush(kA1), cbo_zero(kA1)}) {
    Blocks bench{{.isa = isa}};
    bench.run({instruction});
    EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
    bench.hart.set_csr(csr::kMenvcfg, kOnes);
    EXPECT_EQ(bench.csr_value(csr::kMenvcfg) & 0xf0, 0u);
  }
}

// Chapter 1: with rd = 0 an ORI is a prefetch, a hint.
TEST(CacheBlocks, PrefetchesAreHints) {
  Blocks bench;
  bench.set_x(kA1, 0x4000'0000);
  bench.run({0x0005e013, 0x0015e013, 0x0035e013});
  EXPECT_FALSE(bench.trapped());
}

}  // namespace
}  // namespace holdfast::test::riscv
