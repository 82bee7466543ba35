// SPDX-License-Identifier: Apache-2.0
// The function to try out accesses on: its tests, which accesses they take, and which never come as far.
#include <gtest/gtest.h>

#include <string>

#include "holdfast/devices/pci/test_device.hpp"
#include "tests/support/pci_world.hpp"

namespace holdfast::test {
namespace {

namespace reg = devices::pci::reg;
using devices::pci::TestDevice;

constexpr std::uint64_t kMemory = pci_map::kLow;
constexpr std::uint64_t kIo = pci_map::kPio + 0x1000;
constexpr std::uint64_t kMemoryTests = kMemory + 0x800;
constexpr std::uint64_t kIoTests = kIo + 0x80;
constexpr std::uint8_t kNoEvent = 0, kWildcard = 1, kDatamatch = 2;

class PciTestDevice : public ::testing::Test {
 protected:
  PciTestDevice() {
    EXPECT_TRUE(world_.plug<TestDevice>("it", "1", TestDevice::Config{}));
    world_.set_config(1, reg::kBar0, 4, static_cast<std::uint32_t>(kMemory));
    world_.set_config(1, reg::kBar0 + 4, 4, 0x1000);
    world_.set_config(1, reg::kCommand, 2, 3);
  }
  void begin(std::uint64_t bar, std::uint8_t test) { world_.store(bar, 1, test); }
  std::uint32_t number(std::uint64_t bar) { return read(bar, 1); }
  std::uint32_t width(std::uint64_t bar) { return read(bar + 1, 1); }
  std::uint32_t offset(std::uint64_t bar) { return read(bar + 4, 4); }
  std::uint32_t datum(std::uint64_t bar) { return read(bar + 8, 4); }
  std::uint32_t count(std::uint64_t bar) { return read(bar + 12, 4); }
  std::string name(std::uint64_t bar) {
    std::string name;
    for (std::uint64_t at = bar + 16; read(at, 1) != 0; ++at) name += static_cast<char>(read(at, 1));
    return name;
  }
  std::uint32_t read(std::uint64_t at, unsigned size) {
    return static_cast<std::uint32_t>(world_.load(at, size));
  }
  /// How many accesses are counted of one store.
  std::uint32_t counted(std::uint64_t at, unsigned size, std::uint64_t value) {
    const std::uint32_t before = count(kMemory);
    world_.store(at, size, value);
    return count(kMemory) - before;
  }

  PciWorld world_;
};

TEST_F(PciTestDevice, TellsNothingBeforeATestBegins) {
  for (const std::uint64_t bar : {kMemory, kIo})
    for (unsigned at = 0; at < 64; at += 8) EXPECT_EQ(world_.load(bar + at, 8), 0U) << at;
}

TEST_F(PciTestDevice, ItsTestsAreNumberedThroughBothBars) {
  struct Row {
    std::uint64_t bar;
    std::uint8_t begun;
    std::uint32_t number, offset, datum;
    const char* name;
  };
  for (const Row& row : {Row{kMemory, kNoEvent, 0, 0x800, 0xfa, "mmio-no-eventfd"},
                         Row{kMemory, kWildcard, 1, 0x801, 0xce, "mmio-wildcard-eventfd"},
                         Row{kMemory, kDatamatch, 2, 0x802, 0xfa, "mmio-datamatch-eventfd"},
                         Row{kIo, kNoEvent, 3, 0x83, 0xfa, "portio-no-eventfd"},
                         Row{kIo, kWildcard, 4, 0x84, 0xce, "portio-wildcard-eventfd"},
                         Row{kIo, kDatamatch, 5, 0x85, 0xfa, "portio-datamatch-eventfd"}}) {
    begin(row.bar, row.begun);
    for (const std::uint64_t bar : {kMemory, kIo}) {  // either header shows the test that goes on
      EXPECT_EQ(number(bar), row.number) << row.name;
      EXPECT_EQ(width(bar), 1U) << row.name;
      EXPECT_EQ(offset(bar), row.offset) << row.name;
      EXPECT_EQ(datum(bar), row.datum) << row.name;
      EXPECT_EQ(count(bar), 0U) << row.name;
      EXPECT_EQ(name(bar), row.name);
    }
  }
}

TEST_F(PciTestDevice, ATestThatThereIsNotEndsTheOneThatGoesOn) {
  for (const std::uint64_t bar : {kMemory, kIo})
    for (const unsigned none : {3U, 4U, 255U}) {
      begin(kMemory, kNoEvent);
      begin(bar, static_cast<std::uint8_t>(none));
      EXPECT_EQ(width(bar), 0U) << none;
      EXPECT_EQ(datum(bar), 0U) << none;
    }
}

TEST_F(PciTestDevice, ItsHeaderIsReadAtAnyWidthAndPlace) {
  begin(kMemory, kNoEvent);
  EXPECT_EQ(world_.load(kMemory + 16, 8), 0x2d6f'6e2d'6f69'6d6dU);
  EXPECT_EQ(read(kMemory + 15, 4), 0x696d'6d00U);
  EXPECT_EQ(read(kMemory + 7, 2), 0xfa00U);
  world_.store(kMemory, 4, 0x0100'0002);
  EXPECT_EQ(number(kMemory), 2U) << "by the lowest byte of a wide store";
  world_.store(kMemory + 12, 4, 77);
  EXPECT_EQ(count(kMemory), 0U) << "the rest is to be read";
}

TEST_F(PciTestDevice, WithoutAnEventEachByteWithTheDatumCounts) {
  begin(kMemory, kNoEvent);
  EXPECT_EQ(counted(kMemoryTests, 1, 0xfa), 1U);
  EXPECT_EQ(counted(kMemoryTests, 1, 0xfb), 0U);
  for (const unsigned size : {2U, 4U, 8U}) {
    EXPECT_EQ(counted(kMemoryTests, size, 0xfa), 1U) << size;
    EXPECT_EQ(counted(kMemoryTests, size, 0x55fa), 1U) << size << ": the others are elsewhere";
    EXPECT_EQ(counted(kMemoryTests, size, 0xfa00), 0U) << size;
    EXPECT_EQ(counted(kMemoryTests - 1, size, 0xfa00), 1U) << size << ": the second byte";
  }
  EXPECT_EQ(counted(kMemoryTests - 3, 4, 0xfa00'0000), 1U);
  EXPECT_EQ(counted(kMemoryTests + 1, 1, 0xfa), 0U) << "not there";
  begin(kMemory, kNoEvent);
  EXPECT_EQ(count(kMemory), 0U) << "begun anew";
}

// What is one byte at that place never comes as far; a byte of a wider access does.
TEST_F(PciTestDevice, AnEventOfTheHostsTakesWhatItMatches) {
  begin(kMemory, kWildcard);
  for (const std::uint64_t value : {0xceU, 0xcfU, 0U}) {
    EXPECT_EQ(counted(kMemoryTests + 1, 1, value), 0U) << value;
    EXPECT_EQ(counted(kMemoryTests + 1, 4, value), 0U) << value << ": unaligned, so it begins with one byte";
    EXPECT_EQ(counted(kMemoryTests, 2, value), 1U) << value;
  }
  begin(kMemory, kDatamatch);
  EXPECT_EQ(counted(kMemoryTests + 2, 1, 0xfa), 0U);
  EXPECT_EQ(counted(kMemoryTests + 2, 1, 0xfb), 0U) << "no match, and not what the test takes";
  EXPECT_EQ(counted(kMemoryTests + 2, 2, 0xfa), 1U);
  begin(kIo, kWildcard);
  EXPECT_EQ(counted(kIoTests + 4, 1, 0xce), 0U);
  EXPECT_EQ(counted(kIoTests + 4, 2, 0xce), 1U);
  EXPECT_EQ(counted(kIoTests + 3, 2, 0xcece), 0U) << "two bytes";
  EXPECT_EQ(counted(kMemory + 0x84, 1, 0xce), 1U) << "the event is in the other BAR";
}

TEST_F(PciTestDevice, AResetEndsTheTest) {
  begin(kMemory, kNoEvent);
  world_->reset();
  world_.set_config(1, reg::kBar0, 4, static_cast<std::uint32_t>(kMemory));
  world_.set_config(1, reg::kCommand, 2, 3);
  EXPECT_EQ(width(kMemory), 0U);
}

}  // namespace
}  // namespace holdfast::test
