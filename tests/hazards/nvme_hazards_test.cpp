// SPDX-License-Identifier: Apache-2.0
// Lifetime bugs that shipped elsewhere, by their numbers (docs/lifetimes.md), with an NVM Express controller in
// a slot and transfers under way. HOLDFAST_LONG=1 runs the cycles in full.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
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
#include "tests/support/pci_devices.hpp"
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
constexpr std::uint64_t kPeer = pci_map::kLow + 0x400'0000;

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
  void insert(devices::Nvme::Config config) {
    config.serial = "test";
    if (!config.drive) config.drive = FakeDisk::as_backend(disk_);
    const auto done = slot_.plug_on<devices::Nvme>({"port", "secondary"}, "disk", "0", std::move(config));
    ASSERT_TRUE(done) << done.error().message;
  }
  /// Powered, mapped, enabled, with queue 1.
  void start(devices::Nvme::Config config = {}) {
    insert(std::move(config));
    slot_.power_up();
    for (const auto& [bar, at] : {std::pair{reg::kBar0, NvmeHost::kBar0}, std::pair{reg::kBar0 + 8, NvmeHost::kBar2},
                                  std::pair{reg::kBar0 + 16, NvmeHost::kBar4}}) {
      slot_.store(PciWorld::config_at(0, 0, bar, 1), 4, at);
      slot_.store(PciWorld::config_at(0, 0, bar + 4, 1), 4, 0);
    }
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
  void tear_out() {
    const auto ticket = ask(Machine::Consent::kSurprise);
    disk_->finish_all();
    EXPECT_TRUE(ticket->wait());
    tidy();
  }
  static NvmeHost::Submission read(std::uint64_t to) { return NvmeHost::transfer(IoOpcode::kRead, 0, 1, to); }
  /// The drive's first word goes to `address`, and what is behind it nowhere.
  NvmeHost::Submission read_word_to(std::uint64_t address, std::uint32_t blocks = 1) {
    constexpr std::uint64_t kList = kData + 0x1'0000;
    constexpr std::uint64_t kBucket = 1ULL << 60U;  // types of descriptors
    constexpr std::uint64_t kLastSegment = 3ULL << 60U;
    std::uint64_t at = kList;
    for (const std::uint64_t word : {address, std::uint64_t{4}, std::uint64_t{0}, kBucket | (512 * blocks - 4)}) {
      slot_.store(at, 8, word);
      at += 8;
    }
    auto entry = NvmeHost::transfer(IoOpcode::kRead, 0, blocks, kList, kLastSegment | 32);
    entry.dw[0] |= 1U << 14U;
    return entry;
  }
  void set_first_word(std::uint32_t word) { std::memcpy(disk_->bytes.data(), &word, sizeof word); }
  /// A function that does as its registers are written, on the root bus.
  void plug_peer() {
    ASSERT_TRUE(slot_.plug<PciProbe>("peer", "5"));
    slot_.set_config(5, reg::kBar0, 4, static_cast<std::uint32_t>(kPeer));
    slot_.set_config(5, reg::kCommand, 2, 0x6);
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

// Its commands' data are the shadows of its own doorbells, so they never end; a processor looks at it meanwhile.
TEST_F(NvmeHazards, H14_ADiskIsTornOutWhileItsQueueFeedsItself) {
  const auto before = slot_.test_machine().census();
  start();
  host_.disable();
  constexpr std::uint64_t kShadows = kData + 0x2'0000;
  const auto put = [&](std::uint32_t slot, std::uint32_t opcode, std::uint64_t prp1, std::uint64_t prp2,
                       std::uint32_t offset) {
    auto entry = NvmeHost::command(NvmeHost::AdminOpcode{static_cast<std::uint8_t>(opcode)});
    NvmeHost::set_pair(entry, 6, prp1);
    NvmeHost::set_pair(entry, 8, prp2);
    entry.dw[10] = 5;  // a word of the log of effects: 1 at 0, 3 at 1024
    entry.dw[12] = offset;
    host_.write(NvmeHost::kRings + 64 * slot, std::as_bytes(std::span{entry.dw}));
  };
  host_.set_reg(NvmeHost::kAqa, 3U << 16U | 3U);
  host_.set_reg(NvmeHost::kCc, NvmeHost::kEnable);
  put(0, 0x7c, kShadows, kShadows + 0x1000, 0);
  host_.set_reg(0x1000, 1);
  slot_.write32(kShadows + 4, 1);
  for (const std::uint32_t slot : {0U, 1U, 2U, 3U})
    put(slot, 2, kShadows + 4 * (slot % 2), 0, slot == 0 || slot == 3 ? 1024 : 0);
  host_.set_reg(0x1000, 3);
  for (int i = 0; i < 3; ++i) EXPECT_NE(slot_->loop().run_ready(), 0U) << "it goes on";
  std::atomic<bool> gone = false;
  testing::Thread cpu{"cpu", [&] {
                        while (!gone) static_cast<void>(slot_.read32(NvmeHost::kBar0 + NvmeHost::kCsts));
                      }};
  for (int i = 0; i < 10; ++i) EXPECT_NE(slot_->loop().run_ready(), 0U);
  EXPECT_TRUE(ask(Machine::Consent::kSurprise)->wait());
  gone = true;
  cpu.join();
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

// Its own memory is what it reads to, by its address on the bus and by the one that it was given for itself.
TEST_F(NvmeHazards, H3_AControllerWhoseOwnMemoryIsItsBufferIsUnplugged) {
  const auto before = slot_.test_machine().census();
  auto memory = hw::MemoryBackend::make(slot_->context(), {.type = hw::MemoryBackend::kRamType,
                                                           .id = "pmr",
                                                           .size = 0x1'0000});
  ASSERT_TRUE(memory);
  start({.buffer_mib = 2, .persistent = memory->get()});
  constexpr std::uint64_t kOwn = 0x55'0000'0000;
  host_.set_reg64(0x50, kOwn | 3U);  // CMBMSC
  host_.set_reg(0xe04, 1);           // PMRCTL
  for (const std::uint64_t to : {NvmeHost::kBar2, kOwn + 0x1000, NvmeHost::kBar4}) host_.give(1, read(to));
  EXPECT_EQ(disk_->waiting(), 3U);
  const auto ticket = ask();
  slot_.let_go();
  EXPECT_EQ(slot_->find_now("disk"), nullptr) << "which delays the memory and not the device";
  EXPECT_FALSE(ticket->done()) << "the host has its requests";
  disk_->finish_all();
  EXPECT_TRUE(ticket->wait());
  memory->reset();
  EXPECT_EQ(slot_.test_machine().census(), before);
}

// The guest has the controller write to the control register of its own slot.
TEST_F(NvmeHazards, H16_TheGuestEjectsAControllerByWhatItReads) {
  const auto before = slot_.test_machine().census();
  start();
  set_first_word(SlotWorld::kOff | SlotWorld::kNoPower);
  host_.give(1, read_word_to(PciWorld::config_at(SlotWorld::kPort, 0, slot_.capability_at() + 0x18)));
  host_.give(1, read(kData));
  const auto ticket = ask();
  EXPECT_EQ(ticket->stage(), Stage::kRequested);
  EXPECT_TRUE(disk_->finish_one());
  slot_.settle();
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody) << "gone with the first";
  EXPECT_FALSE(ticket->done()) << "the host has the second";
  disk_->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(slot_.test_machine().census(), before);
}

TEST_F(NvmeHazards, H27_AControllerWhoseDataMessagesAndCompletionsMeanItsOwnDoorbells) {
  using Status = NvmeHost::Status;
  const auto before = slot_.test_machine().census();
  start();
  constexpr std::uint64_t kDoorbell = NvmeHost::kBar0 + 0x1008;
  EXPECT_EQ(host_.ask(1, read(NvmeHost::kBar0 + 0x1000)).status, Status::kDataTransferError);
  EXPECT_EQ(host_.ask(1, read_word_to(kDoorbell)).status, Status::kDataTransferError);
  EXPECT_EQ(host_.ask(1, NvmeHost::transfer(IoOpcode::kWrite, 0, 1, NvmeHost::kBar0)).status,
            Status::kDataTransferError);
  // Each message would have it begin the command that is behind those.
  host_.put(1, read(kData));
  const std::uint64_t table = NvmeHost::kBar0 + 0x2000;
  slot_.store(table, 8, kDoorbell);
  slot_.write32(table + 8, 4);
  slot_.write32(table + 12, 0);
  unsigned msix = slot_.read32(PciWorld::config_at(0, 0, reg::kCapabilities, 1)) & 0xffU;
  while ((slot_.read32(PciWorld::config_at(0, 0, msix, 1)) & 0xffU) != devices::pci::capability::kMsix)
    msix = slot_.read32(PciWorld::config_at(0, 0, msix, 1)) >> 8U & 0xffU;
  slot_.store(PciWorld::config_at(0, 0, msix + 2, 1), 2, 0x8000);
  EXPECT_EQ(host_.admin(host_.identify(1)).status, Status::kSuccess);
  EXPECT_EQ(disk_->waiting(), 0U);
  slot_.store(PciWorld::config_at(0, 0, msix + 2, 1), 2, 0);
  host_.ring_doorbell(1);
  EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
  // Queues whose completions would be written there.
  auto completions = NvmeHost::create_completions(2, 16);
  NvmeHost::set_pair(completions, 6, NvmeHost::kBar0 + 0x1000);
  EXPECT_EQ(host_.admin(completions).status, Status::kSuccess);
  EXPECT_EQ(host_.admin(NvmeHost::create_submissions(2, 16)).status, Status::kSuccess);
  EXPECT_FALSE(host_.is_fatal());
  host_.set_reg(0x1010, 1);
  EXPECT_TRUE(host_.is_fatal()) << "what cannot be written is";
  tear_out();
  EXPECT_EQ(slot_.test_machine().census(), before);
}

// Its data have a peer write to its doorbell.
TEST_F(NvmeHazards, H28_AControllerThatReachesItselfThroughAPeer) {
  const auto before = slot_.test_machine().census();
  start();
  plug_peer();
  slot_.store(kPeer + PciProbe::kAddress, 8, NvmeHost::kBar0 + 0x1008);
  slot_.write32(kPeer + PciProbe::kData, 2);
  set_first_word(0xffff'ffff);
  host_.give(1, read_word_to(kPeer + PciProbe::kStore));
  host_.put(1, read(kData));
  EXPECT_TRUE(disk_->finish_one());
  EXPECT_EQ(disk_->waiting(), 0U) << "the peer cannot come back with it";
  EXPECT_NE(slot_.read32(kPeer + PciProbe::kResult), 0U);
  slot_.write32(kPeer + PciProbe::kStore, 0xffff'ffff);
  EXPECT_EQ(disk_->waiting(), 1U) << "of its own accord it can";
  for (int i = 0; i < 2; ++i) EXPECT_EQ(host_.wait(1).status, NvmeHost::Status::kSuccess);
  EXPECT_TRUE(slot_.unplug("peer"));
  tear_out();
  EXPECT_EQ(slot_.test_machine().census(), before);
}

TEST_F(NvmeHazards, H30_ACommandWaitsForBuffersAndThePeerThatItMeansGoesMeanwhile) {
  const auto before = slot_.test_machine().census();
  start();
  plug_peer();
  for (int i = 0; i < 3; ++i) host_.give(1, read_word_to(kPeer + PciProbe::kHit, 800));
  EXPECT_EQ(disk_->waiting(), 2U) << "a MiB at a time";
  EXPECT_TRUE(disk_->finish_one());
  EXPECT_EQ(disk_->waiting(), 2U) << "who waited is next";
  EXPECT_EQ(slot_.read32(kPeer + PciProbe::kHits), 1U);
  host_.give(1, read_word_to(kPeer + PciProbe::kHit, 800));
  EXPECT_TRUE(slot_.unplug("peer"));
  EXPECT_EQ(disk_->waiting(), 2U);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(host_.wait(1).status, NvmeHost::Status::kSuccess) << "a write that nobody claims";
  // And the controller itself, with one that waits.
  for (int i = 0; i < 3; ++i) host_.give(1, read_word_to(kPeer, 800));
  tear_out();
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
    kind.powered ? start({.drive = drive}) : insert({});
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
