// SPDX-License-Identifier: Apache-2.0
// Lifetime bugs that shipped elsewhere, by their numbers (docs/lifetimes.md), with an NVM Express controller in
// a slot and transfers under way. HOLDFAST_LONG=1 runs the cycles in full.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "holdfast/block/nbd.hpp"
#include "holdfast/devices/storage/nvme.hpp"
#include "holdfast/devices/storage/nvme_namespace.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/nbd_server.hpp"
#include "tests/support/nvme_host.hpp"
#include "tests/support/pci_slot.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

namespace reg = devices::pci::reg;
using machine::Machine;
using Stage = hw::Ticket::Stage;
using IoOpcode = NvmeHost::IoOpcode;

constexpr std::size_t kBytes = 1U << 20U;
constexpr std::uint64_t kData = NvmeHost::kData;

int cycles() {
  const char* value = std::getenv("HOLDFAST_LONG");
  return value != nullptr && *value == '1' ? 10'000 : 300;
}

/// The port's window begins where NvmeHost looks for the controller.
class NvmeHazards : public ::testing::Test {
 protected:
  NvmeHazards() { open_window(); }

  void open_window() {
    constexpr std::uint64_t kPortsOwn = pci_map::kLow + 0x800'0000;
    constexpr auto kFirst = static_cast<std::uint32_t>(NvmeHost::kBar0 >> 16);
    constexpr auto kLast = static_cast<std::uint32_t>((NvmeHost::kBar4 + 0xf0'0000) >> 16);
    slot_.set_config(SlotWorld::kPort, reg::kBar0, 4, static_cast<std::uint32_t>(kPortsOwn));
    slot_.set_config(SlotWorld::kPort, reg::kMemoryBase, 4, kLast << 16 | kFirst);
  }
  void insert(Ref<block::Backend> drive = {}) {
    if (!drive) drive = FakeDisk::as_backend(disk_);
    const auto done = slot_.plug_on<devices::Nvme>(
        {"port", "secondary"}, "disk", "0",
        devices::Nvme::Config{.serial = "test", .drive = std::move(drive)});
    ASSERT_TRUE(done) << done.error().message;
  }
  /// Powered, mapped, enabled, with queue 1.
  void start(Ref<block::Backend> drive = {}) {
    insert(std::move(drive));
    slot_.power_up();
    slot_.store(PciWorld::config_at(0, 0, reg::kBar0, 1), 4, NvmeHost::kBar0);
    slot_.store(PciWorld::config_at(0, 0, reg::kBar0 + 4, 1), 4, 0);
    slot_.store(PciWorld::config_at(0, 0, reg::kCommand, 1), 2, 0x6);
    host_.enable();
    ASSERT_TRUE(host_.is_ready());
    host_.create_queues(1);
  }
  void give_transfers() {
    host_.give(1, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
    host_.give(1, NvmeHost::transfer(IoOpcode::kWrite, 8, 1, kData));
  }
  /// A read and a write that the disk has, and has not begun.
  void begin_transfers() {
    give_transfers();
    ASSERT_EQ(disk_->waiting(), 2U);
  }
  Ref<hw::Ticket> ask(Machine::Consent consent = Machine::Consent::kAsk) {
    auto ticket = slot_->unplug("disk", consent);
    slot_.settle();
    return ticket;
  }
  void tidy() {
    slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);
    slot_.clear(0xffff);
    slot_->loop().run_ready();
  }

  SlotWorld slot_;
  Ref<FakeDisk> disk_ = FakeDisk::make(kBytes);
  NvmeHost host_{slot_, 0, [this] { return disk_->finish_one(); }};
};

TEST_F(NvmeHazards, H14_TheGuestLetsGoOfADiskWithTransfersUnderWay) {
  const auto before = slot_.test_machine().census();
  start();
  disk_->bytes[0] = std::byte{0x42};
  const auto mine = host_.read(kData, 512);
  begin_transfers();
  const auto ticket = ask();
  slot_.let_go();
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody);
  EXPECT_FALSE(ticket->done()) << "the host has its requests";
  disk_->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(host_.read(kData, 512), mine) << "cancelled in time";
  EXPECT_EQ(slot_.test_machine().census(), before);
}

TEST_F(NvmeHazards, H14_ADiskIsTornOutWithTransfersUnderWay) {
  const auto before = slot_.test_machine().census();
  start();
  begin_transfers();
  const auto ticket = ask(Machine::Consent::kSurprise);
  disk_->finish_all();
  EXPECT_TRUE(ticket->wait());
  tidy();
  start();
  EXPECT_EQ(host_.ask(1, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData)).status, NvmeHost::Status::kSuccess);
  EXPECT_EQ(ask(Machine::Consent::kSurprise)->stage(), Stage::kReclaimed);
  tidy();
  EXPECT_EQ(slot_.test_machine().census(), before);
}

TEST_F(NvmeHazards, H18_ABackEndIsItsDevicesWhileTheGuestIsAskedAndUntilItHasGone) {
  start();
  const auto ticket = ask();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  EXPECT_FALSE(disk_->claim("somebody else")) << "the guest has not agreed";
  begin_transfers();
  slot_.let_go();
  EXPECT_FALSE(disk_->claim("somebody else")) << "it is severed, and its requests are with the host";
  disk_->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_TRUE(disk_->claim("somebody else"));
}

TEST_F(NvmeHazards, H4_AControllerGoesWithTheNamespacesOnItsBus) {
  const auto before = slot_.test_machine().census();
  start();
  const auto other = FakeDisk::make(kBytes);
  boards::BoardPlan plan{"plug of a namespace"};
  const auto device = plan.add<devices::NvmeNamespace>("space", {.drive = FakeDisk::as_backend(other), .id = 2});
  plan.existing("disk");
  plan.link({{device.link("bus"), {"disk", "namespaces"}}});
  ASSERT_TRUE(slot_->realize(plan));
  const auto ticket = ask();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  slot_.let_go();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(slot_->find_now("space"), nullptr);
  EXPECT_TRUE(other->claim("somebody else"));
  EXPECT_EQ(slot_.test_machine().census(), before);
}

// Of twenty controllers, half go with transfers under way, ten with the guest's consent, six by surprise, four
// were never powered; of those with transfers, one has its drive at a server that is killed.
class NvmeCycles : public NvmeHazards {
 protected:
  struct Kind {
    bool powered;
    bool busy;
    bool surprise;
    bool at_server;
  };
  static Kind kind_of(int round) {
    const int way = round % 10;
    const bool is_powered = way != 4 && way != 8;
    const bool is_busy = way <= 2 || way == 5 || way == 6;
    return {.powered = is_powered, .busy = is_busy, .surprise = way >= 5 && way <= 7,
            .at_server = round % 20 == 5 || round % 40 == 12};
  }

  void cycle(int round) {
    const Kind kind = kind_of(round);
    Ref<block::Backend> drive;
    if (kind.at_server) {
      server_.start({"--filter=delay", "memory", "1M", "delay-read=3600", "delay-write=3600"});
      drive = block::Nbd::open({.name = "a drive at a server", .path = server_.path()}).value();
    }
    kind.powered ? start(drive) : insert();
    if (kind.busy && drive) give_transfers();
    if (kind.busy && !drive) begin_transfers();
    if (round % 7 == 0) disk_->failure = block::Failure::kInputOutput;  // the back-end dies under it
    if (drive) server_.kill();
    drive = {};
    const auto ticket = ask(kind.surprise ? Machine::Consent::kSurprise : Machine::Consent::kAsk);
    if (kind.powered && !kind.surprise) slot_.let_go();
    disk_->finish_all();
    ASSERT_TRUE(ticket->wait());
    disk_->failure.reset();
    disk_->done.clear();
    tidy();
  }

  /// What a processor does that looks at the controller all the time.
  void look_around() {
    memory::AddressSpace space{slot_->fabric(), slot_->bus().memory().region(), {.name = "cpu"}};
    memory::Port port{space};
    std::uint64_t value = 0;
    while (!stop_.load(std::memory_order_relaxed)) {
      for (const std::uint64_t at : {NvmeHost::kBar0 + NvmeHost::kCsts, NvmeHost::kBar0 + 0x2000,
                                     PciWorld::config_at(0, 0, 0, 1)})
        static_cast<void>(port.load(at, 4, value, {}));
      std::this_thread::yield();
    }
  }

  /// By two of them.
  template <class Action>
  void while_looked_at(Action action) {
    stop_ = false;
    std::array<testing::Thread, 2> cpus{testing::Thread{"cpu 0", [this] { look_around(); }},
                                        testing::Thread{"cpu 1", [this] { look_around(); }}};
    action();
    stop_ = true;
    for (auto& cpu : cpus) cpu.join();
  }

  testing::NbdServer server_;
  std::atomic<bool> stop_ = false;
};

TEST_F(NvmeCycles, H25_DisksComeAndGoWithTransfersUnderWayAndNothingGrows) {
  const auto census = slot_.test_machine().census();
  while_looked_at([&] {
    for (int i = 0; i < 120; ++i) cycle(i);
  });
  EXPECT_EQ(slot_.test_machine().census(), census);
  const int rounds = cycles();
  ResidentTrend resident{rounds};
  const auto before = Footprint::now();  // what is kept for good is there by now
  while_looked_at([&] {
    for (int i = 0; i < rounds; ++i) {
      cycle(i);
      if (resident.wants_sample_after(i)) resident.sample();
    }
  });
  EXPECT_EQ(slot_.test_machine().census(), census);
  auto after = Footprint::now();
  // What the threads of servers' drives had is closed by them, soon.
  while (after.descriptors > before.descriptors) after = Footprint::now();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_LE(after.mappings, before.mappings + 4);
  constexpr std::size_t kNoise = 32 * 1024;  // containers that had to grow once more
  EXPECT_LE(after.heap, before.heap + kNoise) << "after " << rounds << " cycles";
  std::cout << rounds << " cycles: heap " << before.heap << " -> " << after.heap << " bytes, mappings "
            << before.mappings << " -> " << after.mappings << "\n";
  resident.expect_no_rise();
}

}  // namespace
}  // namespace holdfast::test
