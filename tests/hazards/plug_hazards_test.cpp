// SPDX-License-Identifier: Apache-2.0
// Lifetime bugs that shipped elsewhere, by their numbers (docs/lifetimes.md): those of CPUs and memory
// that come and go. HOLDFAST_LONG=1 runs the cycles in full.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {
namespace {

using accel::HartGang;
using machine::DeviceAdder;
using testing::Schedule;
using Threads = HartGang::Threads;

constexpr std::uint64_t kRam = boards::virt::map::kRam;
constexpr std::uint64_t kModules = 0xc000'0000;  // the first GiB border above the RAM
constexpr std::uint64_t kModule = 64U << 10U;

int cycles() {
  const char* value = std::getenv("HOLDFAST_LONG");
  return value != nullptr && *value == '1' ? 10'000 : 200;
}

std::string name_of_threads(const ::testing::TestParamInfo<Threads>& info) {
  return info.param == Threads::kOneEach ? "ThreadsOfTheirOwn" : "InTurn";
}

/// The virt board with one hart that counts in memory and room for three more, running.
class HartHazard : public ::testing::TestWithParam<Threads> {
 protected:
  HartHazard() : gang_{GetParam()}, board_{plan()}, machine_{board_, machine_options()} {
    EXPECT_TRUE(boards::register_device_types(types_));
    // ld a0, 0(t0); addi a0, a0, 1; sd a0, 0(t0); back to the load. t0: a line of its own a hart.
    constexpr std::array<std::uint32_t, 8> kProgram{
        0xf1402573,   // csrr a0, mhartid
        0x00651513,   // slli a0, a0, 6
        0x00001297,   // auipc t0, 1
        0x00a282b3,   // add t0, t0, a0
        0x0002b503,   // ld a0, 0(t0)
        0x00150513,   // addi a0, a0, 1
        0x00a2b023,   // sd a0, 0(t0)
        0xff5ff06f};  // j -12
    for (std::size_t i = 0; i < kProgram.size(); ++i)
      EXPECT_TRUE(machine_.write32(kRam + 4 * i, kProgram[i]));
    machine_->set_cpus(&gang_);
    machine_->run();
  }
  ~HartHazard() override {
    machine_->pause();
    machine_.end();
  }

  std::uint32_t count(std::uint32_t core) {
    return machine_.read32(kRam + 0x1008 + std::uint64_t{64} * core).value_or(0);
  }
  void goes_on(std::uint32_t core) {
    const std::uint32_t seen = count(core);
    while (count(core) == seen) machine_->loop().run_ready();
  }
  void plug(std::uint32_t core) {
    const auto added = adder_.add({.driver = "rv64-riscv-cpu",
                                   .id = "c" + std::to_string(core),
                                   .values = {{"core-id", std::to_string(core)}}});
    ASSERT_TRUE(added) << added.error().message;
  }
  void unplug(std::uint32_t core) {
    ASSERT_TRUE(machine_->unplug("peripheral/c" + std::to_string(core))->wait());
  }
  void make_memory() {
    const auto made =
        machine_->add_memory({.type = hw::MemoryBackend::kRamType, .id = "m", .size = kModule});
    ASSERT_TRUE(made) << made.error().message;
  }
  void plug_memory() {
    const auto added = adder_.add({.driver = "pc-dimm", .id = "d", .values = {{"memdev", "m"}}});
    ASSERT_TRUE(added) << added.error().message;
  }

 private:
  boards::BoardPlan plan() {
    boards::virt::Options options;
    options.ram_size = 1U << 20U;
    options.most_harts = 4;
    options.most_ram = 2U << 20U;
    options.memory_slots = 1;
    options.gang = &gang_;
    return boards::virt::plan(options).value();
  }
  static machine::Machine::Options machine_options() {
    machine::Machine::Options options;
    if (GetParam() == Threads::kOneForAll) options.services.pace = hw::VirtualClock::Pace::kStepped;
    return options;
  }

 protected:
  HartGang gang_;
  object::TypeRegistry types_;
  const boards::BoardPlan board_;
  TestMachine machine_;
  const DeviceAdder adder_{*machine_, types_, board_.expansion(), {}};
};

INSTANTIATE_TEST_SUITE_P(Threads, HartHazard,
                         ::testing::Values(Threads::kOneEach, Threads::kOneForAll), name_of_threads);

TEST_P(HartHazard, APluggedHartRunsAndAnotherIsNotDisturbed) {
  plug(2);
  goes_on(2);
  goes_on(0);
  unplug(2);
  goes_on(0);
  EXPECT_EQ(count(1), 0U);
}

TEST_P(HartHazard, TheHartThatBootedGoesAndComesBackWhileOthersRun) {
  plug(1);
  goes_on(1);
  ASSERT_TRUE(machine_->unplug("cpu0")->wait());
  const std::uint32_t stopped = count(0);
  goes_on(1);
  EXPECT_EQ(count(0), stopped) << "it executes nothing more";
  plug(0);
  goes_on(0);
}

/// What a hart does at kRam + 0x800: counts in the line of its number, in the module. A trap leads to kRam.
constexpr std::array<std::uint32_t, 12> kCountInModule{
    0x00000297,   // auipc t0, 0            at 0x800
    0x80028293,   // addi t0, t0, -2048     kRam
    0x30529073,   // csrw mtvec, t0
    0x00300293,   // addi t0, zero, 3
    0x01e29293,   // slli t0, t0, 30        kModules
    0xf1402573,   // csrr a0, mhartid
    0x00651513,   // slli a0, a0, 6
    0x00a282b3,   // add t0, t0, a0
    0x0002b503,   // ld a0, 0(t0)
    0x00150513,   // addi a0, a0, 1
    0x00a2b023,   // sd a0, 0(t0)
    0xff5ff06f};  // j -12

TEST_P(HartHazard, H15_ModulesOfRamGoWhileHartsAndDmaAreAtTheirBytes) {
  memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "disk"}};
  memory::Port dma{space};
  machine_->pause();
  machine_->reset();  // the board's loader begins anew as well, so the program comes after it
  const auto before = machine_.census();
  for (std::size_t i = 0; i < kCountInModule.size(); ++i)
    ASSERT_TRUE(machine_.write32(kRam + 0x800 + 4 * i, kCountInModule[i]));
  make_memory();
  plug_memory();
  ASSERT_TRUE(machine_.write32(kRam, 0x0010'006f));  // j 0x800
  machine_->run();
  while (machine_.read32(kModules).value_or(0) < 100) machine_->loop().run_ready();

  auto hold = dma.hold(kModules + 0x8000, 0x100, memory::Port::HoldFor::kWriting, "a disk's read",
                       std::source_location::current());
  ASSERT_TRUE(hold);
  const auto ticket = machine_->unplug("peripheral/d");
  EXPECT_TRUE(ticket->wait()) << "the module goes, whoever has its bytes";
  EXPECT_FALSE(machine_.read32(kModules));
  EXPECT_EQ(machine_.census()[Census::Kind::kHold], 1);
  hold->bytes()[0xff] = std::byte{7};  // to the last byte
  EXPECT_TRUE(machine_->discard_object("m")) << "the module claims it no more";
  hold->bytes()[0xff] = std::byte{8};
  hold.reset();

  make_memory();
  plug_memory();
  EXPECT_EQ(machine_.read32(kModules + 0x80fc), 0U) << "other bytes";
  EXPECT_TRUE(machine_->unplug("peripheral/d")->wait());
  EXPECT_TRUE(machine_->discard_object("m"));
  machine_->pause();
  EXPECT_EQ(machine_.census(), before);
}

TEST_P(HartHazard, H15_TheTicketNamesWhoHasTheBytesOfAModule) {
  make_memory();
  plug_memory();
  memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "disk"}};
  memory::Port dma{space};
  auto hold = dma.hold(kModules, 0x100, memory::Port::HoldFor::kWriting, "a disk's read",
                       std::source_location::current());
  ASSERT_TRUE(hold);
  Schedule schedule;
  std::string report;
  Ref<hw::Ticket> ticket;
  schedule.run_at("hw.sever.committed", "main", [&] { report = ticket->report().to_string(); });
  ticket = machine_->unplug("peripheral/d");
  EXPECT_TRUE(ticket->wait());
  EXPECT_NE(report.find("RAM '/objects/m' held by a disk's read"), report.npos) << report;
}

TEST_P(HartHazard, H18_ABackEndIsClaimedUntilItsDeviceHasGone) {
  const auto before = machine_.census();
  make_memory();
  plug_memory();
  Schedule schedule;
  Result<void> deleted;
  schedule.run_at("hw.sever.committed", "main", [&] { deleted = machine_->discard_object("m"); });
  const auto ticket = machine_->unplug("peripheral/d");
  EXPECT_FALSE(machine_->discard_object("m")) << "it is not destroyed yet";
  EXPECT_TRUE(ticket->wait());
  ASSERT_FALSE(deleted) << "severed, and a reader may still be at its bytes";
  EXPECT_EQ(deleted.error().message,
            "object 'm' is in use by /machine/peripheral/d; it can be deleted when that has gone");
  EXPECT_TRUE(machine_->discard_object("m"));
  EXPECT_EQ(machine_.census(), before);
}

TEST_P(HartHazard, H8_AHartIsPluggedAndUnpluggedManyTimesAndNothingGrows) {
  goes_on(0);
  for (int i = 0; i < 100; ++i) {  // what is kept for good is there by now
    plug(1);
    unplug(1);
  }
  const auto census = machine_.census();
  const auto before = Footprint::now();
  const int rounds = cycles();
  for (int i = 0; i < rounds; ++i) {
    const auto core = static_cast<std::uint32_t>(1 + i % 3);
    plug(core);
    if (i % 16 == 0) goes_on(core);
    unplug(core);
  }
  EXPECT_EQ(machine_.census(), census);
  const auto after = Footprint::now();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_LE(after.mappings, before.mappings + 4);
  constexpr std::size_t kNoise = 32 * 1024;  // containers that had to grow once more
  EXPECT_LE(after.heap, before.heap + kNoise) << "after " << rounds << " cycles";
  std::cout << rounds << " cycles: heap " << before.heap << " -> " << after.heap << " bytes, mappings "
            << before.mappings << " -> " << after.mappings << "\n";
}

}  // namespace
}  // namespace holdfast::test
