// SPDX-License-Identifier: Apache-2.0
// What a guest does to functions: it finds them, maps their BARs, lets them be bus masters, and hears their
// interrupts.
#include <gtest/gtest.h>

#include "tests/support/pci_devices.hpp"
#include "tests/support/pci_world.hpp"

namespace holdfast::test {
namespace {

namespace reg = pci::reg;
namespace command = pci::command;
using pci_map::kHigh;
using pci_map::kLow;
using pci_map::kPio;
using pci_map::kRam;

constexpr std::uint32_t kOnes = 0xffff'ffff;

class PciFunction : public ::testing::Test {
 protected:
  /// A probe at device 1 whose BAR 0 shows at kLow; it is a bus master.
  void add_probe() {
    ASSERT_TRUE(world.plug<PciProbe>("probe", "1"));
    map(1, kLow);
  }
  void map(unsigned device, std::uint64_t at, unsigned bar = 0) {
    world.set_config(device, reg::kBar0 + 4 * bar, 4, static_cast<std::uint32_t>(at));
    world.set_config(device, reg::kCommand, 2, command::kMemory | command::kIo | command::kBusMaster);
  }
  void set(std::uint64_t reg, std::uint32_t value, std::uint64_t at = kLow) { world.write32(at + reg, value); }
  std::uint32_t get(std::uint64_t reg, std::uint64_t at = kLow) { return world.read32(at + reg); }
  void aim(std::uint64_t address, std::uint64_t at = kLow) {
    set(PciProbe::kAddress, static_cast<std::uint32_t>(address), at);
    set(PciProbe::kAddressUpper, static_cast<std::uint32_t>(address >> 32), at);
  }

  PciWorld world;
  const Census::Snapshot before = world->census();
};

TEST_F(PciFunction, IsFoundWhereItSitsAndNothingElsewhere) {
  EXPECT_EQ(world.config(0, reg::kVendorId), 0x0008'1b36U);
  EXPECT_EQ(world.config(0, reg::kRevision), 0x0600'0000U);
  EXPECT_EQ(world.config(0, reg::kSubsystemVendorId), 0x1100'1af4U);
  EXPECT_EQ(world.config(1, reg::kVendorId), kOnes);
  EXPECT_EQ(world.config(1, reg::kVendorId, 2), 0xffffU);
  EXPECT_EQ(world.config(1, reg::kVendorId, 1), 0xffU);
  world.set_config(1, reg::kCommand, 2, 7);  // nobody minds
  EXPECT_EQ(world.load(PciWorld::config_at(0, 0, 0, 1), 8), ~std::uint64_t{0}) << "another bus";
  add_probe();
  EXPECT_EQ(world.config(1, reg::kVendorId), 0xf001'1b36U);
  EXPECT_EQ(world.config(1, reg::kDeviceId, 1), 0x01U);
  EXPECT_EQ(world.load(PciWorld::config_at(1, 0, 0), 8), 0x0010'0007'f001'1b36U) << "in two halves";
  EXPECT_EQ(world.config(1, 0x500), 0U) << "no extended capabilities";
  EXPECT_TRUE(world.unplug("probe"));
  EXPECT_EQ(world.config(1, reg::kVendorId), kOnes);
  EXPECT_EQ(world->census(), before);
}

TEST_F(PciFunction, HasAListOfCapabilities) {
  ASSERT_TRUE(world.plug<PciProbe>("probe", "1"));
  EXPECT_EQ(world.config(1, reg::kStatus, 2) & pci::status::kHasCapabilities, pci::status::kHasCapabilities);
  EXPECT_EQ(world.capability(1, pci::capability::kPowerManagement), 0x40U);
  EXPECT_EQ(world.capability(1, pci::capability::kExpress), 0x48U);
  EXPECT_EQ(world.capability(1, pci::capability::kMsi), 0x84U);
  EXPECT_EQ(world.capability(1, pci::capability::kMsix), 0x9cU);
  EXPECT_EQ(world.config(1, 0x48 + pci::Express::kFlags, 2), 0x92U) << "integrated in the root complex";
  EXPECT_EQ(world.config(1, 0x9c + 2, 2), PciProbe::kVectors - 1);
  EXPECT_EQ(world.config(1, 0x9c + 4), PciProbe::kTable);
}

// Any access comes to the same as its bytes, one by one.
TEST_F(PciFunction, ItsConfigurationIsReadAtAnyWidthAndPlace) {
  add_probe();
  ASSERT_TRUE(world.plug<PciRam>("ram1", "2"));
  EXPECT_EQ(world.config(1, reg::kVendorId + 1), 0x07f0'011bU);
  for (const unsigned device : {0U, 1U, 2U})
    for (const unsigned size : {2U, 4U, 8U})
      for (unsigned at = 0; at <= 0x110; ++at) {
        std::uint64_t bytes = 0;
        for (unsigned i = 0; i < size; ++i)
          bytes |= world.load(PciWorld::config_at(device, 0, at + i), 1) << (8 * i);
        EXPECT_EQ(world.load(PciWorld::config_at(device, 0, at), size), bytes)
            << device << " " << std::hex << at << " " << size;
      }
  EXPECT_EQ(world.config(2, 0xfd), 0xff00'0000U) << "beyond its end";
  EXPECT_EQ(world.config(1, 0xffe), 0xffff'0000U) << "half of it is the next function, which is not there";
}

TEST_F(PciFunction, ItsConfigurationIsWrittenAtAnyWidthAndPlace) {
  add_probe();
  world.set_config(1, reg::kBar0 + 1, 4, 0x0000'4000);
  EXPECT_EQ(world.config(1, reg::kBar0), 0x0040'000cU) << "size, kind and the bytes written";
  EXPECT_EQ(world.config(1, reg::kBar0 + 4), 0U);
  world.set_config(1, reg::kBar0 + 1, 4, static_cast<std::uint32_t>(kLow >> 8));
  set(PciProbe::kData, 5);
  EXPECT_EQ(get(PciProbe::kData), 5U) << "it shows where the bytes say";
  world.set_config(1, reg::kInterruptLine - 1, 2, 0x2aff);
  EXPECT_EQ(world.config(1, reg::kInterruptLine, 1), 0x2aU);
  world.set_config(1, reg::kCommand - 1, 2, 0);
  EXPECT_EQ(world.config(1, reg::kCommand, 1), 0U);
  EXPECT_EQ(get(PciProbe::kData), kOnes) << "decoding is off";
  world.store(PciWorld::config_at(1, 0, reg::kCommand - 3), 8, 0x0000'0006'0000'0000U >> 8);
  EXPECT_EQ(get(PciProbe::kData), 5U) << "in halves";
}

// SPEC: PCI Express 7.2.2: a conventional function has 256 bytes.
TEST_F(PciFunction, HasNoExtendedSpaceWithoutTheExpressCapability) {
  ASSERT_TRUE(world.plug<PciRam>("ram1", "1"));
  EXPECT_EQ(world.config(1, 0xfc), 0U);
  EXPECT_EQ(world.config(1, 0x100), kOnes);
  EXPECT_EQ(world.config(1, 0xfff, 1), 0xffU);
  EXPECT_EQ(world.config(1, 0x102, 2), 0xffffU);
  world.set_config(1, 0x100, 4, 0);
  EXPECT_EQ(world.config(1, 0x100), kOnes);
}

TEST_F(PciFunction, TellsTheSizeOfItsBars) {
  ASSERT_TRUE(world.plug<PciProbe>("probe", "1"));
  for (const unsigned bar : {0U, 1U, 2U, 3U}) world.set_config(1, reg::kBar0 + 4 * bar, 4, kOnes);
  EXPECT_EQ(world.config(1, reg::kBar0), 0xffff'e00cU) << "8 KiB, 64 bits, prefetchable";
  EXPECT_EQ(world.config(1, reg::kBar0 + 4), kOnes);
  EXPECT_EQ(world.config(1, reg::kBar0 + 8), 0xffff'fff1U) << "16 ports";
  EXPECT_EQ(world.config(1, reg::kBar0 + 12), 0U) << "there is none";
  // Decoding while it is being sized shows it nowhere.
  world.set_config(1, reg::kCommand, 2, command::kMemory | command::kIo);
  EXPECT_EQ(world.get<PciProbe>("probe").bars()[0]->shown_at(), std::nullopt);
  EXPECT_EQ(world.get<PciProbe>("probe").bars()[1]->shown_at(), std::nullopt);
}

TEST_F(PciFunction, ABarIsMappedMovedAndUnmappedByTheGuest) {
  add_probe();
  set(PciProbe::kData, 0x1234);
  EXPECT_EQ(get(PciProbe::kData), 0x1234U);
  world.set_config(1, reg::kBar0, 4, kLow + 0x10'0000);
  EXPECT_EQ(get(PciProbe::kData), kOnes) << "where nothing is, everything reads as ones";
  EXPECT_EQ(get(PciProbe::kData, kLow + 0x10'0000), 0x1234U);
  // Above 4 GiB, by two writes.
  world.set_config(1, reg::kBar0, 4, static_cast<std::uint32_t>(kHigh));
  world.set_config(1, reg::kBar0 + 4, 4, static_cast<std::uint32_t>(kHigh >> 32));
  EXPECT_EQ(get(PciProbe::kData, kHigh), 0x1234U);
  EXPECT_EQ(get(PciProbe::kData, kLow + 0x10'0000), kOnes);
  world.set_config(1, reg::kCommand, 2, 0);
  EXPECT_EQ(get(PciProbe::kData, kHigh), kOnes);
  world.set_config(1, reg::kCommand, 2, command::kMemory);
  EXPECT_EQ(get(PciProbe::kData, kHigh), 0x1234U);
  world->reset();
  EXPECT_EQ(get(PciProbe::kData, kHigh), kOnes);
  EXPECT_EQ(world.config(1, reg::kBar0), 0x0000'000cU);
  EXPECT_EQ(world.config(1, reg::kBar0 + 4), 0U);
}

TEST_F(PciFunction, AnIoBarShowsInThePortWindow) {
  add_probe();
  map(1, 0x1000, 2);
  set(PciProbe::kHit, 1);
  EXPECT_EQ(world.load(kPio + 0x1000, 4), 1U);
  EXPECT_EQ(world.load(kPio + 0x1010, 4), kOnes);
  map(1, 0x1'0000, 2);  // beyond the ports there are
  EXPECT_EQ(world.load(kPio + 0x1000, 4), kOnes);
  EXPECT_EQ(world.load(kPio, 4), kOnes);
}

TEST_F(PciFunction, ReachesMemoryWhileItIsABusMaster) {
  add_probe();
  world.write32(kRam + 0x100, 0xfeed);
  aim(kRam + 0x100);
  set(PciProbe::kLoad, 0);
  EXPECT_EQ(get(PciProbe::kData), 0xfeedU);
  set(PciProbe::kData, 0xbeef);
  set(PciProbe::kStore, kOnes);
  EXPECT_EQ(world.read32(kRam + 0x100), 0xbeefU);
  EXPECT_EQ(get(PciProbe::kResult), 0U);
  world.set_config(1, reg::kCommand, 2, command::kMemory);
  set(PciProbe::kData, 0xdead);
  set(PciProbe::kStore, kOnes);
  EXPECT_EQ(get(PciProbe::kResult), static_cast<std::uint32_t>(memory::MemTxResult::kDecodeError));
  EXPECT_EQ(world.read32(kRam + 0x100), 0xbeefU);
  world.set_config(1, reg::kCommand, 2, command::kMemory | command::kBusMaster);
  set(PciProbe::kStore, kOnes);
  EXPECT_EQ(world.read32(kRam + 0x100), 0xdeadU);
}

TEST_F(PciFunction, DoesNotReachItselfByAnyOfItsFaces) {
  add_probe();
  constexpr auto kRefused = static_cast<std::uint32_t>(memory::MemTxResult::kAccessError);
  for (const std::uint64_t own : {kLow + PciProbe::kData, PciWorld::config_at(1, 0, reg::kCommand),
                                  kLow + PciProbe::kTable}) {
    aim(own);
    set(PciProbe::kLoad, 0);
    EXPECT_EQ(get(PciProbe::kResult), kRefused) << std::hex << own;
  }
}

TEST_F(PciFunction, ReachesItsNeighbour) {
  add_probe();
  ASSERT_TRUE(world.plug<PciProbe>("other", "2"));
  map(2, kLow + 0x1'0000);
  aim(kLow + 0x1'0000 + PciProbe::kData);
  set(PciProbe::kData, 0x7777);
  set(PciProbe::kStore, kOnes);
  EXPECT_EQ(get(PciProbe::kData, kLow + 0x1'0000), 0x7777U);
  set(PciProbe::kData, 0x8888, kLow + 0x1'0000);
  set(PciProbe::kLoad, 0);
  EXPECT_EQ(get(PciProbe::kData), 0x8888U);
}

TEST_F(PciFunction, ManyIdleFunctionsShareOneView) {
  const auto views = before[Census::Kind::kView];
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(world.plug<PciProbe>("p" + std::to_string(i), ""));
  EXPECT_EQ(world->census()[Census::Kind::kView], views) << "what sees nothing has no view";
  for (unsigned device = 1; device <= 20; ++device)
    world.set_config(device, reg::kCommand, 2, command::kBusMaster);
  EXPECT_EQ(world->census()[Census::Kind::kView], views) << "all see what the CPU sees";
}

TEST_F(PciFunction, ComesFromAndGoesToLowPowerAsItWas) {
  add_probe();
  set(PciProbe::kData, 5);
  const unsigned control = world.capability(1, pci::capability::kPowerManagement) + 4;
  world.set_config(1, control, 2, 3);
  EXPECT_EQ(get(PciProbe::kData), kOnes);
  EXPECT_FALSE(world.get<PciProbe>("probe").is_bus_master());
  EXPECT_EQ(world.config(1, reg::kCommand, 2), 7U);
  world.set_config(1, control, 2, 1);  // D1 is not supported
  EXPECT_EQ(world.config(1, control, 2), 0x000bU);
  world.set_config(1, control, 2, 0);
  EXPECT_EQ(get(PciProbe::kData), 5U);
}

// --- interrupts ------------------------------------------------------------------------------------

TEST_F(PciFunction, ItsPinLeadsToTheLineOfItsDevice) {
  add_probe();
  set(PciProbe::kIntx, 1);
  EXPECT_TRUE(world.intx(1)) << "INTA of device 1 is line 1";
  EXPECT_EQ(world.config(1, reg::kInterruptPin, 1), 1U);
  EXPECT_EQ(world.config(1, reg::kStatus, 2) & pci::status::kIntx, pci::status::kIntx);
  world.set_config(1, reg::kCommand, 2, command::kMemory | command::kNoIntx);
  EXPECT_FALSE(world.intx(1));
  EXPECT_EQ(world.config(1, reg::kStatus, 2) & pci::status::kIntx, pci::status::kIntx) << "it still wants to";
  world.set_config(1, reg::kCommand, 2, command::kMemory);
  EXPECT_TRUE(world.intx(1));
  set(PciProbe::kIntx, 0);
  EXPECT_FALSE(world.intx(1));
}

TEST_F(PciFunction, ALineIsHighWhileAnyFunctionWantsIt) {
  add_probe();
  ASSERT_TRUE(world.plug<PciProbe>("fifth", "5"));
  map(5, kLow + 0x1'0000);
  set(PciProbe::kIntx, 1);
  set(PciProbe::kIntx, 1, kLow + 0x1'0000);
  set(PciProbe::kIntx, 0);
  EXPECT_TRUE(world.intx(1));
  EXPECT_TRUE(world.unplug("fifth")) << "with its interrupt asserted";
  EXPECT_FALSE(world.intx(1));
}

TEST_F(PciFunction, AResetTakesInterruptsBackWithoutAGlitch) {
  add_probe();
  ASSERT_TRUE(world.plug<PciProbe>("fifth", "5"));
  map(5, kLow + 0x1'0000);
  set(PciProbe::kIntx, 1);
  set(PciProbe::kIntx, 1, kLow + 0x1'0000);
  std::string seen;
  {
    const hw::PinTap tap{world->find("host").get()->find_part<hw::IrqOutArray>("intx")->pin(1),
                         [&](bool level) { seen += level ? '1' : '0'; }};
    world->reset();
  }
  EXPECT_EQ(seen, "0");
  EXPECT_FALSE(world.intx(1));
  map(1, kLow);
  set(PciProbe::kIntx, 1);
  EXPECT_TRUE(world.intx(1));
}

// SPEC: PCI Power Management 1.2, 5.4: only in D0 does a function assert its pin.
TEST_F(PciFunction, ItsPinIsLowInLowPower) {
  add_probe();
  set(PciProbe::kIntx, 1);
  const unsigned control = world.capability(1, pci::capability::kPowerManagement) + 4;
  world.set_config(1, control, 2, 3);
  EXPECT_FALSE(world.intx(1));
  world.set_config(1, control, 2, 0);
  EXPECT_TRUE(world.intx(1)) << "as it was";
}

class PciMessages : public PciFunction {
 protected:
  void SetUp() override {
    add_probe();
    msi = world.capability(1, pci::capability::kMsi);
    msix = world.capability(1, pci::capability::kMsix);
  }
  /// All four vectors, to an address.
  void enable_msi(std::uint64_t address, std::uint32_t data = 0x40) {
    world.set_config(1, msi + 4, 4, static_cast<std::uint32_t>(address));
    world.set_config(1, msi + 8, 4, static_cast<std::uint32_t>(address >> 32));
    world.set_config(1, msi + 12, 2, data);
    world.set_config(1, msi + 2, 2, 0x0021);
  }
  void set_entry(unsigned vector, std::uint64_t address, std::uint32_t data, std::uint32_t control = 0) {
    const std::uint64_t entry = PciProbe::kTable + 16 * vector;
    set(entry, static_cast<std::uint32_t>(address));
    set(entry + 4, static_cast<std::uint32_t>(address >> 32));
    set(entry + 8, data);
    set(entry + 12, control);
  }

  unsigned msi = 0;
  unsigned msix = 0;
};

TEST_F(PciMessages, MsiIsAWriteWithTheVectorInItsData) {
  EXPECT_EQ(world.config(1, msi + 2, 2), 0x0184U) << "4 vectors, 64 bits, maskable";
  set(PciProbe::kMsi, 1);
  enable_msi(kRam);
  EXPECT_EQ(world.read32(kRam), 0U) << "not enabled, not sent";
  set(PciProbe::kMsi, 3);
  EXPECT_EQ(world.read32(kRam), 0x43U);
  world.set_config(1, msi + 2, 2, 0x0001);  // one vector only
  set(PciProbe::kMsi, 3);
  EXPECT_EQ(world.read32(kRam), 0x40U);
}

TEST_F(PciMessages, AMaskedMsiIsPendingUntilItIsUnmasked) {
  enable_msi(kRam);
  world.set_config(1, msi + 0x10, 4, 0xffff'fff4);
  EXPECT_EQ(world.config(1, msi + 0x10, 4), 0x4U) << "only vectors that there are can be masked";
  set(PciProbe::kMsi, 2);
  EXPECT_EQ(world.read32(kRam), 0U);
  EXPECT_EQ(world.config(1, msi + 0x14), 4U);
  world.set_config(1, msi + 0x10, 4, 0);
  EXPECT_EQ(world.read32(kRam), 0x42U);
  EXPECT_EQ(world.config(1, msi + 0x14), 0U);
}

TEST_F(PciMessages, MsixHasATableInTheBar) {
  world.set_config(1, msix + 2, 2, 0x8000);
  EXPECT_EQ(get(PciProbe::kTable + 12), 1U) << "masked after reset";
  set_entry(5, kRam + 0x20, 0x5555);
  EXPECT_EQ(world.load(kLow + PciProbe::kTable + 16 * 5 + 8, 8), 0x5555U);
  set(PciProbe::kMsix, 5);
  EXPECT_EQ(world.read32(kRam + 0x20), 0x5555U);
  world->reset();
  map(1, kLow);
  EXPECT_EQ(get(PciProbe::kTable + 16 * 5 + 8), 0U);
  EXPECT_EQ(get(PciProbe::kTable + 16 * 5 + 12), 1U);
}

TEST_F(PciMessages, AMaskedMsixVectorIsPendingUntilItIsUnmasked) {
  world.set_config(1, msix + 2, 2, 0x8000);
  set_entry(2, kRam, 0x22, 1);
  set(PciProbe::kMsix, 2);
  EXPECT_EQ(world.load(kLow + PciProbe::kPending, 8), 4U);
  EXPECT_EQ(world.read32(kRam), 0U);
  set(PciProbe::kTable + 16 * 2 + 12, 0);
  EXPECT_EQ(world.read32(kRam), 0x22U);
  EXPECT_EQ(world.load(kLow + PciProbe::kPending, 8), 0U);
  world.write32(kRam, 0);
  world.set_config(1, msix + 2, 2, 0xc000);  // all masked
  set(PciProbe::kMsix, 2);
  EXPECT_EQ(world.read32(kRam), 0U);
  world.set_config(1, msix + 2, 2, 0x8000);
  EXPECT_EQ(world.read32(kRam), 0x22U);
}

TEST_F(PciMessages, AMessageIsDroppedWhileTheFunctionIsNoBusMaster) {
  enable_msi(kRam);
  world.set_config(1, reg::kCommand, 2, command::kMemory);
  set(PciProbe::kMsi, 0);
  world.set_config(1, reg::kCommand, 2, command::kMemory | command::kBusMaster);
  EXPECT_EQ(world.read32(kRam), 0U);
}

TEST_F(PciMessages, AMessageArrivesBehindTheDataWrittenBeforeIt) {
  ASSERT_TRUE(world.plug<PciProbe>("other", "2"));
  map(2, kLow + 0x1'0000);
  world.set_config(1, msix + 2, 2, 0x8000);
  // The data go to another device's register, the message makes that device read it.
  set_entry(0, kLow + 0x1'0000 + PciProbe::kStore, kOnes);
  set(PciProbe::kAddress, static_cast<std::uint32_t>(kRam), kLow + 0x1'0000);
  aim(kLow + 0x1'0000 + PciProbe::kData);
  set(PciProbe::kData, 0xabcd);
  set(PciProbe::kStore, 0);
  EXPECT_EQ(world.read32(kRam), 0xabcdU);
}

TEST_F(PciMessages, AMessageToTheSendersOwnDoorbellIsRefused) {
  enable_msi(kLow + PciProbe::kHit);
  set(PciProbe::kMsi, 0);
  EXPECT_EQ(get(PciProbe::kHits), 0U);
}

TEST_F(PciMessages, MessagesOfTwoThatPointAtEachOtherEnd) {
  ASSERT_TRUE(world.plug<PciProbe>("other", "2"));
  map(2, kLow + 0x1'0000);
  enable_msi(kLow + 0x1'0000 + PciProbe::kMsi, 0);
  const unsigned its = world.capability(2, pci::capability::kMsi);
  world.set_config(2, its + 4, 4, static_cast<std::uint32_t>(kLow + PciProbe::kHit));
  world.set_config(2, its + 2, 2, 0x0001);
  set(PciProbe::kMsi, 0);
  EXPECT_EQ(get(PciProbe::kHits), 0U) << "the chain does not come back to where it began";
  set(PciProbe::kMsi, 0, kLow + 0x1'0000);
  EXPECT_EQ(get(PciProbe::kHits), 1U) << "begun by the other it is one step";
}

// --- odd shapes of BARs ----------------------------------------------------------------------------

TEST_F(PciFunction, ABarOfRam) {
  ASSERT_TRUE(world.plug<PciRam>("ram1", "1"));
  map(1, kLow);
  world.write32(kLow + 0x3ffc, 0x5a5a);
  world.set_config(1, reg::kBar0, 4, kLow + 0x1'0000);
  EXPECT_EQ(world.read32(kLow + 0x1'3ffc), 0x5a5aU);
  EXPECT_EQ(world.read32(kLow + 0x3ffc), kOnes);
}

TEST_F(PciFunction, ABarOfOthersRegions) {
  ASSERT_TRUE(world.plug<PciShelf>("shelf", "1"));
  map(1, kLow);
  EXPECT_EQ(world.read32(kLow), 0x11U);
  EXPECT_EQ(world.read32(kLow + 0x100), 0x22U);
  EXPECT_TRUE(world.unplug("shelf"));
  EXPECT_EQ(world.read32(kLow + 0x100), kOnes);
  EXPECT_EQ(world->census(), before);
}

TEST_F(PciFunction, ABarThatIsAnAlias) {
  ASSERT_TRUE(world.plug<PciWindow>("window", "1"));
  map(1, kLow);
  EXPECT_EQ(world.read32(kLow), 0x33U);
  EXPECT_EQ(world.read32(kLow + 0x80), kOnes) << "the alias is shorter than the region";
}

TEST_F(PciFunction, ABarThatChangesItsSize) {
  ASSERT_TRUE(world.plug<PciResizer>("resizer", "1"));
  map(1, kLow + 0x3000);
  EXPECT_EQ(world.read32(kLow + 0x3000), 12U);
  world.write32(kLow + 0x3000, 16);
  EXPECT_EQ(world.read32(kLow), 16U) << "it lost the lower bits of its address";
  world.set_config(1, reg::kBar0, 4, kOnes);
  EXPECT_EQ(world.config(1, reg::kBar0), 0xffff'0000U);
  world.set_config(1, reg::kBar0, 4, kLow);
  world.write32(kLow, 12);
  EXPECT_EQ(world.read32(kLow), 12U);
  world.set_config(1, reg::kBar0, 4, kOnes);
  EXPECT_EQ(world.config(1, reg::kBar0), 0xffff'f000U);
}

TEST_F(PciFunction, AFunctionMovesItsOwnBarInItsCallback) {
  ASSERT_TRUE(world.plug<PciMover>("mover", "1"));
  map(1, kLow);
  world.write32(kLow + PciMover::kMove, kLow + 0x5000);
  EXPECT_EQ(world.read32(kLow + PciMover::kMoves), kOnes) << "in force when the store returns";
  EXPECT_EQ(world.read32(kLow + 0x5000 + PciMover::kMoves), 2U);
  EXPECT_EQ(world.config(1, reg::kBar0), static_cast<std::uint32_t>(kLow + 0x5000));
}

TEST_F(PciFunction, TheHostGoesWithItsFunctions) {
  add_probe();
  set(PciProbe::kIntx, 1);
  EXPECT_TRUE(world.unplug("host"));
  EXPECT_EQ(world->find_now("probe"), nullptr);
}

}  // namespace
}  // namespace holdfast::test
