// SPDX-License-Identifier: Apache-2.0
// The expansion ROM that a user gives a function.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/pci_devices.hpp"
#include "tests/support/pci_world.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::test {
namespace {

namespace reg = pci::reg;
using pci_map::kLow;
using ::holdfast::testing::TempFile;

constexpr std::uint32_t kAllOnes = 0xffff'ffff;
constexpr std::uint32_t kEnabled = 1;

class PciRomTest : public ::testing::Test {
 protected:
  using Rows = std::vector<boards::BoardPlan::PropertyRow>;
  Result<void> plug(Rows properties) {
    world.set_properties(std::move(properties));
    return world.plug<PciRam>("card", "1");
  }
  std::string refusal(Rows properties) {
    const auto before = world->census();
    const auto done = plug(std::move(properties));
    EXPECT_EQ(world->census(), before);
    return done ? "" : done.error().message;
  }
  void set_rom(std::uint32_t value) { world.set_config(1, reg::kRom, 4, value); }

  static constexpr unsigned kImage = 4003;  // bytes
  PciRomTest() {
    std::vector<unsigned char> bytes(kImage, 'r');
    bytes[0] = 0x55;
    bytes[1] = 0xaa;
    bytes[2] = 0x08;
    file.put(0, bytes);
  }

  const TempFile file{kImage};
  PciWorld world;
};

TEST_F(PciRomTest, ShowsAnImageWhileItIsEnabledAndMemoryIsDecoded) {
  const auto before = world->census();
  ASSERT_TRUE(plug({{"romfile", file.path()}}));
  EXPECT_EQ(world.config(1, reg::kRom), 0U);
  set_rom(0xffff'fffe);
  EXPECT_EQ(world.config(1, reg::kRom), 0xffff'f000U) << "4 KiB";
  set_rom(kLow);
  world.set_config(1, reg::kCommand, 2, pci::command::kMemory);
  EXPECT_EQ(world.read32(kLow), kAllOnes);
  set_rom(kLow | kEnabled);
  EXPECT_EQ(world.read32(kLow), 0x7208'aa55U);
  EXPECT_EQ(world.load(kLow + kImage - 1, 1), 'r' + 0U);
  EXPECT_EQ(world.load(kLow + kImage, 1), 0U) << "behind the image";
  world.set_config(1, reg::kCommand, 2, 0);
  EXPECT_EQ(world.read32(kLow), kAllOnes);
  world.set_config(1, reg::kCommand, 2, pci::command::kMemory);
  world->reset();
  EXPECT_EQ(world.config(1, reg::kRom), 0U);
  EXPECT_EQ(world.read32(kLow), kAllOnes);
  EXPECT_TRUE(world.unplug("card"));
  EXPECT_EQ(world->census(), before);
}

TEST_F(PciRomTest, IsNotWritten) {
  ASSERT_TRUE(plug({{"romfile", file.path()}}));
  set_rom(kLow | kEnabled);
  world.set_config(1, reg::kCommand, 2, pci::command::kMemory);
  memory::AddressSpace space{world->fabric(), world->bus().memory().region(), {.name = "writer"}};
  memory::Port{space}.store(kLow, 4, 0, {});
  EXPECT_EQ(world.read32(kLow), 0x7208'aa55U);
}

TEST_F(PciRomTest, HasTheSizeThatIsAskedFor) {
  ASSERT_TRUE(plug({{"romfile", file.path()}, {"romsize", "65536"}}));
  set_rom(kAllOnes);
  EXPECT_EQ(world.config(1, reg::kRom), 0xffff'0001U);
}

TEST_F(PciRomTest, IsNotShownIfItIsNotToBe) {
  ASSERT_TRUE(plug({{"romfile", file.path()}, {"rombar", "0"}}));
  set_rom(kAllOnes);
  EXPECT_EQ(world.config(1, reg::kRom), 0U);
}

TEST_F(PciRomTest, IsNotThereWithoutAnImage) {
  ASSERT_TRUE(plug({{"romfile", ""}, {"rombar", "1"}}));
  set_rom(kAllOnes);
  EXPECT_EQ(world.config(1, reg::kRom), 0U);
}

TEST_F(PciRomTest, WhatCannotBe) {
  const TempFile empty{0};
  EXPECT_EQ(refusal({{"romfile", "/nowhere/rom"}}),
            "romfile is '/nowhere/rom'; it takes the path of a readable file");
  EXPECT_EQ(refusal({{"romfile", "/tmp"}}), "romfile is '/tmp'; it takes the path of a readable file");
  EXPECT_EQ(refusal({{"romfile", empty.path()}}),
            "romfile '" + empty.path() + "' has 0 bytes; it takes 1 to 2147483648");
  for (const std::uint32_t size : {0U, 5000U, 2048U})
    EXPECT_EQ(refusal({{"romfile", file.path()}, {"romsize", std::to_string(size)}}),
              "romsize is " + std::to_string(size) +
                  "; it takes a power of two, at least 2048 and the 4003 bytes of the image");
  EXPECT_EQ(world.config(1, reg::kVendorId), kAllOnes);
}

TEST_F(PciRomTest, GoesWithAFunctionThatFindsNoPlace) {
  const auto before = world->census();
  world.set_properties({{"romfile", file.path()}});
  EXPECT_FALSE(world.plug<PciRam>("card", "0")) << "the host bridge is there";
  EXPECT_EQ(world->census(), before);
  EXPECT_TRUE(plug({{"romfile", file.path()}}));
}

}  // namespace
}  // namespace holdfast::test
