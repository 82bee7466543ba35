// SPDX-License-Identifier: Apache-2.0
// Smaia and Ssaia, without an IMSIC and with one, by vectors made from the specification.
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0; the section is named at each.
#include <gtest/gtest.h>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

using cpu::riscv::kDefaultIsa;

constexpr Word kSiselect = 0x150, kSireg = 0x151, kStopei = 0x15c, kStopi = 0xdb0, kMvien = 0x308,
               kMvip = 0x309, kMiselect = 0x350, kMireg = 0x351, kMtopei = 0x35c, kMtopi = 0xfb0;
constexpr std::uint64_t kSsi = 1u << 1, kMsi = 1u << 3, kSti = 1u << 5, kMti = 1u << 7,
                        kSei = 1u << 9, kMei = 1u << 11;

struct Aia : Bench {
  Aia() : Bench{{.isa = kDefaultIsa.with(Extension::kSmaia).with(Extension::kSsaia)}} {
    hart.set_csr(csr::kMie, 0xaaa);
  }
  void raise(std::uint64_t pins) {
    for (unsigned i = 0; i < 16; ++i)
      if ((pins >> i & 1) != 0) hart.set_interrupt(static_cast<Interrupt>(i), true);
  }
  void prioritize(std::uint64_t select, std::uint64_t value) {
    hart.set_csr(kMiselect, select);
    hart.set_csr(kMireg, value);
  }
  /// The first instruction of the handler, which is a WFI that what is pending would end.
  void take() {
    hart.set_pc(kProgram);
    hart.run(1);
  }
  static constexpr std::uint64_t top(std::uint64_t interrupt, std::uint64_t priority) {
    return interrupt << 16 | priority;
  }
  bool reaches(Word number, Privilege privilege) {
    hart.set_csr(csr::kMtval, 0);
    hart.set_csr(csr::kMie, 0);
    hart.set_privilege(privilege);
    run({csrr(kA0, number)});
    return csr_value(csr::kMtval) != csrr(kA0, number);
  }
};

// 2.1 and 2.2: what there is without an IMSIC, and who may reach it.
TEST(Aia, RegistersAreThoseOfAHartWithoutImsic) {
  Aia bench;
  for (const Word number : {kMvien, kMvip, kMiselect, kMtopi}) {
    EXPECT_TRUE(bench.reaches(number, Privilege::kMachine)) << number;
    EXPECT_FALSE(bench.reaches(number, Privilege::kSupervisor)) << number;
  }
  for (const Word number : {kSiselect, kStopi}) {
    EXPECT_TRUE(bench.reaches(number, Privilege::kSupervisor)) << number;
    EXPECT_FALSE(bench.reaches(number, Privilege::kUser)) << number;
  }
  EXPECT_FALSE(bench.reaches(kMtopei, Privilege::kMachine));
  EXPECT_FALSE(bench.reaches(kStopei, Privilege::kMachine));
}

TEST(Aia, RegistersAreGoneWithTheExtensions) {
  Bench bench;
  for (const Word number : {kMvien, kMvip, kMiselect, kMireg, kMtopi, kSiselect, kSireg, kStopi}) {
    bench.hart.set_privilege(Privilege::kMachine);
    bench.run({csrr(kA0, number)});
    EXPECT_EQ(bench.csr_value(csr::kMtval), csrr(kA0, number));
  }
}

// 2.1: 0x30 to 0x3f are priorities; 5.2.1: with 64 bits odd ones are illegal. Others are reserved.
TEST(Aia, TheWindowShowsPrioritiesAndNothingElse) {
  Aia bench;
  for (const std::uint64_t select : {0x00u, 0x2fu, 0x30u, 0x31u, 0x3eu, 0x3fu, 0x40u, 0x70u, 0xffu}) {
    const bool there = select == 0x30 || select == 0x3e;
    bench.hart.set_csr(kMiselect, select);
    EXPECT_EQ(bench.csr_value(kMiselect), select);
    EXPECT_EQ(bench.reaches(kMireg, Privilege::kMachine), there) << select;
    bench.hart.set_csr(kSiselect, select);
    EXPECT_EQ(bench.reaches(kSireg, Privilege::kSupervisor), there) << select;
  }
}

// 5.2.1 and 5.4.1: no priority for the external interrupt, nor for what cannot be enabled.
TEST(Aia, PrioritiesAreKeptWhereAnInterruptCanBe) {
  Aia bench;
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  bench.prioritize(0x30, kOnes);
  EXPECT_EQ(bench.csr_value(kMireg), 0xff00'ff00'ff00'ff00u);
  bench.prioritize(0x32, kOnes);
  EXPECT_EQ(bench.csr_value(kMireg), 0xff00u);
  bench.prioritize(0x34, kOnes);
  EXPECT_EQ(bench.csr_value(kMireg), 0u);
  bench.hart.set_csr(kSiselect, 0x30);
  bench.hart.set_csr(kSireg, kOnes);
  EXPECT_EQ(bench.csr_value(kSireg), 0u);  // nothing is delegated
  bench.hart.set_csr(csr::kMideleg, kSsi | kSti | kSei);
  bench.hart.set_csr(kSireg, kOnes);
  EXPECT_EQ(bench.csr_value(kSireg), 0xff00'0000'ff00u);
  bench.hart.set_csr(kSiselect, 0x32);
  bench.hart.set_csr(kSireg, kOnes);
  EXPECT_EQ(bench.csr_value(kSireg), 0u);
}

// 5.2.2: zero if nothing is pending and enabled for M-mode; 255 for what is behind all numbers.
TEST(Aia, MtopiNamesTheFirstOfThosePendingForMachineMode) {
  Aia bench;
  EXPECT_EQ(bench.csr_value(kMtopi), 0u);
  bench.raise(kMti | kMsi);
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(3, 255));  // by default before the timer
  bench.raise(kMei);
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(11, 255));
  bench.prioritize(0x30, std::uint64_t{5} << 56);  // the timer
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(7, 5));
  bench.prioritize(0x30, std::uint64_t{5} << 56 | std::uint64_t{5} << 24);
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(3, 5));  // 5.2.1: ties are broken by default
  bench.hart.set_csr(csr::kMie, kMti);
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(7, 5));
}

TEST(Aia, TheTrapIsThatOfTheFirst) {
  Aia bench;
  bench.raise(kMei | kMti);
  bench.prioritize(0x30, std::uint64_t{200} << 56);
  bench.hart.set_csr(csr::kMstatus, 8);
  bench.take();
  EXPECT_EQ(bench.csr_value(csr::kMcause), std::uint64_t{1} << 63 | 7);
}

// 5.4.2.
TEST(Aia, StopiNamesTheFirstOfThosePendingForSupervisorMode) {
  Aia bench;
  bench.hart.set_csr(csr::kMideleg, kSsi | kSti | kSei);
  bench.hart.set_csr(csr::kMip, kSsi | kSti);
  EXPECT_EQ(bench.csr_value(kStopi), Aia::top(1, 255));
  EXPECT_EQ(bench.csr_value(kMtopi), 0u);  // delegated
  bench.hart.set_csr(kSiselect, 0x30);
  bench.hart.set_csr(kSireg, std::uint64_t{9} << 40);
  EXPECT_EQ(bench.csr_value(kStopi), Aia::top(5, 9));
  bench.raise(kSei);
  EXPECT_EQ(bench.csr_value(kStopi), Aia::top(5, 9));
  bench.hart.set_csr(kSireg, 0);
  EXPECT_EQ(bench.csr_value(kStopi), Aia::top(9, 255));
}

// 5.3: mvien takes bits 1 and 9 of those below 13.
TEST(Aia, AliasesInMvipAreThoseOfMip) {
  Aia bench;
  bench.hart.set_csr(kMvien, ~std::uint64_t{0});
  EXPECT_EQ(bench.csr_value(kMvien), kSsi | kSei);
  bench.hart.set_csr(kMvien, 0);
  bench.hart.set_csr(kMvip, ~std::uint64_t{0});
  EXPECT_EQ(bench.csr_value(kMvip), kSsi | kSti | kSei);
  EXPECT_EQ(bench.csr_value(csr::kMip), kSsi | kSti | kSei);
  bench.hart.set_csr(csr::kMip, 0);
  EXPECT_EQ(bench.csr_value(kMvip), 0u);
  bench.hart.set_csr(csr::kMenvcfg, std::uint64_t{1} << 63);  // STIP is stimecmp's
  bench.hart.set_csr(kMvip, ~std::uint64_t{0});
  EXPECT_EQ(bench.csr_value(kMvip), kSsi | kSei);
}

TEST(Aia, WithMvienTheBitsAreOnTheirOwn) {
  Aia bench;
  bench.hart.set_csr(kMvien, kSsi | kSei);
  bench.hart.set_csr(kMvip, kSsi | kSei);
  EXPECT_EQ(bench.csr_value(csr::kMip), 0u);
  EXPECT_EQ(bench.csr_value(csr::kSip), kSsi | kSei);
  bench.hart.set_csr(csr::kMip, kSsi | kSei);  // SEIP is read-only now
  EXPECT_EQ(bench.csr_value(csr::kMip), kSsi);
  bench.hart.set_csr(kMvip, 0);
  EXPECT_EQ(bench.csr_value(csr::kSip), 0u);
  EXPECT_EQ(bench.csr_value(csr::kMip), kSsi);
  bench.hart.set_csr(csr::kSip, kSsi);  // an alias of mvip
  EXPECT_EQ(bench.csr_value(kMvip), kSsi);
}

// 5.3, the table of mideleg and mvien: sie is mie's, or its own, or nothing.
TEST(Aia, SieHasBitsOfItsOwnWhereInterruptsAreFiltered) {
  Aia bench;
  bench.hart.set_csr(csr::kMie, 0);
  bench.hart.set_csr(csr::kSie, kSsi | kSti | kSei);
  EXPECT_EQ(bench.csr_value(csr::kSie), 0u);
  bench.hart.set_csr(kMvien, kSsi | kSei);
  bench.hart.set_csr(csr::kMideleg, kSti | kSei);
  bench.hart.set_csr(csr::kSie, kSsi | kSti | kSei);
  EXPECT_EQ(bench.csr_value(csr::kSie), kSsi | kSti | kSei);
  EXPECT_EQ(bench.csr_value(csr::kMie), kSti | kSei);
}

TEST(Aia, AVirtualInterruptTrapsToSupervisorMode) {
  Aia bench;
  bench.hart.set_csr(csr::kMie, 0);
  bench.hart.set_csr(kMvien, kSei);
  bench.hart.set_csr(kMvip, kSei);
  bench.hart.set_csr(csr::kSie, kSei);
  bench.hart.set_csr(csr::kSstatus, 2);
  EXPECT_EQ(bench.csr_value(kStopi), Aia::top(9, 255));
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.take();
  EXPECT_TRUE(bench.trapped_to_supervisor());
  EXPECT_EQ(bench.csr_value(csr::kScause), std::uint64_t{1} << 63 | 9);
}

// 5.5: an interrupt that is pending at any level ends WFI.
TEST(Aia, AVirtualInterruptEndsWfi) {
  Aia bench;
  bench.hart.set_csr(csr::kMie, 0);
  bench.hart.set_csr(kMvien, kSsi);
  bench.hart.set_csr(csr::kSie, kSsi);
  EXPECT_FALSE(bench.hart.wake_pending());
  bench.hart.set_csr(kMvip, kSsi);
  EXPECT_TRUE(bench.hart.wake_pending());
}

// With an IMSIC -----------------------------------------------------------------------------------

constexpr std::uint64_t kDelivery = 0x70, kThreshold = 0x72, kPending = 0x80, kEnabled = 0xc0;

struct Imsic : Aia {
  Imsic() {
    hart.set_interrupt_files(machine, supervisor);
    hart.set_csr(csr::kMideleg, kSsi | kSti | kSei);
    for (const auto& file : {machine, supervisor}) {
      file->set_delivery(1);
      for (unsigned word = 0; word < 4; ++word)
        file->change(hw::InterruptFile::Bits::kEnabled, word, {.set = ~std::uint64_t{0}});
    }
  }
  /// Which of mireg's or sireg's numbers a hart finds a register at.
  bool is_there(Word select_csr, Word window_csr, std::uint64_t select, Privilege privilege) {
    hart.set_csr(select_csr, select);
    return reaches(window_csr, privilege);
  }

  Ref<hw::InterruptFile> machine = hw::InterruptFile::make(255);
  Ref<hw::InterruptFile> supervisor = hw::InterruptFile::make(255);
};

// 2.1, 2.2 and 3.8: with 64 bits the odd ones are not there.
TEST(Aia, TheWindowShowsTheInterruptFile) {
  Imsic bench;
  for (const std::uint64_t select : {0x30u, 0x70u, 0x72u, 0x80u, 0xbeu, 0xc0u, 0xfeu}) {
    EXPECT_TRUE(bench.is_there(kMiselect, kMireg, select, Privilege::kMachine)) << select;
    EXPECT_TRUE(bench.is_there(kSiselect, kSireg, select, Privilege::kSupervisor)) << select;
    EXPECT_FALSE(bench.is_there(kSiselect, kSireg, select, Privilege::kUser)) << select;
  }
  for (const std::uint64_t select : {0x6fu, 0x71u, 0x73u, 0x7eu, 0x81u, 0xc1u, 0xffu}) {
    EXPECT_FALSE(bench.is_there(kMiselect, kMireg, select, Privilege::kMachine)) << select;
    EXPECT_FALSE(bench.is_there(kSiselect, kSireg, select, Privilege::kSupervisor)) << select;
  }
  EXPECT_TRUE(bench.reaches(kMtopei, Privilege::kMachine));
  EXPECT_FALSE(bench.reaches(kMtopei, Privilege::kSupervisor));
  EXPECT_TRUE(bench.reaches(kStopei, Privilege::kSupervisor));
}

TEST(Aia, RegistersOfTheFileAreReadAndWritten) {
  Imsic bench;
  const auto write = [&](std::uint64_t select, std::uint64_t value) {
    bench.set_x(kA1, value);
    bench.hart.set_privilege(Privilege::kMachine);
    bench.hart.set_csr(csr::kMie, 0);
    bench.hart.set_csr(kMiselect, select);
    bench.run({csrrw(kA0, kMireg, kA1)});
    return bench.x(kA0);
  };
  EXPECT_EQ(write(kDelivery, 0), 1u);
  EXPECT_EQ(bench.machine->delivery(), 0u);
  EXPECT_EQ(write(kThreshold, 0x123), 0u);
  EXPECT_EQ(bench.machine->threshold(), 0x23u);
  EXPECT_EQ(write(kPending + 2, 0xf0), 0u);
  EXPECT_EQ(write(kPending + 2, 0x0f), 0xf0u);
  EXPECT_EQ(bench.machine->bits(hw::InterruptFile::Bits::kPending, 1), 0x0fu);
  EXPECT_EQ(write(kEnabled, 0), ~std::uint64_t{1});
  EXPECT_EQ(write(kEnabled + 8, ~std::uint64_t{0}), 0u);
  EXPECT_EQ(write(kEnabled + 8, 0), 0u) << "identities from 256 on are not there";
  EXPECT_EQ(bench.supervisor->delivery(), 1u) << "a file of its own";
}

TEST(Aia, SettingAndClearingBitsLeavesTheOthers) {
  Imsic bench;
  bench.hart.set_csr(csr::kMie, 0);
  bench.hart.set_csr(kMiselect, kPending);
  bench.machine->set_pending(4);
  bench.set_x(kA1, 0x300);
  bench.run({csrrs(kA0, kMireg, kA1)});
  EXPECT_EQ(bench.x(kA0), 0x10u);
  EXPECT_EQ(bench.csr_value(kMireg), 0x310u);
  bench.set_x(kA1, 0x110);
  bench.run({csrrc(kA0, kMireg, kA1)});
  EXPECT_EQ(bench.x(kA0), 0x310u);
  EXPECT_EQ(bench.csr_value(kMireg), 0x200u);
}

// 3.10: reading shows the first, writing claims it, together they speak of the same one.
TEST(Aia, AMessageIsClaimed) {
  Imsic bench;
  bench.hart.set_csr(csr::kMie, 0);
  EXPECT_EQ(bench.csr_value(kMtopei), 0u);
  for (const std::uint32_t identity : {200u, 3u, 70u}) bench.machine->set_pending(identity);
  bench.run({csrr(kA0, kMtopei)});
  EXPECT_EQ(bench.x(kA0), Aia::top(3, 3));
  bench.run({csrrw(kA0, kMtopei, kZero)});
  EXPECT_EQ(bench.x(kA0), Aia::top(3, 3));
  bench.run({csrrw(kZero, kMtopei, kZero)});
  EXPECT_EQ(bench.csr_value(kMtopei), Aia::top(200, 200));
  bench.machine->set_delivery(0);
  EXPECT_EQ(bench.csr_value(kMtopei), Aia::top(200, 200)) << "delivered or not";
}

TEST(Aia, AMessageInterrupts) {
  Imsic bench;
  bench.machine->set_pending(9);
  EXPECT_EQ(bench.csr_value(csr::kMip), kMei);
  bench.machine->set_delivery(0);
  EXPECT_EQ(bench.csr_value(csr::kMip), 0u);
  bench.supervisor->set_pending(200);
  EXPECT_EQ(bench.csr_value(csr::kMip), kSei);
  EXPECT_EQ(bench.csr_value(csr::kSip), kSei);
  EXPECT_EQ(bench.csr_value(kStopi), Aia::top(9, 200));
  bench.hart.set_csr(csr::kSstatus, 2);
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.take();
  EXPECT_EQ(bench.csr_value(csr::kScause), std::uint64_t{1} << 63 | 9);
}

// 3.9 and 5.2: the identity is the priority, among those of other interrupts.
TEST(Aia, TheIdentityIsThePriority) {
  Imsic bench;
  bench.raise(kMti);
  bench.prioritize(0x30, std::uint64_t{8} << 56);
  bench.machine->set_pending(9);
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(7, 8));
  bench.machine->set_pending(7);
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(11, 7));
  bench.prioritize(0x30, 0);
  bench.machine->claim(7);
  EXPECT_EQ(bench.csr_value(kMtopi), Aia::top(11, 9)) << "what has no number comes behind";
}

TEST(Aia, AMessageEndsWfi) {
  Imsic bench;
  EXPECT_FALSE(bench.hart.wake_pending());
  bench.supervisor->set_pending(1);
  EXPECT_TRUE(bench.hart.wake_pending());
}

// 5.3: with bit 9 of mvien M-mode keeps the file from S-mode.
TEST(Aia, MvienKeepsTheFileFromSupervisorMode) {
  Imsic bench;
  bench.hart.set_csr(kMvien, kSei);
  EXPECT_FALSE(bench.reaches(kStopei, Privilege::kSupervisor));
  EXPECT_FALSE(bench.is_there(kSiselect, kSireg, kDelivery, Privilege::kSupervisor));
  EXPECT_TRUE(bench.is_there(kSiselect, kSireg, 0x30, Privilege::kSupervisor));
  EXPECT_TRUE(bench.reaches(kStopei, Privilege::kMachine));
}

}  // namespace
}  // namespace holdfast::test::riscv
