// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "holdfast/devices/pci/bridge.hpp"
#include "holdfast/devices/pci/pci_bridges.hpp"
#include "tests/support/pci_devices.hpp"
#include "tests/support/pci_world.hpp"

namespace holdfast::test {
namespace {

namespace reg = devices::pci::reg;
using devices::pci::PciBridge;
using devices::pci::PciePciBridge;

constexpr unsigned kBridge = 3;  // its device number on the root bus
constexpr std::uint32_t kNobody = 0xffff'ffff;
constexpr std::uint32_t kProbeId = 0xf001'1b36;
constexpr std::uint16_t kIoAndMemory = 0x3;
constexpr std::uint16_t kAll = 0x7;
constexpr std::uint64_t kWindow = pci_map::kLow + 0x10'0000;  // of a megabyte
constexpr std::uint64_t kRamWord = pci_map::kRam + 0x100;

class PciBridgeTest : public ::testing::Test {
 protected:
  PciBridgeTest() {
    EXPECT_TRUE(world_.plug<PciePciBridge>("bridge", "3"));
    EXPECT_TRUE(world_.plug_on<PciProbe>({"bridge", "secondary"}, "probe", "2"));
  }

  void number(unsigned secondary, unsigned subordinate) {
    world_.set_config(kBridge, reg::kPrimaryBus, 4, subordinate << 16 | secondary << 8);
  }
  /// A megabyte of memory from kWindow on.
  void open_window() {
    constexpr auto kBound = static_cast<std::uint32_t>(kWindow >> 16);
    world_.set_config(kBridge, reg::kMemoryBase, 4, kBound << 16 | kBound);
    world_.set_config(kBridge, reg::kCommand, 2, kAll);
  }
  std::uint32_t id_at(unsigned bus, unsigned device) {
    return world_.read32(PciWorld::config_at(device, 0, 0, bus));
  }
  /// The probe behind the bridge, at bus 1.
  void set_probe(unsigned offset, unsigned size, std::uint32_t value) {
    world_.store(PciWorld::config_at(2, 0, offset, 1), size, value);
  }
  void map_probe(std::uint64_t address) {
    set_probe(reg::kBar0, 4, static_cast<std::uint32_t>(address));
    set_probe(reg::kBar0 + 4, 4, static_cast<std::uint32_t>(address >> 32));
    set_probe(reg::kCommand, 2, kAll);
  }
  std::uint32_t hits(std::uint64_t at) { return world_.read32(at + PciProbe::kHits); }

  PciWorld world_;
};

TEST_F(PciBridgeTest, WhatIsBehindItIsFoundAtItsSecondaryNumber) {
  EXPECT_EQ(world_.config(kBridge, reg::kHeaderType, 1), 1U);
  EXPECT_EQ(id_at(1, 2), kNobody) << "nobody has numbered it";
  number(1, 1);
  EXPECT_EQ(id_at(1, 2), kProbeId);
  EXPECT_EQ(id_at(1, 0), kNobody);
  number(7, 9);
  EXPECT_EQ(id_at(1, 2), kNobody);
  EXPECT_EQ(id_at(7, 2), kProbeId);
  EXPECT_EQ(id_at(8, 2), kNobody) << "its own bus, and no bridge to that one";
  number(7, 6);
  EXPECT_EQ(id_at(7, 2), kNobody) << "it passes nothing on";
}

TEST_F(PciBridgeTest, SaysWhatItsLinkIs) {
  const unsigned express = world_.capability(kBridge, devices::pci::capability::kExpress);
  ASSERT_NE(express, 0U);
  EXPECT_EQ(world_.config(kBridge, express + devices::pci::Express::kLinkCapabilities), 0x11U);
  EXPECT_EQ(world_.config(kBridge, express + devices::pci::Express::kLinkStatus, 2), 0x11U);
}

TEST_F(PciBridgeTest, ABridgeBehindABridge) {
  ASSERT_TRUE(world_.plug_on<PciBridge>({"bridge", "secondary"}, "inner", "4"));
  ASSERT_TRUE(world_.plug_on<PciRam>({"inner", "secondary"}, "ram1", "5"));
  number(1, 2);
  world_.store(PciWorld::config_at(4, 0, reg::kPrimaryBus, 1), 4, 0x0002'0201);
  EXPECT_EQ(id_at(2, 5), 0xf002'1b36U);
  number(1, 1);
  EXPECT_EQ(id_at(2, 5), kNobody) << "the outer one does not pass it on";
  EXPECT_EQ(id_at(1, 4), 0x0001'1b36U);
}

TEST_F(PciBridgeTest, MemoryIsReachedThroughTheWindow) {
  number(1, 1);
  map_probe(kWindow + 0x4000);
  EXPECT_EQ(hits(kWindow + 0x4000), kNobody) << "the window is closed";
  open_window();
  world_.write32(kWindow + 0x4000 + PciProbe::kHit, 1);
  EXPECT_EQ(hits(kWindow + 0x4000), 1U);
  map_probe(kWindow + 0x10'0000);
  EXPECT_EQ(hits(kWindow + 0x10'0000), kNobody) << "behind the window's end";
  map_probe(kWindow);
  EXPECT_EQ(hits(kWindow), 1U);
  world_.set_config(kBridge, reg::kCommand, 2, 0);
  EXPECT_EQ(hits(kWindow), kNobody) << "a bridge that decodes no memory passes none on";
}

TEST_F(PciBridgeTest, AWindowMovesWithoutTheBar) {
  number(1, 1);
  map_probe(kWindow);
  open_window();
  EXPECT_EQ(hits(kWindow), 0U);
  constexpr auto kBound = static_cast<std::uint32_t>((kWindow + 0x20'0000) >> 16);
  world_.set_config(kBridge, reg::kMemoryBase, 4, kBound << 16 | kBound);
  EXPECT_EQ(hits(kWindow), kNobody);
  world_.set_config(kBridge, reg::kMemoryLimit, 2, static_cast<std::uint32_t>(kWindow >> 16) - 0x10);
  EXPECT_EQ(hits(kWindow + 0x20'0000), kNobody) << "its limit is below its base: closed";
}

TEST_F(PciBridgeTest, PrefetchableMemoryAboveFourGigabytes) {
  number(1, 1);
  map_probe(pci_map::kHigh + 0x4000);
  constexpr std::uint32_t kUpper = static_cast<std::uint32_t>(pci_map::kHigh >> 32);
  world_.set_config(kBridge, reg::kPrefetchableBase, 4, 0x0010'0000);
  world_.set_config(kBridge, reg::kPrefetchableBaseUpper, 4, kUpper);
  world_.set_config(kBridge, reg::kPrefetchableLimitUpper, 4, kUpper);
  EXPECT_EQ(world_.config(kBridge, reg::kPrefetchableBase), 0x0011'0001U) << "64 bits, it says";
  world_.set_config(kBridge, reg::kCommand, 2, kAll);
  EXPECT_EQ(hits(pci_map::kHigh + 0x4000), 0U);
  world_.set_config(kBridge, reg::kPrefetchableBaseUpper, 4, kUpper + 1);
  EXPECT_EQ(hits(pci_map::kHigh + 0x4000), kNobody);
}

TEST_F(PciBridgeTest, IoPortsAreReachedThroughTheWindow) {
  number(1, 1);
  set_probe(reg::kBar0 + 8, 4, 0x2040);
  set_probe(reg::kCommand, 2, kAll);
  world_.set_config(kBridge, reg::kIoBase, 2, 0x2020);
  world_.set_config(kBridge, reg::kCommand, 2, kIoAndMemory);
  world_.write32(pci_map::kPio + 0x2040, 1);
  EXPECT_EQ(world_.read32(pci_map::kPio + 0x2040), 1U);
  world_.set_config(kBridge, reg::kCommand, 2, 0x2);
  EXPECT_EQ(world_.read32(pci_map::kPio + 0x2040), kNobody);
}

TEST_F(PciBridgeTest, OnlyABusMasterPassesDmaOn) {
  number(1, 1);
  map_probe(kWindow);
  open_window();
  world_.write32(kRamWord, 0x1234);
  world_.write32(kWindow + PciProbe::kAddress, static_cast<std::uint32_t>(kRamWord));
  world_.write32(kWindow + PciProbe::kLoad, 0);
  EXPECT_EQ(world_.read32(kWindow + PciProbe::kData), 0x1234U);
  world_.set_config(kBridge, reg::kCommand, 2, kIoAndMemory);
  world_.write32(kWindow + PciProbe::kLoad, 0);
  EXPECT_NE(world_.read32(kWindow + PciProbe::kData), 0x1234U);
  EXPECT_NE(world_.read32(kWindow + PciProbe::kResult), 0U);
}

TEST_F(PciBridgeTest, RequesterIdsHaveTheNumberOfTheBus) {
  number(5, 5);
  EXPECT_EQ(world_.get<PciProbe>("probe").attrs().requester_id, 5 << 8 | 2 << 3);
}

TEST_F(PciBridgeTest, InterruptPinsAreSwizzledAndShared) {
  number(1, 1);
  ASSERT_TRUE(world_.plug_on<PciProbe>({"bridge", "secondary"}, "other", "6"));
  open_window();
  map_probe(kWindow);
  const auto other = PciWorld::config_at(6, 0, 0, 1);
  world_.store(other + reg::kBar0, 4, kWindow + 0x4000);
  world_.store(other + reg::kCommand, 2, kAll);
  // INTA of devices 2 and 6 is INTC at the bridge, device 3 of the root bus: line 1.
  constexpr unsigned kLine = (kBridge + 2) % 4;
  world_.write32(kWindow + PciProbe::kIntx, 1);
  EXPECT_TRUE(world_.intx(kLine));
  for (unsigned line = 0; line < 4; ++line) EXPECT_EQ(world_.intx(line), line == kLine) << line;
  world_.write32(kWindow + 0x4000 + PciProbe::kIntx, 1);
  world_.write32(kWindow + PciProbe::kIntx, 0);
  EXPECT_TRUE(world_.intx(kLine)) << "the other one still asserts it";
  EXPECT_TRUE(world_.unplug("other"));
  EXPECT_FALSE(world_.intx(kLine)) << "it has gone, and its pin with it";
}

TEST_F(PciBridgeTest, ResetOfTheSecondaryBus) {
  number(1, 1);
  map_probe(kWindow);
  open_window();
  world_.write32(kWindow + PciProbe::kData, 77);
  world_.set_config(kBridge, reg::kBridgeControl, 2, 0x40);
  EXPECT_EQ(id_at(1, 2), kNobody) << "nobody answers while the reset lasts";
  EXPECT_EQ(hits(kWindow), kNobody);
  world_->control().run_pending();
  world_.set_config(kBridge, reg::kBridgeControl, 2, 0);
  EXPECT_EQ(id_at(1, 2), kProbeId);
  EXPECT_EQ(world_.load(PciWorld::config_at(2, 0, reg::kCommand, 1), 2), 0U) << "it begins anew";
  map_probe(kWindow);
  EXPECT_EQ(world_.read32(kWindow + PciProbe::kData), 0U);
}

TEST_F(PciBridgeTest, AResetClosesTheWindows) {
  number(1, 1);
  map_probe(kWindow);
  open_window();
  EXPECT_EQ(hits(kWindow), 0U);
  world_->reset();
  EXPECT_EQ(id_at(1, 2), kNobody);
  EXPECT_EQ(hits(kWindow), kNobody);
  number(1, 1);
  EXPECT_EQ(id_at(1, 2), kProbeId);
}

TEST_F(PciBridgeTest, ItGoesWithAllThatIsBehindIt) {
  ASSERT_TRUE(world_.plug_on<PciBridge>({"bridge", "secondary"}, "inner", "4"));
  ASSERT_TRUE(world_.plug_on<PciRam>({"inner", "secondary"}, "ram1", "5"));
  number(1, 2);
  map_probe(kWindow);
  open_window();
  EXPECT_TRUE(world_.unplug("bridge"));
  for (const char* name : {"bridge", "probe", "inner", "ram1"})
    EXPECT_EQ(world_->find_now(name), nullptr) << name;
  EXPECT_EQ(id_at(0, kBridge), kNobody);
  EXPECT_EQ(hits(kWindow), kNobody);
}

TEST_F(PciBridgeTest, UsersAddNothingBehindABridgeThatTheGuestSees) {
  auto& bridge = world_.get<PciePciBridge>("bridge");
  const auto refused = bridge.secondary().hot_pluggable();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "bus 'bridge' does not support hotplugging");
}

// The guest holds the bus in reset for a moment: it knows of the bridge, and who is behind it.
TEST_F(PciBridgeTest, NorBehindOneWhoseBusIsInReset) {
  world_.set_config(kBridge, reg::kBridgeControl, 2, 0x40);
  EXPECT_FALSE(world_.get<PciePciBridge>("bridge").secondary().hot_pluggable());
}

TEST_F(PciBridgeTest, ExtendedConfigurationSpaceDoesNotPassAConventionalBus) {
  number(1, 1);
  EXPECT_EQ(world_.load(PciWorld::config_at(2, 0, 0xfc, 1), 4), 0U);
  EXPECT_EQ(world_.load(PciWorld::config_at(2, 0, 0x100, 1), 4), kNobody);
  EXPECT_EQ(world_.load(PciWorld::config_at(2, 0, 0xfe, 1), 4), 0xffff'0000U) << "the first half is there";
  EXPECT_EQ(world_.config(kBridge, 0x100), 0U) << "the bridge itself is on an express bus";
}

}  // namespace
}  // namespace holdfast::test
