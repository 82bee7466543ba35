// SPDX-License-Identifier: Apache-2.0
// Lifetime bugs that shipped elsewhere, by their numbers (docs/lifetimes.md), with PCI functions in a slot:
// plugged, let go of by the guest, torn out. HOLDFAST_LONG=1 runs the cycles in full.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/devices/pci/pci_bridges.hpp"
#include "holdfast/memory/mapping.hpp"
#include "tests/support/footprint.hpp"
#include "tests/support/pci_slot.hpp"
#include "tests/support/schedule.hpp"

namespace holdfast::test {
namespace {

namespace reg = devices::pci::reg;
using devices::pci::PciePciBridge;
using machine::Machine;
using memory::BounceBudget;
using memory::Mapping;
using memory::MemTxResult;
using Stage = hw::Ticket::Stage;

constexpr std::uint64_t kWindow = SlotWorld::kWindow;
constexpr std::uint64_t kPeer = pci_map::kLow + 0x20'0000;  // of a function on the root bus
constexpr std::uint64_t kRam = pci_map::kRam;
constexpr std::uint64_t kBank = 0x9000'0000;

int cycles() {
  const char* value = std::getenv("HOLDFAST_LONG");
  return value != nullptr && *value == '1' ? 10'000 : 300;
}

class PciHazards : public ::testing::Test {
 protected:
  PciHazards() : before_{slot_.test_machine().census()} {}
  ~PciHazards() override {
    slot_.settle();
    EXPECT_EQ(slot_.test_machine().census(), before_);
  }

  /// In the slot, powered and mapped at kWindow.
  template <class T = PciProbe>
  void plug(const std::string& name = "probe") {
    const auto done = slot_.insert<T>(name);
    ASSERT_TRUE(done) << done.error().message;
    slot_.power_up();
    slot_.map_device();
  }
  Ref<hw::Ticket> ask(std::string name = "probe") {
    auto ticket = slot_->unplug(std::move(name));
    slot_.settle();
    return ticket;
  }
  /// The guest is asked and agrees.
  void unplug(const std::string& name = "probe") {
    const auto ticket = ask(name);
    slot_.let_go();
    EXPECT_TRUE(ticket->wait());
    slot_.clear(0xffff);
  }
  void tear_out(const std::string& name = "probe") {
    EXPECT_TRUE(slot_->unplug(name, Machine::Consent::kSurprise)->wait());
    slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);
    slot_.clear(0xffff);
  }
  std::uint32_t probe(std::uint64_t offset, std::uint64_t at = kWindow) { return slot_.read32(at + offset); }
  void set_probe(std::uint64_t offset, std::uint32_t value, std::uint64_t at = kWindow) {
    slot_.write32(at + offset, value);
  }
  /// The function stores a word by DMA.
  std::uint32_t store_by_dma(std::uint64_t address, std::uint32_t data) {
    set_probe(PciProbe::kAddress, static_cast<std::uint32_t>(address));
    set_probe(PciProbe::kAddressUpper, static_cast<std::uint32_t>(address >> 32));
    set_probe(PciProbe::kData, data);
    set_probe(PciProbe::kStore, 0xffff'ffff);
    return probe(PciProbe::kResult);
  }
  /// Another probe, on the root bus, mapped at kPeer.
  void plug_peer() {
    ASSERT_TRUE(slot_.plug<PciProbe>("peer", "5"));
    slot_.set_config(5, reg::kBar0, 4, static_cast<std::uint32_t>(kPeer));
    slot_.set_config(5, reg::kCommand, 2, 0x6);
  }

  SlotWorld slot_;
  const Census::Snapshot before_;
};

std::optional<Mapping> map_for(devices::pci::Function& function, const std::shared_ptr<BounceBudget>& budget,
                               std::uint64_t address, std::uint64_t length) {
  return Mapping::make(function.dma().control(), budget,
                       {.address = address,
                        .length = length,
                        .direction = Mapping::Direction::kToGuest,
                        .attrs = function.attrs(),
                        .who = "a request"});
}

TEST_F(PciHazards, H3_AFunctionThatMapsItsOwnBarForDmaIsUnplugged) {
  plug<PciRam>("ram1");
  auto& function = slot_.get<PciRam>("ram1");
  const auto budget = std::make_shared<BounceBudget>();
  {
    auto request = map_for(function, budget, kWindow + 0x100, 0x100);
    ASSERT_TRUE(request);
    EXPECT_FALSE(request->is_bounced()) << "it holds the RAM behind its own BAR";
    unplug("ram1");
    EXPECT_EQ(slot_->find_now("ram1"), nullptr) << "which delays the RAM and not the device";
    request->bytes()[0xff] = std::byte{1};
  }
}

TEST_F(PciHazards, H3_AFunctionWhoseOwnRegistersAreItsBufferIsUnplugged) {
  plug();
  auto& function = slot_.get<PciProbe>("probe");
  const auto budget = std::make_shared<BounceBudget>();
  auto request = map_for(function, budget, kWindow, 0x10);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->is_bounced());
  unplug();
  EXPECT_NE(request->finish(4), MemTxResult::kOk) << "it ends in nothing";
}

TEST_F(PciHazards, H14_WhatIsInFlightWhenAFunctionGoesEndsInMemoryThatIsStillThere) {
  plug();
  const auto budget = std::make_shared<BounceBudget>();
  for (const bool surprise : {false, true}) {
    auto request = map_for(slot_.get<PciProbe>("probe"), budget, kRam + 0x1000, 0x1000);
    ASSERT_TRUE(request);
    surprise ? tear_out() : unplug();
    request->bytes()[0xfff] = std::byte{0x5a};
    request->finish(0x1000);
    EXPECT_EQ(slot_.read32(kRam + 0x1ffc), 0x5a00'0000U) << "to the last byte";
    slot_.write32(kRam + 0x1ffc, 0);
    if (!surprise) plug();
  }
}

TEST_F(PciHazards, H15_TheMemoryThatAFunctionHasMappedGoesBeforeIt) {
  boards::BoardPlan plan{"bank"};
  const auto bank = plan.ram("bank", 0x1000);
  plan.map_into(plan.existing("bus").region("memory"), {{kBank, bank}});
  ASSERT_TRUE(slot_->realize(plan));
  plug();
  const auto budget = std::make_shared<BounceBudget>();
  auto request = map_for(slot_.get<PciProbe>("probe"), budget, kBank, 0x1000);
  ASSERT_TRUE(request);
  EXPECT_TRUE(slot_.unplug("bank")) << "whoever has its bytes";
  request->bytes()[0xfff] = std::byte{7};
  unplug();
  request->bytes()[0xfff] = std::byte{8};
  request.reset();
}

// The guest has the function write to the control register of its own slot.
TEST_F(PciHazards, H16_TheGuestEjectsAFunctionFromInsideItsOwnCallback) {
  plug();
  const auto ticket = ask();
  const std::uint64_t control =
      PciWorld::config_at(SlotWorld::kPort, 0, slot_.capability_at() + 0x18);
  set_probe(PciProbe::kAddress, static_cast<std::uint32_t>(control));
  set_probe(PciProbe::kData, SlotWorld::kOff | SlotWorld::kNoPower);
  set_probe(PciProbe::kStore, 0xffff'ffff);
  EXPECT_EQ(probe(0), SlotWorld::kNobody) << "gone when the store returns";
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kNobody);
  EXPECT_TRUE(ticket->wait());
}

TEST_F(PciHazards, H17_AFunctionIsTornDownAfterTheMemoryThatItsRingIsIn) {
  plug();
  plug_peer();
  boards::BoardPlan plan{"bank"};
  const auto bank = plan.ram("bank", 0x1000);
  plan.map_into(plan.existing("bus").region("memory"), {{kBank, bank}});
  ASSERT_TRUE(slot_->realize(plan));
  EXPECT_EQ(store_by_dma(kBank, 42), 0U);
  EXPECT_TRUE(slot_.unplug("bank"));
  EXPECT_NE(store_by_dma(kBank, 43), 0U) << "nobody answers there";
  EXPECT_TRUE(slot_.unplug("peer"));
  EXPECT_EQ(store_by_dma(kPeer + PciProbe::kHit, 1), 0U) << "nor there: what is written is lost";
  unplug();
}

TEST_F(PciHazards, H20_APlugThatFailsAtAnyPartLeavesTheSlotAsItWas) {
  const std::uint16_t status = slot_.status();
  std::size_t parts = 0;
  for (bool done = false; !done; ++parts) {
    hw::FaultPlan fault{.fail_at = parts};
    slot_->context().faults = &fault;
    done = slot_.insert().has_value();
    slot_->context().faults = nullptr;
    if (!done) {
      EXPECT_EQ(slot_.test_machine().census(), before_) << "part " << parts;
      EXPECT_EQ(slot_.status(), status) << "nobody was told";
    }
  }
  EXPECT_GT(parts, 15U);
  EXPECT_EQ(ask()->stage(), Stage::kReclaimed);
  slot_.clear(0xffff);
}

TEST_F(PciHazards, H21_TheSlotIsFreeAndTheNameTooWhenTheTicketSaysSo) {
  plug();
  const auto ticket = ask();
  EXPECT_EQ(ask()->stage(), Stage::kRefused) << "the guest has been asked";
  EXPECT_FALSE(slot_.insert("other")) << "its place is taken";
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("gate.entered", "cpu");
  testing::Thread cpu{"cpu", [&] { static_cast<void>(probe(PciProbe::kHits)); }};
  inside.wait_reached();
  slot_.let_go();
  EXPECT_EQ(ticket->stage(), Stage::kSevered);
  EXPECT_EQ(ask()->report().reason, "device 'probe': not found");
  EXPECT_FALSE(slot_.insert()) << "severed, and somebody is still inside";
  EXPECT_FALSE(slot_.insert("other"));
  inside.release();
  cpu.join();
  EXPECT_TRUE(ticket->wait());
  EXPECT_TRUE(slot_.insert());
  EXPECT_EQ(ask()->stage(), Stage::kReclaimed);
  slot_.clear(0xffff);
}

TEST_F(PciHazards, H22_AFunctionGoesFromWhereverItsBusAndItsBarHaveMovedTo) {
  for (unsigned round = 1; round < 6; ++round) {
    plug();
    const unsigned bus = 2 * round;
    slot_.set_config(SlotWorld::kPort, reg::kPrimaryBus, 4, bus << 16 | bus << 8);
    slot_.store(PciWorld::config_at(0, 0, reg::kBar0, bus), 4, kWindow + 0x4000 * round);
    EXPECT_EQ(probe(PciProbe::kHits, kWindow + 0x4000 * round), 0U);
    round % 2 == 0 ? unplug() : tear_out();
    EXPECT_EQ(slot_.read32(PciWorld::config_at(0, 0, 0, bus)), SlotWorld::kNobody);
    EXPECT_EQ(probe(0, kWindow + 0x4000 * round), SlotWorld::kNobody);
    slot_.number_and_open();
  }
}

TEST_F(PciHazards, H27_AFunctionWhoseDmaMeansItsOwnRegisters) {
  plug();
  EXPECT_EQ(store_by_dma(kWindow + PciProbe::kHit, 1), static_cast<std::uint32_t>(MemTxResult::kAccessError));
  EXPECT_EQ(probe(PciProbe::kHits), 0U);
  unplug();
}

// Through its own configuration space, which is another of its faces, and through a peer that writes back.
TEST_F(PciHazards, H28_ByDetoursOfOthers) {
  plug();
  plug_peer();
  const auto own = PciWorld::config_at(0, 0, reg::kCommand, 1);
  EXPECT_EQ(store_by_dma(own, 0), static_cast<std::uint32_t>(MemTxResult::kAccessError));
  EXPECT_EQ(slot_.load(own, 2), 0x6U);

  set_probe(PciProbe::kAddress, static_cast<std::uint32_t>(kWindow + PciProbe::kHit), kPeer);
  EXPECT_EQ(store_by_dma(kPeer + PciProbe::kStore, 0xffff'ffff), 0U) << "posted to the peer";
  EXPECT_EQ(probe(PciProbe::kHits), 0U) << "which cannot come back with it";
  set_probe(PciProbe::kStore, 0xffff'ffff, kPeer);
  EXPECT_EQ(probe(PciProbe::kHits), 1U) << "of its own accord it can";
  EXPECT_TRUE(slot_.unplug("peer"));
  unplug();
}

TEST_F(PciHazards, H29_ARequestNeverEndsBeyondWhatItMapped) {
  plug();
  plug_peer();
  const auto budget = std::make_shared<BounceBudget>();
  {
    auto request = map_for(slot_.get<PciProbe>("probe"), budget, kPeer + PciProbe::kHit, 4);
    ASSERT_TRUE(request && request->is_bounced());
    for (const std::byte byte : request->bytes()) EXPECT_EQ(byte, std::byte{0});
    EXPECT_TRUE(slot_.unplug("peer"));
    EXPECT_EQ(request->finish(4), MemTxResult::kOk) << "a write that nobody claims";
  }
  unplug();
}

TEST_F(PciHazards, H30_PeerToPeerWaitsForRoomAndThePeerMayGoMeanwhile) {
  plug();
  plug_peer();
  const auto budget = std::make_shared<BounceBudget>(std::size_t{16});
  auto& function = slot_.get<PciProbe>("probe");
  auto first = map_for(function, budget, kPeer, 16);
  ASSERT_TRUE(first);
  EXPECT_FALSE(map_for(function, budget, kPeer, 16)) << "no room";
  int woken = 0;
  budget->when_room([&] { ++woken; });
  EXPECT_TRUE(slot_.unplug("peer"));
  EXPECT_EQ(woken, 0);
  first.reset();
  EXPECT_EQ(woken, 1);
  auto next = map_for(function, budget, kRam, 16);
  EXPECT_TRUE(next);
  next.reset();
  unplug();
}

TEST_F(PciHazards, H31_AccessesThatAreWiderThanDeclaredOrStraddle) {
  plug();
  memory::AddressSpace space{slot_->fabric(), slot_->bus().memory().region(), {.name = "cpu"}};
  memory::Port port{space};
  std::array<std::byte, 64> bytes{};
  // The table of messages takes words; its neighbours begin where it ends.
  for (const std::uint64_t at : {PciProbe::kTable - 8, PciProbe::kTable + 1,
                                 PciProbe::kTable + PciProbe::kVectors * 16 - 4, PciProbe::kPending - 4,
                                 PciProbe::kBytes - 8}) {
    static_cast<void>(port.read(kWindow + at, bytes));
    static_cast<void>(port.write(kWindow + at, bytes));
  }
  std::uint64_t value = 0;
  for (const unsigned size : {1U, 2U})
    EXPECT_NE(port.load(kWindow + PciProbe::kTable, size, value, {}), MemTxResult::kOk) << size;
  // Configuration space is 4 KiB of bytes, words and double words.
  static_cast<void>(port.read(PciWorld::config_at(0, 0, 0xfe0, 1), bytes));
  static_cast<void>(port.write(PciWorld::config_at(0, 0, 0xfe0, 1), bytes));
  EXPECT_EQ(slot_.id_in_slot(), SlotWorld::kProbeId);
  slot_.map_device();
  unplug();
}

// --- many times ------------------------------------------------------------------------------------

/// What is plugged, once each, and how it goes.
struct Subject {
  std::string name;
  std::function<void(SlotWorld&)> plug;
  bool is_probe = false;  // it can be told to transfer
};

std::string name_of_subject(const ::testing::TestParamInfo<Subject>& info) { return info.param.name; }

template <class T>
void plug_alone(SlotWorld& slot) {
  ASSERT_TRUE(slot.insert<T>("it"));
}

void plug_family(SlotWorld& slot) {
  ASSERT_TRUE(slot.insert<PciePciBridge>("it"));
  ASSERT_TRUE(slot.plug_on<PciProbe>({"it", "secondary"}, "one", ""));
  ASSERT_TRUE(slot.plug_on<PciRam>({"it", "secondary"}, "two", ""));
  ASSERT_TRUE(slot.plug_on<devices::pci::PciBridge>({"it", "secondary"}, "inner", ""));
  ASSERT_TRUE(slot.plug_on<PciShelf>({"inner", "secondary"}, "three", ""));
}

/// A processor that looks at the function in the slot all the time: at its BAR, and at its configuration. One that
/// can transfer is told to. It has looked once when this is made.
class Onlooker {
 public:
  Onlooker(SlotWorld& slot, bool transfers)
      : slot_{slot}, transfers_{transfers}, cpu_{"cpu", [this] { look(); }} {
    looked_.wait();
  }
  ~Onlooker() {
    stop_ = true;
    cpu_.join();
  }
  Onlooker(const Onlooker&) = delete;
  Onlooker& operator=(const Onlooker&) = delete;

 private:
  void look() {
    memory::AddressSpace space{slot_->fabric(), slot_->bus().memory().region(), {.name = "cpu"}};
    memory::Port port{space};
    std::uint64_t value = 0;
    for (bool first = true; !stop_; first = false) {
      for (const std::uint64_t at : {kWindow, kWindow + 0x100, PciWorld::config_at(0, 0, 0, 1)})
        static_cast<void>(port.load(at, 4, value, {}));
      if (transfers_) static_cast<void>(port.store(kWindow + PciProbe::kStore, 4, 0xffff'ffff, {}));
      if (first) looked_.count_down();
      std::this_thread::yield();
    }
  }

  SlotWorld& slot_;  // outlives this
  const bool transfers_;
  std::atomic<bool> stop_ = false;
  std::latch looked_{1};
  testing::Thread cpu_;
};

class PciCycles : public ::testing::TestWithParam<Subject> {
 protected:
  enum class Way { kAsked, kTornOut, kUnpowered, kReset };
  enum class Traffic { kNone, kLookedAt };

  void cycle(Way way, Traffic traffic = Traffic::kNone) {
    GetParam().plug(slot_);
    if (way != Way::kUnpowered) {
      slot_.power_up();
      slot_.map_device();
      static_cast<void>(slot_.read32(SlotWorld::kWindow));
    }
    const bool transfers = traffic == Traffic::kLookedAt && GetParam().is_probe && way != Way::kUnpowered;
    auto transfer = transfers ? begin_transfer() : std::nullopt;  // under way until the function has gone
    std::optional<Onlooker> onlooker;
    if (traffic == Traffic::kLookedAt) onlooker.emplace(slot_, transfers);
    const auto ticket = slot_->unplug(
        "it", way == Way::kTornOut ? Machine::Consent::kSurprise : Machine::Consent::kAsk);
    slot_.settle();
    if (way == Way::kAsked) slot_.let_go();
    if (way == Way::kReset) {
      slot_->reset();
      slot_.number_and_open();
    }
    ASSERT_TRUE(ticket->wait());
    if (transfer) transfer->finish(transfer->bytes().size());
    onlooker.reset();
    slot_.command(SlotWorld::kOff | SlotWorld::kNoPower);
    slot_.clear(0xffff);
    slot_->loop().run_ready();  // forgets that it was woken for jobs that are done
  }
  /// Of the host's; and what the function stores by DMA when it is told to goes to RAM.
  std::optional<Mapping> begin_transfer() {
    slot_.write32(kWindow + PciProbe::kAddress, static_cast<std::uint32_t>(kRam + 0x100));
    auto transfer = map_for(slot_.get<PciProbe>("it"), budget_, kRam + 0x1000, 0x1000);
    EXPECT_TRUE(transfer);
    return transfer;
  }
  /// Each way with a processor that looks on and without.
  void cycles_of_all_ways(int rounds, ResidentTrend& resident) {
    constexpr std::array kWays{Way::kAsked, Way::kTornOut, Way::kUnpowered, Way::kAsked, Way::kReset};
    for (int i = 0; i < rounds && !HasFatalFailure(); ++i) {
      cycle(kWays[static_cast<std::size_t>(i) % kWays.size()], i % 2 == 0 ? Traffic::kLookedAt : Traffic::kNone);
      if (!resident.wants_sample_after(i)) continue;
      slot_->services().realm().domain().barrier();
      resident.sample();
    }
  }

  SlotWorld slot_;
  const std::shared_ptr<BounceBudget> budget_ = std::make_shared<BounceBudget>();
};

INSTANTIATE_TEST_SUITE_P(Types, PciCycles,
                         ::testing::Values(Subject{"Probe", plug_alone<PciProbe>, true},
                                           Subject{"Ram", plug_alone<PciRam>},
                                           Subject{"Shelf", plug_alone<PciShelf>},
                                           Subject{"Resizer", plug_alone<PciResizer>},
                                           Subject{"BridgeWithAllBehindIt", plug_family}),
                         name_of_subject);

TEST_P(PciCycles, H25_PluggedAndUnpluggedManyTimesAndNothingGrows) {
  {
    constexpr int kFirst = 100;  // what is kept for good is there by then
    ResidentTrend any{kFirst};
    cycles_of_all_ways(kFirst, any);
  }
  const auto census = slot_.test_machine().census();
  const int rounds = cycles();
  ResidentTrend resident{rounds};
  const auto before = Footprint::now();
  cycles_of_all_ways(rounds, resident);
  EXPECT_EQ(slot_.test_machine().census(), census);
  const auto after = Footprint::now();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_LE(after.mappings, before.mappings + 4);
  constexpr std::size_t kNoise = 32 * 1024;  // containers that had to grow once more
  EXPECT_LE(after.heap, before.heap + kNoise) << "after " << rounds << " cycles";
  std::cout << rounds << " cycles: heap " << before.heap << " -> " << after.heap << " bytes, mappings "
            << before.mappings << " -> " << after.mappings << "\n";
  resident.expect_no_rise();
}

// A processor reads the device's registers, a message of it is on its way, and it goes.
TEST_P(PciCycles, H25_TornOutWhileAProcessorReadsIt) {
  const auto census = slot_.test_machine().census();
  std::atomic<bool> stop = false;
  testing::Thread cpu{"cpu", [&] {
                        memory::AddressSpace space{slot_->fabric(), slot_->bus().memory().region(),
                                                   {.name = "cpu"}};
                        memory::Port port{space};
                        std::uint64_t value = 0;
                        while (!stop.load(std::memory_order_relaxed)) {
                          static_cast<void>(port.load(SlotWorld::kWindow, 4, value, {}));
                          static_cast<void>(port.load(PciWorld::config_at(0, 0, 0, 1), 4, value, {}));
                          static_cast<void>(port.store(SlotWorld::kWindow + PciProbe::kMsix, 4, 1, {}));
                        }
                      }};
  for (int i = 0; i < 40; ++i) cycle(i % 2 == 0 ? Way::kTornOut : Way::kAsked);
  stop = true;
  cpu.join();
  EXPECT_EQ(slot_.test_machine().census(), census);
}

}  // namespace
}  // namespace holdfast::test
