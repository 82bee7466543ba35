// SPDX-License-Identifier: Apache-2.0
// Which registers there are, as the hart's configuration has it, and what they keep.
// SPEC: volume II, chapters 3 and 4; the section is named where a rule is less than obvious.
#include <gtest/gtest.h>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

using cpu::riscv::kDefaultIsa;
using cpu::riscv::Paging;

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

/// Whether a CSR instruction in that mode reaches the register.
bool reaches(Bench& bench, Word number, Privilege privilege = Privilege::kMachine) {
  bench.hart.set_csr(csr::kMcause, 0);
  bench.hart.set_csr(csr::kMtval, 0);
  bench.hart.set_privilege(privilege);
  bench.run({csrr(kA0, number)});
  return bench.csr_value(csr::kMtval) != csrr(kA0, number);
}

TEST(EventCounters, AreAllThereAndAsManyAsConfiguredKeepWhatIsWritten) {
  Bench bench{{.event_counters = 4}};
  for (Word index = 3; index < 32; ++index) {
    for (const Word number : {0xb00 + index, 0x320 + index}) {
      EXPECT_TRUE(reaches(bench, number)) << index;
      EXPECT_FALSE(reaches(bench, number, Privilege::kSupervisor)) << index;
      bench.hart.set_csr(number, kOnes);
      EXPECT_EQ(bench.csr_value(number), index < 7 ? kOnes : 0) << index;  // 3.1.10
      bench.hart.set_csr(number, 0);
    }
    EXPECT_TRUE(reaches(bench, 0xc00 + index)) << index;
  }
  // Firmware counts them by writing and reading back. They count no events.
  bench.set_x(kA1, 5);
  bench.run({csrw(0xb06, kA1), nop(), csrr(kA0, 0xb06), csrr(kA2, 0xc06), csrr(kA3, 0xb05)});
  EXPECT_EQ(bench.x(kA0), 5u);
  EXPECT_EQ(bench.x(kA2), 5u);
  EXPECT_EQ(bench.x(kA3), 0u);
}

TEST(EventCounters, CanBeInhibitedWhereTheyExist) {
  Bench bench{{.event_counters = 2}};
  bench.hart.set_csr(csr::kMcountinhibit, kOnes);
  EXPECT_EQ(bench.csr_value(csr::kMcountinhibit), 0b11101u);  // 3.1.12: the second bit is zero
}

TEST(Counters, AreSeenBelowMachineModeAsEnabledForEachMode) {
  Bench bench;
  for (const Word number : {csr::kCycle, csr::kTime, csr::kInstret, Word{0xc03}, Word{0xc1f}}) {
    bench.hart.set_csr(csr::kMcounteren, 0);
    bench.hart.set_csr(csr::kScounteren, kOnes);
    EXPECT_FALSE(reaches(bench, number, Privilege::kSupervisor));
    EXPECT_FALSE(reaches(bench, number, Privilege::kUser));
    bench.hart.set_csr(csr::kMcounteren, 1u << (number & 31));
    EXPECT_TRUE(reaches(bench, number, Privilege::kSupervisor));
    EXPECT_TRUE(reaches(bench, number, Privilege::kUser));
    bench.hart.set_csr(csr::kScounteren, 0);
    EXPECT_TRUE(reaches(bench, number, Privilege::kSupervisor));
    EXPECT_FALSE(reaches(bench, number, Privilege::kUser));
  }
}

TEST(Counters, AreGoneWithTheirExtensions) {
  Bench without_base{{.isa = kDefaultIsa.without(Extension::kZicntr)}};
  EXPECT_FALSE(reaches(without_base, csr::kTime));
  EXPECT_TRUE(reaches(without_base, 0xc03));
  EXPECT_TRUE(reaches(without_base, csr::kMcycle));
  Bench without_events{{.isa = kDefaultIsa.without(Extension::kZihpm)}};
  EXPECT_TRUE(reaches(without_events, csr::kTime));
  EXPECT_FALSE(reaches(without_events, 0xc03));
  EXPECT_TRUE(reaches(without_events, 0xb03));
}

// SPEC: 3.1.14, 4.1.7.
TEST(ReturnAddress, IsWhereAnInstructionCanBegin) {
  Bench compressed;
  Bench aligned{{.isa = kDefaultIsa.without(Extension::kC)}};
  for (const Word number : {csr::kMepc, csr::kSepc}) {
    compressed.hart.set_csr(number, kData + 7);
    EXPECT_EQ(compressed.csr_value(number), kData + 6);
    aligned.hart.set_csr(number, kData + 7);
    EXPECT_EQ(aligned.csr_value(number), kData + 4);
  }
}

TEST(ReturnAddress, WithoutCompressedInstructionsIsRoundedForTheReturn) {
  for (const auto& [number, leave] : {std::pair{csr::kMepc, mret()}, {csr::kSepc, sret()}}) {
    Bench bench{{.isa = kDefaultIsa.without(Extension::kC)}};
    bench.hart.set_csr(csr::kMstatus, 3u << 11 | 1u << 8);  // back to M, or to S
    bench.memory->write_code(kData, {addi(kA0, kZero, 5), wfi()});
    bench.set_x(kA1, kData + 2);
    bench.run({csrw(number, kA1), leave});
    EXPECT_EQ(bench.x(kA0), 5u);
    EXPECT_EQ(bench.hart.pc(), kData + 8);
  }
}

TEST(Satp, TakesTheModesThereAreAndIgnoresOtherWrites) {
  constexpr std::pair<Paging, std::uint64_t> kWidest[] = {
      {Paging::kNone, 0}, {Paging::kSv39, 8}, {Paging::kSv48, 9}, {Paging::kSv57, 10}};
  for (const auto& [paging, most] : kWidest) {
    Bench bench{{.paging = paging}};
    for (std::uint64_t mode = 1; mode < 16; ++mode) {
      bench.hart.set_csr(csr::kSatp, 0);
      bench.hart.set_csr(csr::kSatp, mode << 60 | 0x123);
      const bool there = mode >= 8 && mode <= most;
      EXPECT_EQ(bench.csr_value(csr::kSatp), there ? mode << 60 | 0x123 : 0) << mode;
    }
  }
}

TEST(Pmp, IsGoneIfNotConfiguredAndThenEverythingIsAllowed) {
  Bench bench{{.isa = kDefaultIsa.without(Extension::kPmp)}};
  EXPECT_FALSE(reaches(bench, csr::kPmpcfg0));
  EXPECT_FALSE(reaches(bench, csr::kPmpaddr0 + 15));
  bench.hart.set_csr(csr::kPmpcfg0, 0);  // what the bench opened
  bench.set_x(kA1, kData);
  bench.memory->write(kData, std::uint64_t{7});
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.run({ld(kA0, kA1)});
  EXPECT_EQ(bench.x(kA0), 7u);
}

TEST(Triggers, ReadAsNone) {
  // SPEC: RISC-V Debug 0.13, 5.1: a debugger writes tselect and reads it and tdata1 back.
  Bench bench;
  bench.set_x(kA1, 1);
  bench.run({csrw(0x7a0, kA1), csrr(kA0, 0x7a0), csrr(kA2, 0x7a1)});
  EXPECT_EQ(bench.x(kA0), 0u);
  EXPECT_EQ(bench.x(kA2), 0u);  // type 0: there is no trigger of that number
  EXPECT_FALSE(reaches(bench, 0x7a4));
}

TEST(Identity, IsAsConfigured) {
  Bench bench{{.hart_id = 3, .vendor_id = 5, .architecture_id = 6, .implementation_id = 7}};
  EXPECT_EQ(bench.csr_value(0xf11), 5u);
  EXPECT_EQ(bench.csr_value(0xf12), 6u);
  EXPECT_EQ(bench.csr_value(0xf13), 7u);
  EXPECT_EQ(bench.csr_value(csr::kMhartid), 3u);
}

TEST(Status, KeepsItsWritableFieldsAndNoOthers) {
  Bench bench;
  bench.hart.set_csr(csr::kMstatus, kOnes);
  // MIE, SIE, MPIE, SPIE, SPP, MPP, FS, MPRV, SUM, MXR, TVM, TW, TSR; UXL and SXL are 64 bits; SD.
  EXPECT_EQ(bench.csr_value(csr::kMstatus), 0x8000'000a'007e'79aau);
  bench.hart.set_csr(csr::kMstatus, 0);
  EXPECT_EQ(bench.csr_value(csr::kMstatus), 0x0000'000a'0000'0000u);
  bench.hart.set_csr(csr::kMstatus, 3u << 13 | 2u << 11);  // MPP: there is no mode 2
  EXPECT_EQ(bench.csr_value(csr::kMstatus) & 0x7800, 0x6000u);
  EXPECT_EQ(bench.csr_value(csr::kSstatus), 0x8000'0002'0000'6000u);
  Bench integer{{.isa = kDefaultIsa.without(Extension::kD).without(Extension::kF)}};
  integer.hart.set_csr(csr::kMstatus, kOnes);
  EXPECT_EQ(integer.csr_value(csr::kMstatus), 0x0000'000a'007e'19aau);  // 3.1.6.6: no state, no FS
}

TEST(Environment, KeepsWhatTheExtensionsNeed) {
  Bench bench;
  bench.hart.set_csr(csr::kMenvcfg, kOnes);
  EXPECT_EQ(bench.csr_value(csr::kMenvcfg), 0xa000'0000'0000'00f1u);  // STCE, ADUE, CB…, FIOM
  bench.hart.set_csr(csr::kSenvcfg, kOnes);
  EXPECT_EQ(bench.csr_value(csr::kSenvcfg), 0xf1u);
  Bench bare{{.isa = kDefaultIsa.without(Extension::kSstc).without(Extension::kSvadu)}};
  bare.hart.set_csr(csr::kMenvcfg, kOnes);
  EXPECT_EQ(bare.csr_value(csr::kMenvcfg), 0xf1u);
}

}  // namespace
}  // namespace holdfast::test::riscv
