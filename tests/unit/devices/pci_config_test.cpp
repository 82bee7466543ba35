// SPDX-License-Identifier: Apache-2.0
// Configuration space as bytes, addresses on a bus, and who gets which place.
#include <gtest/gtest.h>

#include "holdfast/devices/pci/address.hpp"
#include "holdfast/devices/pci/config_space.hpp"
#include "tests/support/pci_devices.hpp"
#include "tests/support/pci_world.hpp"

namespace holdfast::test {
namespace {

using pci::Address;
using pci::ConfigSpace;
namespace reg = pci::reg;

TEST(PciConfigSpace, AGuestChangesTheBitsItMayAndClearsThoseItMay) {
  ConfigSpace space;
  space.define(0x40, 4, 0x1234'5678);
  space.allow(0x40, 2, 0x00ff);
  space.clear_by_ones(0x42, 2, 0x1000);
  space.write(0x40, 4, 0xffff'ffaa);
  EXPECT_EQ(space.get(0x40, 4), 0x0234'56aaU);
  space.write(0x41, 1, 0xff);
  EXPECT_EQ(space.get(0x40, 4), 0x0234'56aaU);
  space.put(0x42, 2, 0x7777);
  EXPECT_EQ(space.get(0x40, 4), 0x7777'56aaU);
  space.reset();
  EXPECT_EQ(space.get(0x40, 4), 0x1234'5678U);
}

TEST(PciConfigSpace, BeyondItsEndItIsZeroAndStaysSo) {
  ConfigSpace space;
  space.define(0xfc, 4, 0x1122'3344);
  EXPECT_EQ(space.get(0xfe, 4), 0x1122U);
  space.write(0x100, 4, ~0U);
  EXPECT_EQ(space.get(0x100, 4), 0U);
  space.grow(0x108);
  space.allow(0x104, 4, ~0U);
  space.write(0x104, 4, 0xcafe);
  EXPECT_EQ(space.get(0x104, 4), 0xcafeU);
}

TEST(PciAddress, IsHexadecimalDeviceAndFunction) {
  EXPECT_EQ(Address::parse("1f.7").value(), (Address{.device = 31, .function = 7}));
  EXPECT_EQ(Address::parse("0x3").value(), (Address{.device = 3}));
  EXPECT_EQ((Address{.device = 3, .function = 1}).number(), 25U);
  EXPECT_EQ(Address::from_number(25).to_string(), "03.1");
  for (const char* wrong : {"", "20", "1.8", "1.", ".1", "g", "1.1.1", "-1", "0x"})
    EXPECT_EQ(Address::parse(wrong).error().message,
              "it takes DEVICE or DEVICE.FUNCTION in hexadecimal, up to 1f.7")
        << wrong;
}

std::string why(const Result<void>& result) { return result ? "" : result.error().message; }

class PciSeats : public ::testing::Test {
 protected:
  PciWorld world;
  const Census::Snapshot before = world->census();
};

TEST_F(PciSeats, TheFirstFreeDeviceIsTakenIfNoneIsNamed) {
  ASSERT_TRUE(world.plug<PciRam>("a", "2"));
  ASSERT_TRUE(world.plug<PciRam>("b", ""));
  ASSERT_TRUE(world.plug<PciRam>("c", ""));
  EXPECT_EQ(world.get<PciRam>("b").address().to_string(), "01.0");
  EXPECT_EQ(world.get<PciRam>("c").address().to_string(), "03.0");
}

TEST_F(PciSeats, APlaceIsTakenUntilItsFunctionHasGone) {
  ASSERT_TRUE(world.plug<PciRam>("a", "2"));
  const auto with_a = world->census();
  EXPECT_EQ(why(world.plug<PciRam>("b", "2")),
            "addr is '02.0'; that place on bus 'pcie.0' is taken by /machine/a");
  EXPECT_EQ(why(world.plug<PciRam>("b", "0")),
            "addr is '00.0'; that place on bus 'pcie.0' is taken by /machine/host/function");
  EXPECT_EQ(world->census(), with_a) << "the world is as it was";
  EXPECT_TRUE(world.unplug("a"));
  EXPECT_EQ(world->census(), before);
  EXPECT_TRUE(world.plug<PciRam>("b", "2"));
}

TEST_F(PciSeats, AFullBusSaysSo) {
  for (int i = 1; i < 32; ++i) ASSERT_TRUE(world.plug<PciRam>("d" + std::to_string(i), ""));
  EXPECT_EQ(why(world.plug<PciRam>("more", "")),
            "bus 'pcie.0' is full: its devices 0 to 1f are taken");
}

TEST_F(PciSeats, ADeviceHasSeveralFunctionsIfItsFirstSaysSo) {
  ASSERT_TRUE(world.plug<PciRam>("alone", "2"));
  EXPECT_EQ(why(world.plug<PciRam>("b", "2.1")),
            "addr is '02.1'; function 0 there, /machine/alone, is the only one of its device; it takes "
            "one with multifunction=on");
  ASSERT_TRUE(world.plug<PciRam>("second", "3.5"));
  EXPECT_EQ(why(world.plug<PciRam>("first", "3")),
            "addr is '03.0'; its device has function 5, /machine/second, so it takes multifunction=on");
  world.set_properties({{"multifunction", true}});
  ASSERT_TRUE(world.plug<PciRam>("first", "3"));
  EXPECT_EQ(world.config(3, reg::kHeaderType, 1), 0x80U);
  EXPECT_EQ(world.config(3, reg::kHeaderType, 1, 5), 0x00U);
  EXPECT_EQ(world.config(3, reg::kVendorId, 2, 5), kTestVendor);
  EXPECT_EQ(world.config(2, reg::kHeaderType, 1), 0x00U);
}

TEST_F(PciSeats, AFunctionWithoutABusIsNotRealized) {
  boards::BoardPlan plan{"nowhere"};
  plan.add<PciRam>("a");
  EXPECT_EQ(why(world->realize(plan)), "/machine/a:bus: is not set; it takes a PCI bus");
  const auto findings = plan.findings();
  ASSERT_TRUE(findings);
  EXPECT_EQ(*findings,
            (std::vector<std::string>{"/machine/a:bus: leads nowhere; it takes a PCI bus"}));
}

}  // namespace
}  // namespace holdfast::test
