// SPDX-License-Identifier: Apache-2.0
// Interrupts as messages, all the way: a PCI function writes memory and sends an MSI behind it, the
// message comes to the hart's IMSIC, and the hart's handler looks at what was written. And messages that
// are pointed where none belongs. HOLDFAST_LONG=1 runs a million rounds.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "holdfast/accel/riscv_cpu.hpp"
#include "holdfast/devices/intc/riscv_imsic.hpp"
#include "tests/support/pci_devices.hpp"
#include "tests/support/pci_world.hpp"
#include "tests/support/schedule.hpp"
#include "tests/unit/cpu/assembler.hpp"

namespace holdfast::test {
namespace {

using namespace riscv;
using accel::HartGang;
using accel::RiscvCpu;
using machine::Machine;
using Threads = HartGang::Threads;
using pci_map::kLow;
using pci_map::kRam;

constexpr std::uint64_t kData = kRam + 0x8000;  // written by DMA
constexpr std::uint64_t kSeen = kData + 8;      // the data that the handler saw last
constexpr std::uint64_t kWrong = kData + 16;    // how often that was not the next number
constexpr std::uint64_t kImsic = 0x2400'0000;
constexpr std::uint64_t kOther = kLow + 0x1'0000;  // BAR 0 of the second function
constexpr std::int32_t kHandler = 0x100;
constexpr Word kMiselect = 0x350, kMireg = 0x351, kMtopei = 0x35c;

/// Opens the interrupt file, and sleeps until messages come.
constexpr std::array kProgram{
    auipc(kT1, 0),
    addi(kT1, kT1, kHandler),
    csrw(csr::kMtvec, kT1),
    auipc(kA1, 8),  // at 12: kData
    addi(kA1, kA1, -12),
    li(kA2, 0),
    li(kT0, 0x70),
    csrw(kMiselect, kT0),
    li(kT0, 1),
    csrw(kMireg, kT0),
    li(kT0, 0xc0),
    csrw(kMiselect, kT0),
    li(kT0, -1),
    csrw(kMireg, kT0),
    lui(kT0, 1),
    addi(kT0, kT0, -0x800),  // the external interrupt of M-mode
    csrw(csr::kMie, kT0),
    csrrwi(kZero, csr::kMstatus, 8),
    wfi(),
    jal(0, -4),
};
/// Claims the message, counts it in a2, and looks at the data.
constexpr std::array kInterrupted{
    csrrw(kA0, kMtopei, kZero),
    lwu(kA3, kA1),
    addi(kA2, kA2, 1),
    beq(kA3, kA2, 16),
    ld(kA4, kA1, 16),
    addi(kA4, kA4, 1),
    sd(kA4, kA1, 16),
    sd(kA3, kA1, 8),
    mret(),
};

bool is_long() {
  const char* value = std::getenv("HOLDFAST_LONG");
  return value != nullptr && *value == '1';
}

std::string name_of_threads(const ::testing::TestParamInfo<Threads>& info) {
  return info.param == Threads::kOneEach ? "AThreadOfItsOwn" : "InTurn";
}

/// A hart with an IMSIC and two functions, "probe" at kLow and "other" at kOther, both bus masters.
class Messages : public ::testing::TestWithParam<Threads> {
 protected:
  void SetUp() override {
    add_hart();
    add_function("probe", 1, kLow);
    add_function("other", 2, kOther);
    put(kRam, kProgram);
    put(kRam + kHandler, kInterrupted);
    machine_->set_cpus(&gang_);
    machine_->run();
  }
  void TearDown() override {
    port_.reset();
    space_.reset();
    machine_.end();
  }

  void realize(const boards::BoardPlan& plan) {
    const auto done = machine_->realize(plan);
    ASSERT_TRUE(done) << done.error().message;
  }
  void add_hart() {
    boards::BoardPlan plan{"hart"};
    const auto file = hw::InterruptFile::make(255);
    cpu::riscv::CpuModel model;
    ASSERT_TRUE(model.set("smaia", "on"));
    const auto imsic = plan.add<devices::RiscvImsic>("imsic", {.identities = 255, .file = file});
    const auto hart = plan.add<RiscvCpu>("cpu", {.hart = {.reset_vector = kRam},
                                                 .model = model,
                                                 .gang = &gang_,
                                                 .machine_file = file});
    plan.existing("bus");
    plan.map({{kImsic, imsic.region("regs")}});
    plan.link({{hart.link("memory"), boards::BoardPlan::memory()}});
    realize(plan);
  }
  void add_function(const std::string& name, unsigned device, std::uint64_t at) {
    namespace command = pci::command;
    boards::BoardPlan plan{name};
    const auto function = plan.add<PciProbe>(name);
    plan.existing("host");
    plan.devices().back().properties.push_back({"addr", std::to_string(device)});
    plan.link({{function.link("bus"), {"host", "pcie.0"}}});
    realize(plan);
    const std::uint64_t config = pci_map::kEcam + (device << 15U);
    write(config + pci::reg::kBar0, static_cast<std::uint32_t>(at));
    write(config + pci::reg::kCommand, command::kMemory | command::kBusMaster);
    std::uint32_t capability = read(config + pci::reg::kCapabilities) & 0xff;
    while ((read(config + capability) & 0xff) != 0x11)  // MSI-X
      capability = read(config + capability) >> 8 & 0xff;
    write(config + capability, read(config + capability) | 1U << 31);
    write(at + PciProbe::kAddress, static_cast<std::uint32_t>(kData));
  }
  /// Where a vector's message goes.
  void point(std::uint64_t function, unsigned vector, std::uint64_t address, std::uint32_t data) {
    const std::uint64_t entry = function + PciProbe::kTable + 16 * vector;
    write(entry, static_cast<std::uint32_t>(address));
    write(entry + 4, static_cast<std::uint32_t>(address >> 32));
    write(entry + 8, data);
    write(entry + 12, 0);
  }
  /// By DMA, with a message behind it.
  void send(std::uint32_t data) {
    write(kLow + PciProbe::kData, data);
    write(kLow + PciProbe::kStore, 0);
  }

  template <std::size_t N>
  void put(std::uint64_t address, const std::array<Word, N>& words) {
    for (const Word word : words) {
      write(address, word);
      address += 4;
    }
  }
  void write(std::uint64_t address, std::uint32_t value) {
    EXPECT_EQ(port_->store(address, 4, value, {}), memory::MemTxResult::kOk) << std::hex << address;
  }
  std::uint32_t read(std::uint64_t address) {
    std::uint64_t value = 0;
    EXPECT_EQ(port_->load(address, 4, value, {}), memory::MemTxResult::kOk) << std::hex << address;
    return static_cast<std::uint32_t>(value);
  }
  /// What never comes is found by the test's time limit.
  void await(std::uint32_t data) {
    while (read(kSeen) != data) std::this_thread::yield();
  }
  bool unplug(const char* name) { return machine_->unplug(name)->wait().has_value(); }

  HartGang gang_{GetParam()};
  TestMachine machine_{
      pci_plan(),
      {.services = {.pace = GetParam() == Threads::kOneForAll ? hw::VirtualClock::Pace::kStepped
                                                              : hw::VirtualClock::Pace::kHost},
       .control = Machine::Control::kOwnThread}};
  std::optional<memory::AddressSpace> space_{
      std::in_place, machine_->fabric(), machine_->bus().memory().region(),
      memory::AddressSpace::Init{.name = "test"}};
  std::optional<memory::Port> port_{std::in_place, *space_};
};

// In the handler, what the function wrote before its message is there: each time, nothing else.
TEST_P(Messages, ChaseWritesOfMemory) {
  point(kLow, 0, kImsic, 5);
  const std::uint32_t rounds = is_long() ? 1'000'000 : 20'000;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    send(round);
    await(round);
  }
  EXPECT_EQ(read(kWrong), 0U);
}

// Nobody waits for the handler: several messages are one if they come before it, and the last of all
// comes to it.
TEST_P(Messages, TheLastIsNeverLost) {
  point(kLow, 0, kImsic, 5);
  for (std::uint32_t burst = 1; burst <= 200; ++burst) {
    for (std::uint32_t i = 0; i < 50; ++i) send(50 * burst + i);
    await(50 * burst + 49);
  }
}

TEST_P(Messages, AtTheFunctionsOwnDoorbellAreRefused) {
  point(kLow, 0, kLow + PciProbe::kHit, 1);
  send(1);
  EXPECT_EQ(read(kLow + PciProbe::kHits), 0U);
  point(kLow, 0, kImsic, 5);
  send(1);
  await(1);
}

// The other function's answer would come back to the one that began.
TEST_P(Messages, AtAPeerWhoseMessagePointsBackEndThere) {
  point(kLow, 0, kOther + PciProbe::kMsix, 0);
  point(kOther, 0, kLow + PciProbe::kHit, 1);
  send(1);
  EXPECT_EQ(read(kLow + PciProbe::kHits), 0U);
  write(kOther + PciProbe::kMsix, 0);
  EXPECT_EQ(read(kLow + PciProbe::kHits), 1U) << "not by way of itself";
  point(kOther, 0, kLow + PciProbe::kMsix, 0);  // for ever, if somebody let it
  write(kOther + PciProbe::kMsix, 0);
  point(kOther, 0, kImsic, 5);
  send(1);
  await(1);
}

// The message is on its way when its target goes: it comes to nobody, and leaves nothing.
TEST_P(Messages, AreLostWithTheirTarget) {
  point(kLow, 0, kOther + PciProbe::kHit, 1);
  testing::Schedule schedule;
  auto& on_its_way = schedule.stop_at("gate.outbox.before_entry", "function");
  testing::Thread function{"function", [&] {
                             memory::Port port{space_->control()};
                             EXPECT_EQ(port.store(kLow + PciProbe::kMsix, 4, 0, {}),
                                       memory::MemTxResult::kOk);
                           }};
  on_its_way.wait_reached();
  EXPECT_TRUE(unplug("other"));
  on_its_way.release();
  function.join();
  point(kLow, 0, kImsic, 5);
  send(1);
  await(1);
}

TEST_P(Messages, AreLostWithTheController) {
  point(kLow, 0, kImsic, 5);
  send(1);
  await(1);
  testing::Schedule schedule;
  auto& on_its_way = schedule.stop_at("gate.outbox.before_entry", "function");
  testing::Thread function{"function", [&] {
                             memory::Port port{space_->control()};
                             EXPECT_EQ(port.store(kLow + PciProbe::kMsix, 4, 0, {}),
                                       memory::MemTxResult::kOk);
                           }};
  on_its_way.wait_reached();
  EXPECT_TRUE(unplug("imsic"));
  on_its_way.release();
  function.join();
  EXPECT_EQ(read(kSeen), 1U);
  EXPECT_EQ(read(kWrong), 0U) << "the hart was not interrupted again";
}

TEST_P(Messages, ComeWhileTheHartIsTakenAway) {
  point(kLow, 0, kImsic, 5);
  std::atomic<bool> over{false};
  testing::Thread function{"function", [&] {
                             memory::Port port{space_->control()};
                             while (!over)
                               EXPECT_EQ(port.store(kLow + PciProbe::kMsix, 4, 0, {}),
                                         memory::MemTxResult::kOk);
                           }};
  EXPECT_TRUE(unplug("cpu"));
  over = true;
  function.join();
}

INSTANTIATE_TEST_SUITE_P(Harts, Messages, ::testing::Values(Threads::kOneEach, Threads::kOneForAll),
                         name_of_threads);

}  // namespace
}  // namespace holdfast::test
