// SPDX-License-Identifier: Apache-2.0
// CSRs, traps, delegation, interrupts, counters, WFI, PMP.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

constexpr std::uint64_t kMie = 8, kMpie = 0x80, kSie = 2, kSpie = 0x20, kSpp = 0x100;
constexpr std::uint64_t kMppShift = 11;
constexpr std::uint64_t kInterruptFlag = std::uint64_t{1} << 63;

TEST(Reset, StartsInMachineModeWithInterruptsOff) {
  SteppedTime time;
  Memory map;
  memory::Port port{map.space};
  Hart hart{{.hart_id = 3, .reset_vector = 0x1000}, port, time};
  EXPECT_EQ(hart.pc(), 0x1000u);
  EXPECT_EQ(hart.privilege(), Privilege::kMachine);
  EXPECT_EQ(hart.csr(csr::kMstatus).value() & (kMie | 1u << 17), 0u);
  EXPECT_EQ(hart.csr(csr::kMhartid), 3u);
  EXPECT_EQ(hart.csr(csr::kMisa), 0x8000'0000'0014'112du);  // RV64 ACDFIMSU
  EXPECT_FALSE(hart.csr(0x123).has_value());
}

TEST(Csrs, SwapSetAndClear) {
  Bench bench;
  bench.set_x(kA1, 0xff);
  bench.set_x(kA2, 0x0f);
  bench.run({csrrw(kA0, csr::kMscratch, kA1), csrrc(kA3, csr::kMscratch, kA2),
             csrrs(kA4, csr::kMscratch, kA2), csrrwi(kA5, csr::kMscratch, 21)});
  EXPECT_EQ(bench.x(kA0), 0u);
  EXPECT_EQ(bench.x(kA3), 0xffu);
  EXPECT_EQ(bench.x(kA4), 0xf0u);
  EXPECT_EQ(bench.x(kA5), 0xffu);
  EXPECT_EQ(bench.csr_value(csr::kMscratch), 21u);
}

TEST(Csrs, ThatDoNotExistOrAreReadOnlyAreIllegalToUse) {
  for (const Word instruction :
       {csrr(kA0, 0x7ff), csrw(csr::kMhartid, kA0), csrrs(kA0, csr::kMhartid, kA1)}) {
    Bench bench;
    bench.run({instruction});
    EXPECT_TRUE(bench.trapped()) << std::hex << instruction;
    EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
    EXPECT_EQ(bench.csr_value(csr::kMtval), instruction);
  }
  Bench bench;
  bench.run({csrr(kA0, csr::kMhartid)});  // x0 as source: no write
  EXPECT_FALSE(bench.trapped());
}

TEST(Csrs, NeedTheirPrivilege) {
  struct Case {
    Privilege from;
    Word instruction;
    bool allowed;
  };
  const Case cases[] = {
      {Privilege::kSupervisor, csrr(kA0, csr::kMstatus), false},
      {Privilege::kSupervisor, csrr(kA0, csr::kSstatus), true},
      {Privilege::kUser, csrr(kA0, csr::kSstatus), false},
      {Privilege::kUser, csrr(kA0, csr::kCycle), false},  // mcounteren is clear
      {Privilege::kSupervisor, mret(), false},
      {Privilege::kUser, sret(), false},
      {Privilege::kUser, sfence_vma(), false},
      {Privilege::kUser, wfi(), false},
  };
  for (const Case& c : cases) {
    Bench bench;
    bench.hart.set_privilege(c.from);
    bench.run({c.instruction});
    EXPECT_EQ(bench.trapped(), !c.allowed) << std::hex << c.instruction;
  }
}

TEST(Csrs, MstatusKeepsOnlyWhatExists) {
  Bench bench;
  bench.hart.set_csr(csr::kMstatus, ~std::uint64_t{0});
  // SD, SXL = UXL = 2, TSR TW TVM MXR SUM MPRV, FS, MPP, SPP MPIE SPIE MIE SIE.
  EXPECT_EQ(bench.csr_value(csr::kMstatus), 0x8000'000a'007e'79aau);
  bench.hart.set_csr(csr::kMstatus, 2u << kMppShift);  // no such mode: MPP stays
  EXPECT_EQ(bench.csr_value(csr::kMstatus) >> kMppShift & 3, 3u);
}

TEST(Csrs, SatpIgnoresModesThatDoNotExist) {
  Bench bench;
  bench.hart.set_csr(csr::kSatp, std::uint64_t{8} << 60 | 0x1234);
  bench.hart.set_csr(csr::kSatp, std::uint64_t{7} << 60 | 0x9999);
  EXPECT_EQ(bench.csr_value(csr::kSatp), std::uint64_t{8} << 60 | 0x1234);
}

TEST(Traps, TvmTwAndTsrTrapWhatSupervisorsDo) {
  const std::pair<unsigned, Word> cases[] = {
      {20, sfence_vma()}, {20, csrr(kA0, csr::kSatp)}, {21, wfi()}, {22, sret()}};
  for (const auto& [bit, instruction] : cases) {
    Bench bench;
    bench.hart.set_csr(csr::kMstatus, std::uint64_t{1} << bit);
    bench.hart.set_privilege(Privilege::kSupervisor);
    bench.run({instruction});
    EXPECT_TRUE(bench.trapped()) << bit;
    EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction) << bit;
  }
}

TEST(Traps, EcallNamesTheModeItCameFrom) {
  const std::pair<Privilege, Cause> cases[] = {
      {Privilege::kUser, Cause::kEcallFromUser},
      {Privilege::kSupervisor, Cause::kEcallFromSupervisor},
      {Privilege::kMachine, Cause::kEcallFromMachine}};
  for (const auto& [privilege, cause] : cases) {
    Bench bench;
    bench.hart.set_privilege(privilege);
    bench.run({nop(), ecall()});
    EXPECT_TRUE(bench.trapped());
    EXPECT_EQ(bench.cause(), cause);
    EXPECT_EQ(bench.csr_value(csr::kMepc), kProgram + 4);
    EXPECT_EQ(bench.csr_value(csr::kMtval), 0u);
    EXPECT_EQ(bench.csr_value(csr::kMstatus) >> kMppShift & 3, static_cast<unsigned>(privilege));
  }
}

TEST(Traps, StackTheInterruptEnableAndMretRestoresIt) {
  Bench bench;
  bench.hart.set_csr(csr::kMstatus, kMie);
  bench.run({ecall()});
  EXPECT_EQ(bench.csr_value(csr::kMstatus) & (kMie | kMpie), kMpie);
  bench.hart.set_csr(csr::kMepc, kProgram + 8);
  bench.memory->write_code(kProgram, {nop(), nop(), csrr(kA0, csr::kMstatus), wfi()});
  bench.memory->write_code(kHandler, {mret()});
  bench.hart.set_pc(kHandler);
  bench.go();
  EXPECT_EQ(bench.x(kA0) & (kMie | kMpie), kMie | kMpie);
  EXPECT_EQ(bench.x(kA0) >> kMppShift & 3, 0u);  // the least privileged mode
}

TEST(Traps, AreDelegatedFromBelowMachineModeOnly) {
  Bench bench;
  bench.hart.set_csr(csr::kMedeleg, 1u << 3 | 1u << 8);
  bench.hart.set_csr(csr::kSstatus, kSie);
  bench.hart.set_privilege(Privilege::kUser);
  bench.run({ecall()});
  EXPECT_TRUE(bench.trapped_to_supervisor());
  EXPECT_EQ(bench.hart.privilege(), Privilege::kSupervisor);
  EXPECT_EQ(bench.csr_value(csr::kScause), 8u);
  EXPECT_EQ(bench.csr_value(csr::kSepc), kProgram);
  EXPECT_EQ(bench.csr_value(csr::kSstatus) & (kSie | kSpie | kSpp), kSpie);

  bench.hart.set_privilege(Privilege::kMachine);
  bench.run({ebreak()});
  EXPECT_TRUE(bench.trapped());
  EXPECT_EQ(bench.cause(), Cause::kBreakpoint);
}

TEST(Traps, SretGoesBackToUserMode) {
  Bench bench;
  bench.hart.set_csr(csr::kSepc, kProgram + 12);
  bench.hart.set_csr(csr::kSstatus, kSpie);
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.run({sret(), nop(), nop(), ecall()});
  EXPECT_EQ(bench.cause(), Cause::kEcallFromUser);
  EXPECT_EQ(bench.csr_value(csr::kSstatus) & kSie, kSie);
}

TEST(Traps, MretToALowerModeClearsMprv) {
  Bench bench;
  bench.hart.set_csr(csr::kMstatus, 1u << 17 | 1u << kMppShift);
  bench.hart.set_csr(csr::kMepc, kProgram + 4);
  bench.run({mret(), ecall()});
  EXPECT_EQ(bench.cause(), Cause::kEcallFromSupervisor);
  EXPECT_EQ(bench.csr_value(csr::kMstatus) & 1u << 17, 0u);
}

TEST(Traps, IllegalInstructionsReportTheirBits) {
  Bench bench;
  bench.run({0xffffffff});
  EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
  EXPECT_EQ(bench.csr_value(csr::kMtval), 0xffff'ffffu);
  bench.run({0x00000000});
  EXPECT_EQ(bench.csr_value(csr::kMtval), 0u);
}

TEST(Traps, AHandlerWhoseFirstInstructionTrapsStillEndsTheSlice) {
  Bench bench;
  bench.hart.set_csr(csr::kMtvec, kProgram);
  bench.memory->write_code(kProgram, {ecall()});
  bench.hart.set_pc(kProgram);
  EXPECT_EQ(bench.go(1000), Stop::kBudget);
  EXPECT_EQ(bench.hart.pc(), kProgram);
  EXPECT_EQ(bench.hart.retired(), 0u);
}

TEST(Traps, AHandlerThatCannotBeFetchedStillEndsTheSlice) {
  Bench bench;
  bench.hart.set_csr(csr::kMtvec, 0x100);
  bench.memory->write_code(kProgram, {ecall()});
  bench.hart.set_pc(kProgram);
  EXPECT_EQ(bench.go(1000), Stop::kBudget);
  EXPECT_EQ(bench.cause(), Cause::kInstructionAccess);
}

// Interrupts --------------------------------------------------------------------------------------

TEST(Interrupts, AreTakenWhenEnabledInOrderOfPriority) {
  const Interrupt order[] = {Interrupt::kMachineExternal,    Interrupt::kMachineSoftware,
                             Interrupt::kMachineTimer,       Interrupt::kSupervisorExternal,
                             Interrupt::kSupervisorSoftware, Interrupt::kSupervisorTimer};
  Bench bench;
  bench.hart.set_csr(csr::kMie, 0xaaa);
  for (const Interrupt interrupt : order) bench.hart.set_interrupt(interrupt, true);
  for (const Interrupt interrupt : order) {
    bench.hart.set_csr(csr::kMstatus, kMie);
    bench.memory->write_code(kHandler, {csrw(csr::kMie, kZero), wfi()});
    bench.hart.set_csr(csr::kMie, 0xaaa);
    bench.memory->write_code(kProgram, {nop(), nop(), wfi()});
    bench.hart.set_pc(kProgram);
    bench.go();
    EXPECT_EQ(bench.csr_value(csr::kMcause), kInterruptFlag | static_cast<unsigned>(interrupt));
    EXPECT_EQ(bench.csr_value(csr::kMepc), kProgram);
    bench.hart.set_interrupt(interrupt, false);
    // SSIP is software's to clear.
    bench.hart.set_csr(csr::kMip, bench.csr_value(csr::kMip) & ~cpu::riscv::bit_of(interrupt));
  }
}

TEST(Interrupts, OfDelegatedKindGoToSupervisorModeAndNotIntoMachineMode) {
  Bench bench;
  bench.hart.set_csr(csr::kMideleg, 0x222);
  bench.hart.set_csr(csr::kMie, 0xaaa);
  bench.hart.set_csr(csr::kMstatus, kMie | kSie);
  bench.hart.set_interrupt(Interrupt::kSupervisorExternal, true);
  bench.memory->write_code(kSHandler, {csrw(csr::kSie, kZero), wfi()});
  bench.memory->write_code(kProgram, {li(kA0, 1), jal(0, 0)});
  bench.hart.set_pc(kProgram);
  EXPECT_EQ(bench.go(100), Stop::kBudget);  // in M-mode it stays pending
  EXPECT_EQ(bench.x(kA0), 1u);
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.go();
  EXPECT_EQ(bench.csr_value(csr::kScause), kInterruptFlag | 9);
}

TEST(Interrupts, VectoredHandlersAreEnteredAtTheirSlot) {
  Bench bench;
  bench.hart.set_csr(csr::kMtvec, kHandler | 1);
  bench.hart.set_csr(csr::kMie, 1u << 7);
  bench.hart.set_csr(csr::kMstatus, kMie);
  bench.memory->write_code(kHandler + 4 * 7, {csrw(csr::kMie, kZero), li(kA0, 7), wfi()});
  bench.hart.set_interrupt(Interrupt::kMachineTimer, true);
  bench.run({nop()});
  EXPECT_EQ(bench.x(kA0), 7u);
}

TEST(Interrupts, SoftwareMaySetThoseOfSupervisorMode) {
  Bench bench;
  bench.hart.set_csr(csr::kMip, ~std::uint64_t{0});
  EXPECT_EQ(bench.csr_value(csr::kMip), 0x222u);
  bench.hart.set_csr(csr::kMideleg, 0x222);
  bench.hart.set_csr(csr::kSip, 0);  // only SSIP is writable from S-mode
  EXPECT_EQ(bench.csr_value(csr::kMip), 0x220u);
}

TEST(Interrupts, ThePinOfSsipSetsItAndSoftwareClearsIt) {
  Bench bench;
  bench.hart.set_interrupt(Interrupt::kSupervisorSoftware, true);
  bench.hart.set_interrupt(Interrupt::kSupervisorSoftware, false);
  bench.set_x(kA1, 2);
  bench.run({csrrc(kA0, csr::kMip, kA1), csrrs(kA2, csr::kMip, kZero)});
  EXPECT_EQ(bench.x(kA0), 2u);
  EXPECT_EQ(bench.x(kA2), 0u);
}

TEST(Interrupts, AnEdgeThatNobodyHasReadIsNotLostToAWrite) {
  Bench bench;
  bench.hart.set_interrupt(Interrupt::kSupervisorSoftware, true);
  bench.hart.set_csr(csr::kMip, 0);
  bench.run({csrrs(kA0, csr::kMip, kZero)});
  EXPECT_EQ(bench.x(kA0), 2u);
}

TEST(Interrupts, AnEdgeWakesASleepingHart) {
  Bench bench;
  bench.hart.set_csr(csr::kMie, 2);
  EXPECT_FALSE(bench.hart.wake_pending());
  bench.hart.set_interrupt(Interrupt::kSupervisorSoftware, true);
  EXPECT_TRUE(bench.hart.wake_pending());
  bench.hart.reset();
  bench.hart.set_csr(csr::kMie, 2);
  EXPECT_FALSE(bench.hart.wake_pending());
}

TEST(Interrupts, TheExternalPinIsNotWrittenBackBySetAndClear) {
  Bench bench;
  bench.hart.set_interrupt(Interrupt::kSupervisorExternal, true);
  bench.set_x(kA1, 2);
  bench.run({csrrs(kA0, csr::kMip, kA1)});
  EXPECT_EQ(bench.x(kA0), 1u << 9);
  bench.hart.set_interrupt(Interrupt::kSupervisorExternal, false);
  EXPECT_EQ(bench.csr_value(csr::kMip), 2u);
}

TEST(Wfi, WaitsUntilAnEnabledInterruptIsPendingEvenIfItIsNotTaken) {
  Bench bench;
  bench.hart.set_csr(csr::kMie, 1u << 7);
  EXPECT_EQ(bench.run({wfi(), li(kA0, 1)}), Stop::kWaiting);
  EXPECT_EQ(bench.x(kA0), 0u);
  EXPECT_EQ(bench.go(), Stop::kWaiting);
  bench.hart.set_interrupt(Interrupt::kMachineExternal, true);  // not enabled
  EXPECT_EQ(bench.go(), Stop::kWaiting);
  EXPECT_EQ(bench.x(kA0), 0u);
  bench.hart.set_interrupt(Interrupt::kMachineTimer, true);
  bench.go(2);
  EXPECT_EQ(bench.x(kA0), 1u);
}

TEST(Stops, SayThatAWfiNeitherWaitsNorLetsAnInterruptIn) {
  Bench bench;
  bench.hart.set_csr(csr::kMie, 1u << 7);
  bench.hart.set_interrupt(Interrupt::kMachineTimer, true);  // mstatus.MIE is clear
  EXPECT_EQ(bench.run({wfi(), li(kA0, 1)}), Stop::kIdling);
  EXPECT_EQ(bench.x(kA0), 0u);
  EXPECT_EQ(bench.go(2), Stop::kBudget);
  EXPECT_EQ(bench.x(kA0), 1u);
}

TEST(Stops, DoNotSayThatOfAWfiThatHasWaitedOrIsInterrupted) {
  Bench bench;
  bench.hart.set_csr(csr::kMie, 1u << 7);
  bench.memory->write_code(kProgram, {wfi(), li(kA0, 1), jal(0, 0)});
  bench.hart.set_pc(kProgram);
  EXPECT_EQ(bench.go(), Stop::kWaiting);
  bench.hart.set_interrupt(Interrupt::kMachineTimer, true);
  EXPECT_EQ(bench.go(10), Stop::kBudget);
  EXPECT_EQ(bench.x(kA0), 1u);

  bench.memory->write_code(kHandler, {jal(0, 0)});
  bench.hart.set_csr(csr::kMtvec, kHandler);
  bench.hart.set_csr(csr::kMstatus, kMie);
  bench.memory->write_code(kProgram, {nop(), wfi(), jal(0, 0)});
  bench.hart.set_interrupt(Interrupt::kMachineTimer, false);
  bench.hart.set_pc(kProgram);
  EXPECT_EQ(bench.go(), Stop::kWaiting);
  bench.hart.set_interrupt(Interrupt::kMachineTimer, true);
  EXPECT_EQ(bench.go(10), Stop::kBudget);
  EXPECT_EQ(bench.csr_value(csr::kMepc), kProgram + 8);
}

TEST(Stops, SayThatALoopPauses) {
  constexpr std::uint32_t kPause = 0x0100'000f;
  Bench bench;
  EXPECT_EQ(bench.run({kPause, li(kA0, 1)}), Stop::kIdling);
  EXPECT_EQ(bench.x(kA0), 0u);
  EXPECT_EQ(bench.csr_value(csr::kMinstret), 1u);
  bench.go(1);
  EXPECT_EQ(bench.x(kA0), 1u);
}

// A turn -------------------------------------------------------------------------------------------

TEST(Turns, EndWithACircleThatWaitsForAStore) {
  Bench bench;
  bench.memory->write_code(kProgram, {ld(kA0, kA1), beq(kA0, kZero, -4), li(kA2, 1), jal(0, 0)});
  bench.hart.set_pc(kProgram);
  bench.set_x(kA1, kData);
  EXPECT_EQ(bench.go(10), Stop::kBudget);  // asked for it alone
  for (std::uint64_t turn = 1; turn < 3; ++turn) {
    bench.hart.begin_turn();
    EXPECT_EQ(bench.go(), Stop::kIdling);
    EXPECT_EQ(bench.csr_value(csr::kMinstret), 10 + 2 * turn);
  }
  bench.memory->write(kData, std::uint64_t{1});
  bench.hart.begin_turn();
  EXPECT_EQ(bench.go(10), Stop::kBudget);
  EXPECT_EQ(bench.x(kA2), 1u);
}

TEST(Turns, ThatAreCutShortBeforeTheyBeginStillEndWithACircle) {
  Bench bench;
  bench.memory->write_code(kProgram, {jal(0, 0)});
  bench.hart.set_pc(kProgram);
  bench.hart.begin_turn();
  bench.hart.request_stop();
  EXPECT_EQ(bench.go(), Stop::kRequested);
  EXPECT_EQ(bench.go(), Stop::kIdling);
  EXPECT_EQ(bench.go(10), Stop::kBudget);  // the same turn goes on
}

TEST(Turns, AreUsedUpByLoopsThatDoSomething) {
  constexpr std::uint64_t kDevice = 0x1000'0000;
  const std::vector<std::pair<const char*, std::vector<Word>>> loops{
      {"counts", {addi(kA0, kA0, 1), jal(0, -4)}},
      {"stores", {sd(kA0, kA1), jal(0, -4)}},
      {"loads and stores", {ld(kA0, kA1), sd(kA0, kA1), jal(0, -8)}},
      {"exchanges", {amo(1, kDoubleWidth, kA0, kA1, kZero), jal(0, -4)}},
      {"loads from a device", {ld(kZero, kA2), jal(0, -4)}},
      {"reads the time", {csrr(kA0, csr::kTime), jal(0, -4)}},
      {"fences its instructions", {fence_i(), jal(0, -4)}},
      {"clears memory", {cbo_zero(kA1), jal(0, -4)}},
  };
  for (const auto& [name, loop] : loops) {
    Bench bench;
    const Device device{*bench.memory, kDevice,
                        [](std::uint64_t, unsigned, std::uint64_t& value) {
                          value = 0;
                          return memory::MemTxResult::kOk;
                        },
                        [](std::uint64_t, unsigned, std::uint64_t) {
                          return memory::MemTxResult::kOk;
                        }};
    bench.memory->write_code(kProgram, loop);
    bench.hart.set_pc(kProgram);
    bench.set_x(kA1, kData);
    bench.set_x(kA2, kDevice);
    bench.hart.begin_turn();
    EXPECT_EQ(bench.go(100), Stop::kBudget) << name;
  }
}

TEST(Turns, EndWithACircleOfCompressedInstructionsAndOfSeveralBlocks) {
  Bench bench;
  // c.ld a0, 0(a1); c.beqz a0, 2; then two jumps
  bench.memory->write_code(kProgram, {0xc109'6188, jal(0, 4), jal(0, -8)});
  bench.hart.set_pc(kProgram);
  bench.set_x(kA1, kData);
  bench.hart.begin_turn();
  EXPECT_EQ(bench.go(), Stop::kIdling);
  EXPECT_EQ(bench.csr_value(csr::kMinstret), 4u);
}

TEST(Turns, BeginInALoopThatIsLongAndAreUsedUp) {
  Bench bench;
  std::vector<Word> jumps(20, jal(0, 4));
  jumps.push_back(jal(0, -80));
  bench.memory->write_code(kProgram, jumps);
  bench.hart.set_pc(kProgram);
  bench.hart.begin_turn();
  EXPECT_EQ(bench.go(100), Stop::kBudget);
}

TEST(Stops, AreReportedOnce) {
  Bench bench;
  bench.memory->write_code(kProgram, {jal(0, 0)});
  bench.hart.set_pc(kProgram);
  bench.hart.request_stop();
  EXPECT_EQ(bench.go(), Stop::kRequested);
  EXPECT_EQ(bench.go(10), Stop::kBudget);
}

// Sstc --------------------------------------------------------------------------------------------
// SPEC: "Sstc" 1.0; the section is named at each.

constexpr std::uint64_t kStce = std::uint64_t{1} << 63;  // of menvcfg
constexpr std::uint64_t kSti = 0x20;

struct SupervisorTimer : Bench {
  explicit SupervisorTimer(HartConfig config = {}) : Bench{config} {
    hart.set_csr(csr::kMenvcfg, kStce);
  }
  bool pending() { return (csr_value(csr::kMip) & kSti) != 0; }
};

TEST(Stimecmp, RaisesTheSupervisorTimerOnceTimeReachesIt) {
  SupervisorTimer bench;
  bench.hart.set_csr(csr::kStimecmp, 100);
  EXPECT_FALSE(bench.pending());
  bench.time.now = 100;
  EXPECT_TRUE(bench.pending());
  bench.hart.set_csr(csr::kMie, kSti);
  EXPECT_EQ(bench.hart.time_to_wake(), std::chrono::nanoseconds{0});
}

// 2.1: time is compared as an unsigned number of 64 bits, and reaches what it equals.
TEST(Stimecmp, IsComparedWholeAndUnsigned) {
  constexpr std::uint64_t kHigh = std::uint64_t{1} << 63, kOnes = ~std::uint64_t{0};
  struct Case {
    std::uint64_t time, compare;
    bool pending;
  };
  const Case cases[] = {{99, 100, false},          {100, 100, true},        {101, 100, true},
                        {0, 0, true},              {kHigh, 1, true},        {1, kHigh, false},
                        {0xffff'ffff, 1ULL << 32, false}, {1ULL << 32, 0xffff'ffff, true},
                        {kOnes - 1, kOnes, false}, {kOnes, kOnes, true}};
  for (const Case& c : cases) {
    SupervisorTimer bench;
    bench.time.now = c.time;
    bench.hart.set_csr(csr::kStimecmp, c.compare);
    EXPECT_EQ(bench.pending(), c.pending) << c.time << " " << c.compare;
  }
}

// 2.1: the interrupt stays posted until stimecmp is above time.
TEST(Stimecmp, StaysPendingUntilItIsMovedOn) {
  SupervisorTimer bench;
  bench.time.now = 100;
  for (const std::uint64_t compare : {50u, 100u}) {
    bench.hart.set_csr(csr::kStimecmp, compare);
    EXPECT_TRUE(bench.pending()) << compare;
  }
  bench.hart.set_csr(csr::kStimecmp, 101);
  EXPECT_FALSE(bench.pending());
}

// 2.1: taken by the usual rules of enabling and delegation.
TEST(Stimecmp, InterruptsTheModeItIsDelegatedTo) {
  for (const std::uint64_t delegated : {std::uint64_t{0}, kSti}) {
    SupervisorTimer bench;
    bench.hart.set_csr(csr::kStimecmp, 0);
    bench.hart.set_csr(csr::kMideleg, delegated);
    bench.hart.set_csr(csr::kMie, kSti);
    bench.hart.set_privilege(Privilege::kUser);
    bench.memory->write_code(kProgram, {nop(), nop()});
    bench.hart.set_pc(kProgram);
    bench.go(1);
    const Word cause = delegated != 0 ? csr::kScause : csr::kMcause;
    EXPECT_EQ(bench.csr_value(cause), kInterruptFlag | 5) << delegated;
    EXPECT_EQ(bench.hart.privilege(),
              delegated != 0 ? Privilege::kSupervisor : Privilege::kMachine);
  }
}

// 2.2 and 2.3: STIP shows the comparison alone. Chapter 4: without STCE software writes it in mip.
TEST(Stimecmp, CannotBeOverruledByWritingMip) {
  SupervisorTimer bench;
  bench.hart.set_csr(csr::kMideleg, kSti);
  bench.hart.set_csr(csr::kStimecmp, 100);
  bench.hart.set_csr(csr::kMip, kSti);
  EXPECT_FALSE(bench.pending());
  bench.time.now = 100;
  bench.hart.set_csr(csr::kMip, 0);
  bench.hart.set_csr(csr::kSip, 0);
  EXPECT_TRUE(bench.pending());
  EXPECT_EQ(bench.csr_value(csr::kSip) & kSti, kSti);
  bench.hart.set_csr(csr::kMenvcfg, 0);
  EXPECT_FALSE(bench.pending());
  bench.hart.set_csr(csr::kMip, kSti);
  EXPECT_TRUE(bench.pending());
}

// 2.4 and chapter 4: S-mode needs mcounteren.TM and menvcfg.STCE, M-mode neither, U-mode has no access.
TEST(Stimecmp, IsForSupervisorsOnlyIfBothSaySo) {
  for (const std::uint64_t environment : {std::uint64_t{0}, kStce}) {
    for (const std::uint64_t counters : {5u, 2u, 7u}) {
      for (const auto mode : {Privilege::kMachine, Privilege::kSupervisor, Privilege::kUser}) {
        Bench bench;
        bench.hart.set_csr(csr::kMenvcfg, environment);
        bench.hart.set_csr(csr::kMcounteren, counters);
        bench.hart.set_csr(csr::kScounteren, 7);
        bench.hart.set_csr(csr::kStimecmp, 1);
        bench.hart.set_privilege(mode);
        bench.set_x(kA1, 5);
        bench.run({csrw(csr::kStimecmp, kA1)});
        const bool may = mode == Privilege::kMachine ||
                         (mode == Privilege::kSupervisor && environment != 0 && counters != 5);
        EXPECT_EQ(bench.csr_value(csr::kStimecmp), may ? 5u : 1u)
            << environment << " " << counters << " " << static_cast<int>(mode);
      }
    }
  }
}

// Chapter 4: STCE is zero where there is no Sstc; nor is there the register.
TEST(Stimecmp, IsGoneWithItsExtension) {
  SupervisorTimer bench{{.isa = cpu::riscv::kDefaultIsa.without(Extension::kSstc)}};
  EXPECT_EQ(bench.csr_value(csr::kMenvcfg) & kStce, 0u);
  bench.run({csrr(kA0, csr::kStimecmp)});
  EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
  EXPECT_EQ(bench.csr_value(csr::kMtval), csrr(kA0, csr::kStimecmp));
}

// Counters ----------------------------------------------------------------------------------------

TEST(Counters, CountRetiredInstructionsExactly) {
  Bench bench;
  bench.run({csrr(kA0, csr::kMinstret), nop(), nop(), csrr(kA1, csr::kMinstret), jal(0, 4),
             csrr(kA2, csr::kMinstret)});
  EXPECT_EQ(bench.x(kA1) - bench.x(kA0), 3u);
  EXPECT_EQ(bench.x(kA2) - bench.x(kA1), 2u);
}

TEST(Counters, ReadBackWhatWasWrittenByTheInstructionBefore) {
  Bench bench;
  bench.set_x(kA1, 1000);
  bench.run({csrw(csr::kMinstret, kA1), csrr(kA0, csr::kMinstret), csrr(kA2, csr::kMinstret)});
  EXPECT_EQ(bench.x(kA0), 1000u);
  EXPECT_EQ(bench.x(kA2), 1001u);
}

TEST(Counters, StandStillWhileInhibited) {
  Bench bench;
  bench.set_x(kA1, 4);
  bench.run({csrw(csr::kMcountinhibit, kA1), csrr(kA0, csr::kMinstret), nop(),
             csrr(kA2, csr::kMinstret), csrr(kA3, csr::kMcycle), csrr(kA4, csr::kMcycle)});
  EXPECT_EQ(bench.x(kA0), bench.x(kA2));
  EXPECT_EQ(bench.x(kA4) - bench.x(kA3), 1u);
}

TEST(Counters, InstructionsThatTrapDoNotRetire) {
  Bench bench;
  bench.memory->write_code(kHandler, {csrr(kA1, csr::kMinstret), wfi()});
  bench.run({csrr(kA0, csr::kMinstret), ecall()});
  EXPECT_EQ(bench.x(kA1) - bench.x(kA0), 1u);
}

TEST(Counters, ArePermittedLevelByLevel) {
  Bench bench;
  bench.time.now = 77;
  bench.hart.set_csr(csr::kMcounteren, 2);
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.run({csrr(kA0, csr::kTime)});
  EXPECT_EQ(bench.x(kA0), 77u);
  bench.hart.set_privilege(Privilege::kUser);
  bench.run({csrr(kA0, csr::kTime)});
  EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
  bench.hart.set_csr(csr::kScounteren, 2);
  bench.hart.set_csr(csr::kMcause, 0);
  bench.hart.set_privilege(Privilege::kUser);
  bench.run({csrr(kA0, csr::kTime), ecall()});
  EXPECT_EQ(bench.cause(), Cause::kEcallFromUser);
}

// PMP ---------------------------------------------------------------------------------------------

constexpr std::uint64_t kR = 1, kX = 4, kTor = 8, kNa4 = 16, kNapot = 24, kLock = 128;

/// Rules in front of the bench's own, which permits everything.
struct Protected : Bench {
  Protected(std::uint64_t config, std::initializer_list<std::uint64_t> addresses) {
    Word number = csr::kPmpaddr0;
    hart.set_csr(csr::kPmpcfg0, 0);
    for (const std::uint64_t address : addresses) hart.set_csr(number++, address);
    hart.set_csr(number, ~std::uint64_t{0});
    hart.set_csr(csr::kPmpcfg0, config | std::uint64_t{0x1f} << (8 * addresses.size()));
    set_x(kA1, kData);
  }
  bool allows(Word instruction, Privilege privilege = Privilege::kSupervisor) {
    hart.set_privilege(privilege);
    run({instruction, ecall()});
    return cause() == Cause::kEcallFromSupervisor || cause() == Cause::kEcallFromMachine;
  }
};

TEST(Pmp, AppliesNaturallyAlignedRanges) {
  Protected bench{kNapot | kR, {kData >> 2 | 0x1ff}};  // a page, read-only
  EXPECT_TRUE(bench.allows(ld(kA0, kA1)));
  EXPECT_FALSE(bench.allows(sd(kA0, kA1)));
  EXPECT_EQ(bench.cause(), Cause::kStoreAccess);
  EXPECT_EQ(bench.csr_value(csr::kMtval), kData);
  EXPECT_FALSE(bench.allows(jalr(0, kA1, 0)));
  EXPECT_EQ(bench.cause(), Cause::kInstructionAccess);
  bench.set_x(kA1, kData + 0x1000);
  EXPECT_TRUE(bench.allows(sd(kA0, kA1)));
}

TEST(Pmp, RefusesAtomicsAsWhatTheyAre) {
  for (const std::uint64_t rights : {std::uint64_t{0}, kR, kX}) {
    Protected bench{kNapot | rights, {kData >> 2 | 0x1ff}};
    for (const Word f5 : {1u, 0u, 4u, 12u, 8u, 16u, 20u, 24u, 28u}) {
      EXPECT_FALSE(bench.allows(amo(f5, kDoubleWidth, kA0, kA1, kA2))) << rights << " " << f5;
      EXPECT_EQ(bench.cause(), Cause::kStoreAccess) << rights << " " << f5;
      EXPECT_EQ(bench.csr_value(csr::kMtval), kData);
    }
    EXPECT_EQ(bench.allows(lr(kDoubleWidth, kA0, kA1)), rights == kR);
    EXPECT_EQ(bench.cause(), rights == kR ? Cause::kEcallFromSupervisor : Cause::kLoadAccess);
  }
}

TEST(Pmp, AppliesFourByteAndTopOfRangeEntries) {
  Protected bench{kNa4 | (kTor | kR) << 16, {kData >> 2, kData >> 2, (kData + 0x10) >> 2}};
  EXPECT_FALSE(bench.allows(lw(kA0, kA1)));    // entry 0: no rights
  EXPECT_TRUE(bench.allows(lw(kA0, kA1, 4)));  // entry 2: read
  EXPECT_FALSE(bench.allows(sw(kA0, kA1, 12)));
  EXPECT_TRUE(bench.allows(sw(kA0, kA1, 16)));
  EXPECT_FALSE(bench.allows(ld(kA0, kA1)));  // entry 0 matches a part of it
}

TEST(Pmp, AnEntryMustMatchAllOfAnAccess) {
  Protected bench{kNa4 | kR, {kData >> 2}};
  EXPECT_TRUE(bench.allows(lw(kA0, kA1)));
  EXPECT_FALSE(bench.allows(ld(kA0, kA1)));  // though the next entry permits the other half
  EXPECT_EQ(bench.cause(), Cause::kLoadAccess);
}

TEST(Pmp, DoesNotBindMachineModeUnlessLocked) {
  Protected open{kNapot, {kData >> 2 | 0x1ff}};
  EXPECT_TRUE(open.allows(sd(kA0, kA1), Privilege::kMachine));
  Protected locked{kNapot | kLock | kR, {kData >> 2 | 0x1ff}};
  EXPECT_FALSE(locked.allows(sd(kA0, kA1), Privilege::kMachine));
  EXPECT_TRUE(locked.allows(ld(kA0, kA1), Privilege::kMachine));
  locked.hart.set_csr(csr::kPmpcfg0, 0);
  locked.hart.set_csr(csr::kPmpaddr0, 0);
  EXPECT_EQ(locked.csr_value(csr::kPmpcfg0) & 0xff, kNapot | kLock | kR);
  EXPECT_EQ(locked.csr_value(csr::kPmpaddr0), kData >> 2 | 0x1ff);
}

TEST(Pmp, ALockedTopOfRangeLocksItsLowerEnd) {
  Protected bench{(kTor | kLock | kR) << 8, {kData >> 2, (kData + 0x1000) >> 2}};
  bench.hart.set_csr(csr::kPmpaddr0, 5);
  EXPECT_EQ(bench.csr_value(csr::kPmpaddr0), kData >> 2);
}

TEST(Pmp, WithoutAMatchOnlyMachineModeMayPass) {
  Bench bench;
  bench.hart.set_csr(csr::kPmpcfg0, 0);
  bench.hart.set_privilege(Privilege::kSupervisor);
  bench.run({nop()});
  EXPECT_EQ(bench.cause(), Cause::kInstructionAccess);
}

TEST(Pmp, ChecksPageTableAccesses) {
  Protected bench{kNapot, {kTables >> 2 | 0x1ff}};
  bench.hart.set_csr(csr::kSatp, std::uint64_t{8} << 60 | kTables >> 12);
  EXPECT_FALSE(bench.allows(nop()));
  EXPECT_EQ(bench.cause(), Cause::kInstructionAccess);
}

TEST(Pmp, ReservedBitsReadAsZero) {
  Bench bench;
  bench.hart.set_csr(csr::kPmpcfg0, 0x60);
  EXPECT_EQ(bench.csr_value(csr::kPmpcfg0), 0u);
  bench.hart.set_csr(csr::kPmpaddr0, ~std::uint64_t{0});
  EXPECT_EQ(bench.csr_value(csr::kPmpaddr0), (std::uint64_t{1} << 54) - 1);
}

}  // namespace
}  // namespace holdfast::test::riscv
