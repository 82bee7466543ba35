// SPDX-License-Identifier: Apache-2.0
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0, chapter 4; the section is named at each.
#include "holdfast/devices/intc/riscv_aplic.hpp"

#include <gtest/gtest.h>

#include <string>

#include "holdfast/boards/system_bus.hpp"
#include "tests/support/device_bench.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kMachine = 0x0c00'0000;
constexpr std::uint64_t kSupervisor = 0x0d00'0000;
constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::uint64_t kOther = 0x2000;  // pages from there

constexpr std::uint64_t kDomain = 0x0, kMachineAddress = 0x1bc0, kSupervisorAddress = 0x1bc8,
                        kSetPending = 0x1c00, kSetPendingNumber = 0x1cdc, kInputs = 0x1d00,
                        kClearPendingNumber = 0x1ddc, kEnable = 0x1e00, kEnableNumber = 0x1edc,
                        kDisable = 0x1f00, kDisableNumber = 0x1fdc, kSetPendingLittle = 0x2000,
                        kSetPendingBig = 0x2004, kMessage = 0x3000;
constexpr std::uint64_t source_config(unsigned source) { return 4 * source; }
constexpr std::uint64_t target(unsigned source) { return 0x3000 + 4 * source; }
constexpr std::uint64_t of_hart(unsigned hart, unsigned reg) { return 0x4000 + 32 * hart + reg; }
constexpr unsigned kDelivers = 0, kForced = 4, kThreshold = 8, kTop = 0x18, kClaim = 0x1c;

constexpr std::uint32_t kOn = 0x100, kDelegated = 0x400;
constexpr std::uint32_t kDetached = 1, kEdge1 = 4, kEdge0 = 5, kLevel1 = 6, kLevel0 = 7;
constexpr unsigned kHarts = 3;

/// An APLIC on a bus with RAM, where messages may go.
class AplicWorld : public ::testing::Test {
 protected:
  explicit AplicWorld(RiscvAplic::Delivery delivery) : machine_{board(delivery)} {}

  static boards::BoardPlan board(RiscvAplic::Delivery delivery) {
    boards::BoardPlan plan{"test"};
    const auto ram = plan.ram("ram", 1U << 20U);
    const auto other = plan.ram("other", 1U << 20U);
    const auto aplic =
        plan.add<RiscvAplic>("aplic", {.sources = 96, .harts = kHarts, .delivery = delivery});
    plan.existing("bus");
    plan.leave_loose(aplic);
    plan.map({{kMachine, aplic.region("machine")}, {kSupervisor, aplic.region("supervisor")},
              {kRam, ram}, {kRam + (kOther << 12), other}});
    plan.link({{aplic.link("memory"), boards::BoardPlan::memory()}});
    return plan;
  }

  std::uint32_t in(std::uint64_t reg, std::uint64_t domain = kMachine) {
    return machine_.read32(domain + reg).value();
  }
  void out(std::uint64_t reg, std::uint32_t value, std::uint64_t domain = kMachine) {
    ASSERT_TRUE(machine_.write32(domain + reg, value));
  }
  void drive(unsigned source, bool level) { testing::DeviceBench::drive(*aplic_, "in", source, level); }

  test::TestMachine machine_;
  hw::Device* aplic_ = machine_->find_now("aplic");
};

class AplicTest : public AplicWorld {
 protected:
  AplicTest() : AplicWorld{RiscvAplic::Delivery::kDirect} {
    out(kDomain, kOn);
    for (unsigned hart = 0; hart < kHarts; ++hart) out(of_hart(hart, kDelivers), 1);
  }
  bool line(unsigned hart, const char* lines = "machine-lines") {
    return testing::DeviceBench::level(*aplic_, lines, hart);
  }
  void listen(unsigned source, std::uint32_t mode, unsigned hart = 0, std::uint32_t priority = 1) {
    out(source_config(source), mode);
    out(target(source), hart << 18 | priority);
    out(kEnableNumber, source);
  }
};

// 4.5.1.
TEST_F(AplicTest, IntroducesItself) {
  out(kDomain, ~0U);
  EXPECT_EQ(in(kDomain), 0x8000'0100U);
  EXPECT_EQ(in(kDomain, kSupervisor), 0x8000'0000U);
  for (const std::uint64_t reg : {kMachineAddress, kMachineAddress + 4, kSupervisorAddress, kMessage}) {
    out(reg, ~0U);
    EXPECT_EQ(in(reg), 0U) << "there are no messages";
  }
}

TEST_F(AplicTest, TakesAlignedWordsOnly) {
  memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "guest"}};
  memory::Port port{space};
  std::uint64_t value = 0;
  EXPECT_NE(port.load(kMachine, 2, value, {}), memory::MemTxResult::kOk);
  EXPECT_NE(port.load(kMachine + 2, 4, value, {}), memory::MemTxResult::kOk);
}

TEST_F(AplicTest, AnEdgeFromRequestToClaim) {
  listen(10, kEdge1, 1);
  drive(10, true);
  EXPECT_TRUE(line(1));
  EXPECT_FALSE(line(0));
  EXPECT_EQ(in(kSetPending), 1U << 10);
  EXPECT_EQ(in(of_hart(1, kTop)), 10U << 16 | 1);
  EXPECT_EQ(in(of_hart(1, kClaim)), 10U << 16 | 1);
  EXPECT_FALSE(line(1));
  EXPECT_EQ(in(of_hart(1, kClaim)), 0U);
  drive(10, false);
  EXPECT_EQ(in(kSetPending), 0U);
}

// 4.7: by lines, what is pending at a level follows the level, and nothing else does.
TEST_F(AplicTest, ALevelIsPendingWhileItIsHigh) {
  listen(10, kLevel1);
  drive(10, true);
  EXPECT_EQ(in(of_hart(0, kClaim)) >> 16, 10U);
  EXPECT_TRUE(line(0));
  out(kClearPendingNumber, 10);
  EXPECT_TRUE(line(0));
  drive(10, false);
  EXPECT_FALSE(line(0));
  out(kSetPendingNumber, 10);
  EXPECT_FALSE(line(0));
}

// 4.5.2: the modes, and what a source's wire is taken for.
TEST_F(AplicTest, ModesTurnWiresAround) {
  for (const std::uint32_t mode : {kEdge0, kLevel0}) {
    listen(11, mode);
    EXPECT_EQ(in(kInputs), 1U << 11);
    drive(11, true);
    EXPECT_EQ(in(kInputs), 0U);
    drive(11, false);
    EXPECT_TRUE(line(0)) << mode;
    out(source_config(11), 0);
    EXPECT_FALSE(line(0)) << "inactive";
  }
  listen(11, kDetached);
  drive(11, true);
  EXPECT_EQ(in(kInputs), 0U);
  EXPECT_FALSE(line(0));
  out(kSetPendingNumber, 11);
  EXPECT_TRUE(line(0));
}

TEST_F(AplicTest, ASourceThatBecomesInactiveForgetsAll) {
  listen(10, kEdge1, 2, 3);
  drive(10, true);
  out(source_config(10), 0);
  EXPECT_EQ(in(kSetPending) | in(kEnable) | in(target(10)), 0U);
  EXPECT_FALSE(line(2));
  out(kEnableNumber, 10);
  out(kSetPendingNumber, 10);
  out(target(10), 5);
  EXPECT_EQ(in(kSetPending) | in(kEnable) | in(target(10)), 0U);
  out(source_config(10), kEdge1);
  EXPECT_EQ(in(target(10)), 1U);
  EXPECT_EQ(in(kSetPending), 0U);
}

TEST_F(AplicTest, ReservedModesAndSourcesThatThereAreNotStayInactive) {
  for (const std::uint32_t mode : {2U, 3U}) {
    out(source_config(1), mode);
    EXPECT_EQ(in(source_config(1)), 0U);
  }
  out(source_config(96), kLevel1);
  EXPECT_EQ(in(source_config(96)), kLevel1);
  out(source_config(97), kLevel1);
  EXPECT_EQ(in(source_config(97)), 0U);
  out(source_config(1023), kLevel1);
  EXPECT_EQ(in(source_config(1023)), 0U);
}

// 4.5.16 and 4.8.1.3.
TEST_F(AplicTest, TheLowestPriorityNumberComesFirstThenTheLowestSource) {
  listen(5, kEdge1, 0, 2);
  listen(40, kEdge1, 0, 1);
  listen(41, kEdge1, 0, 1);
  listen(95, kEdge1, 0, 0);  // there is no priority 0: it is 1
  EXPECT_EQ(in(target(95)), 1U);
  for (const unsigned source : {95U, 41U, 5U, 40U}) drive(source, true);
  for (const unsigned source : {40U, 41U, 95U, 5U}) EXPECT_EQ(in(of_hart(0, kClaim)) >> 16, source);
  EXPECT_EQ(in(of_hart(0, kClaim)), 0U);
}

TEST_F(AplicTest, TheThresholdHoldsBackItselfAndWhatIsBehind) {
  listen(10, kEdge1, 0, 3);
  drive(10, true);
  out(of_hart(0, kThreshold), 3);
  EXPECT_FALSE(line(0));
  EXPECT_EQ(in(of_hart(0, kTop)), 0U);
  out(of_hart(0, kThreshold), 4);
  EXPECT_TRUE(line(0));
  out(of_hart(0, kThreshold), ~0U);
  EXPECT_EQ(in(of_hart(0, kThreshold)), 7U);
}

// 4.8.1: topi and claimi do not ask whether anything is delivered.
TEST_F(AplicTest, DeliveryIsSwitchedForTheDomainAndForEachHart) {
  listen(10, kLevel1);
  drive(10, true);
  out(kDomain, 0);
  EXPECT_FALSE(line(0));
  EXPECT_EQ(in(of_hart(0, kTop)) >> 16, 10U);
  out(kDomain, kOn);
  out(of_hart(0, kDelivers), 0);
  EXPECT_FALSE(line(0));
  out(of_hart(0, kDelivers), 1);
  EXPECT_TRUE(line(0));
}

// 4.8.1.2 and 4.8.1.5.
TEST_F(AplicTest, AForcedInterruptIsClaimedAsNone) {
  out(of_hart(2, kForced), 1);
  EXPECT_TRUE(line(2));
  EXPECT_EQ(in(of_hart(2, kTop)), 0U);
  EXPECT_EQ(in(of_hart(2, kClaim)), 0U);
  EXPECT_FALSE(line(2));
  EXPECT_EQ(in(of_hart(2, kForced)), 0U);
}

TEST_F(AplicTest, WritesByNumberAndByWordComeToTheSame) {
  for (const unsigned source : {3U, 33U}) out(source_config(source), kEdge1);
  out(kSetPendingLittle, 3);
  out(kSetPendingBig, 0x2100'0000);
  EXPECT_EQ(in(kSetPending), 1U << 3);
  EXPECT_EQ(in(kSetPending + 4), 1U << 1);
  out(kInputs, ~0U);
  EXPECT_EQ(in(kSetPending), 0U);
  out(kEnable + 4, ~0U);
  EXPECT_EQ(in(kEnable + 4), 1U << 1) << "others are inactive";
  out(kDisable + 4, 2);
  EXPECT_EQ(in(kEnable + 4), 0U);
  EXPECT_EQ(in(kDisable + 4), 0U);
  out(kEnableNumber, 3);
  out(kDisableNumber, 3);
  EXPECT_EQ(in(kEnable), 0U);
  for (const std::uint64_t reg : {kSetPendingNumber, kClearPendingNumber, kEnableNumber, kDisableNumber,
                                  kSetPendingLittle, kSetPendingBig}) {
    for (const std::uint32_t source : {0U, 97U, 1024U, ~0U}) out(reg, source);
    EXPECT_EQ(in(reg), 0U);
  }
}

// 4.5.2: a source belongs to one domain at a time.
TEST_F(AplicTest, ASourceThatIsDelegatedIsTheChilds) {
  out(source_config(10), kLevel1, kSupervisor);
  EXPECT_EQ(in(source_config(10), kSupervisor), 0U) << "not delegated";
  listen(10, kLevel1);
  out(source_config(10), kDelegated);
  EXPECT_EQ(in(source_config(10)), kDelegated);
  EXPECT_EQ(in(kEnable), 0U);
  out(source_config(10), kDelegated, kSupervisor);
  EXPECT_EQ(in(source_config(10), kSupervisor), 0U) << "the child has no child";
  out(kDomain, kOn, kSupervisor);
  out(of_hart(1, kDelivers), 1, kSupervisor);
  out(source_config(10), kLevel1, kSupervisor);
  out(target(10), 1U << 18 | 1, kSupervisor);
  out(kEnableNumber, 10, kSupervisor);
  drive(10, true);
  EXPECT_TRUE(line(1, "supervisor-lines"));
  EXPECT_FALSE(line(0));
  EXPECT_FALSE(line(1));
  EXPECT_EQ(in(of_hart(1, kClaim), kSupervisor) >> 16, 10U);
  out(source_config(10), 0);
  EXPECT_FALSE(line(1, "supervisor-lines"));
  EXPECT_EQ(in(source_config(10), kSupervisor), 0U);
  out(source_config(10), kDelegated | 1);
  EXPECT_EQ(in(source_config(10)), 0U) << "there is no child 1";
}

TEST_F(AplicTest, HartsThatThereAreNotReadZero) {
  for (const unsigned reg : {kDelivers, kForced, kThreshold}) {
    out(of_hart(kHarts, reg), 1);
    EXPECT_EQ(in(of_hart(kHarts, reg)), 0U);
  }
  EXPECT_EQ(in(of_hart(511, kTop)) | in(of_hart(511, kClaim)), 0U);
  listen(10, kLevel1, 100);
  drive(10, true);
  for (unsigned hart = 0; hart < kHarts; ++hart) EXPECT_FALSE(line(hart));
}

TEST_F(AplicTest, ResetForgetsAllButTheLevels) {
  listen(10, kLevel1);
  drive(10, true);
  machine_->reset();
  EXPECT_EQ(in(kDomain), 0x8000'0000U);
  EXPECT_EQ(in(source_config(10)) | in(kSetPending) | in(of_hart(0, kDelivers)), 0U);
  EXPECT_FALSE(line(0));
  out(source_config(10), kLevel1);
  EXPECT_EQ(in(kSetPending), 1U << 10);
}

class AplicMessageTest : public AplicWorld {
 protected:
  AplicMessageTest() : AplicWorld{RiscvAplic::Delivery::kMessages} {
    out(kMachineAddress, kRam >> 12);
    out(kSupervisorAddress, (kRam >> 12) + 0x80);
    out(kDomain, kOn);
  }
  /// What came at a page; gone when it has been read.
  std::uint32_t received(std::uint64_t page) {
    const std::uint64_t at = kRam + (page << 12);
    const std::uint32_t value = machine_.read32(at).value();
    machine_.write32(at, 0);
    return value;
  }
  void listen(unsigned source, std::uint32_t mode, std::uint32_t to, std::uint64_t domain = kMachine) {
    out(source_config(source), mode, domain);
    out(target(source), to, domain);
    out(kEnableNumber, source, domain);
  }
};

TEST_F(AplicMessageTest, IntroducesItself) {
  EXPECT_EQ(in(kDomain), 0x8000'0104U);
  out(of_hart(0, kDelivers), 1);
  EXPECT_EQ(in(of_hart(0, kDelivers)), 0U) << "no lines";
  EXPECT_EQ(in(kMachineAddress, kSupervisor), 0U) << "the root's alone";
}

// 4.7: the request goes with the message; a level asks again by rising, or when it is asked to.
TEST_F(AplicMessageTest, ALevelSendsAMessageAsItRises) {
  listen(10, kLevel1, 42);
  drive(10, true);
  EXPECT_EQ(received(0), 42U);
  EXPECT_EQ(in(kSetPending), 0U);
  EXPECT_EQ(in(kInputs), 1U << 10);
  out(kSetPendingNumber, 10);  // still high: the end of its handler
  EXPECT_EQ(received(0), 42U);
  drive(10, false);
  out(kSetPendingNumber, 10);
  EXPECT_EQ(received(0), 0U);
  EXPECT_EQ(in(kSetPending), 0U);
}

TEST_F(AplicMessageTest, ALevelThatFallsBeforeItIsSentIsTakenBack) {
  listen(10, kLevel1, 42);
  out(kDisableNumber, 10);
  drive(10, true);
  EXPECT_EQ(in(kSetPending), 1U << 10);
  drive(10, false);
  EXPECT_EQ(in(kSetPending), 0U);
  out(kEnableNumber, 10);
  EXPECT_EQ(received(0), 0U);
}

TEST_F(AplicMessageTest, AnEdgeWaitsUntilTheDomainIsOn) {
  listen(10, kEdge1, 42);
  out(kDomain, 0);
  drive(10, true);
  drive(10, false);
  EXPECT_EQ(received(0), 0U);
  EXPECT_EQ(in(kSetPending), 1U << 10);
  out(kDomain, kOn);
  EXPECT_EQ(received(0), 42U);
  EXPECT_EQ(in(kSetPending), 0U);
}

// 4.9.1: hart 0b1101 with one bit for the hart in its group and two for the group.
TEST_F(AplicMessageTest, AddressesAreMadeOfGroupHartAndGuest) {
  out(kMachineAddress + 4, 1U << 20 | 2U << 16 | 1U << 12);  // HHXS 0: groups from bit 24 on
  out(kSupervisorAddress + 4, 2U << 20);
  listen(10, kEdge1, 0b0101U << 18 | 7);
  drive(10, true);
  EXPECT_EQ(received(kOther + 2), 7U);
  out(kSupervisorAddress, kRam >> 12);
  out(source_config(11), kDelegated);
  out(kDomain, kOn, kSupervisor);
  listen(11, kEdge1, 0b0101U << 18 | 3U << 12 | 8, kSupervisor);
  drive(11, true);
  EXPECT_EQ(received(kOther + 7), 8U);
}

TEST_F(AplicMessageTest, TheAddressesCanBeLocked) {
  out(kMachineAddress + 4, ~0U);
  EXPECT_EQ(in(kMachineAddress + 4), 0x9f77'ffffU);
  out(kMachineAddress + 4, 0);
  out(kMachineAddress, 5);
  out(kSupervisorAddress, 5);
  EXPECT_EQ(in(kMachineAddress + 4), 0x9f77'ffffU);
  EXPECT_EQ(in(kMachineAddress), kRam >> 12);
  EXPECT_EQ(in(kSupervisorAddress), (kRam >> 12) + 0x80);
}

// 4.5.15: at once, and whether the domain is on or not.
TEST_F(AplicMessageTest, SoftwareCanSendOne) {
  out(kDomain, 0);
  out(kMessage, 55);
  EXPECT_EQ(received(0), 55U);
  EXPECT_EQ(in(kMessage), 55U) << "not busy";
  out(kMessage, 56, kSupervisor);
  EXPECT_EQ(received(0x80), 56U);
}

TEST_F(AplicMessageTest, AMessageToNobodyIsLost) {
  out(kMachineAddress, 0x12345);
  listen(10, kEdge1, 42);
  drive(10, true);
  EXPECT_EQ(in(kSetPending), 0U);
}

TEST_F(AplicMessageTest, OneThatIsPointedAtItselfIsRefused) {
  out(kMachineAddress, kSupervisor >> 12);
  listen(10, kEdge1, 42);
  drive(10, true);
  EXPECT_EQ(in(kDomain, kSupervisor), 0x8000'0004U);
  EXPECT_EQ(in(kSetPending), 0U);
}

TEST(AplicConfigTest, AConfigurationThatCannotBeIsAnErrorOfPrepare) {
  testing::DeviceBench bench;
  const auto message = [&](RiscvAplic::Config config) {
    auto aplic = hw::make_device<RiscvAplic>(bench.context(), "bad", config);
    const auto done = aplic->prepare();
    return done ? std::string{} : done.error().message;
  };
  EXPECT_EQ(message({.sources = 1024}), "/machine/bad: 1024 sources: 1 to 1023 are possible");
  EXPECT_EQ(message({.harts = 0}), "/machine/bad: 0 harts: 1 to 512 are possible");
  EXPECT_EQ(message({.priority_bits = 9}), "/machine/bad: 9 priority bits: 1 to 8 are possible");
}

}  // namespace
}  // namespace holdfast::devices
