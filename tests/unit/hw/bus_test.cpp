// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/bus.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/hw/services.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::hw {
namespace {

class Rack final : public Device {
 public:
  static constexpr object::Type kType{.name = "test-rack", .parent = &Device::kType, .docs = "Has a bus."};
  class RackBus final : public Bus {
   public:
    RackBus(Rack& rack, std::string name)
        : Bus{rack, "bus", {.name = std::move(name), .type = "test-bus", .family = "test"}} {}
  };

  /// With a child that may be called as the bus is.
  Rack(const DeviceInit& init, std::string bus_name, std::string child_name)
      : Device{init}, child_{*this, std::move(child_name)}, bus_{*this, std::move(bus_name)} {}
  const Bus& bus() const { return bus_; }

 private:
  Child<test::Leaf> child_;
  RackBus bus_;
};

class BusTest : public ::testing::Test {
 protected:
  object::Tree& tree() { return services_->tree(); }
  /// The paths of the buses that the tree shows.
  std::vector<std::string> shown() {
    std::vector<std::string> paths;
    const auto all = tree().walk("/").value();
    for (const auto& entry : all)
      if (entry.type == "test-bus") paths.push_back(entry.path);
    return paths;
  }

  std::unique_ptr<Services> services_ = Services::make({.name = "test"}).value();
};

using Paths = std::vector<std::string>;

TEST_F(BusTest, IsBelowItsDeviceAsLongAsThatIsThere) {
  auto rack = make_device<Rack>(services_->context(), "rack", "pcie.0", "leaf");
  EXPECT_EQ(shown(), Paths{}) << "nothing shows before its device does";
  ASSERT_TRUE(rack->realize(tree().root()));
  EXPECT_EQ(shown(), Paths{"/rack/pcie.0"});
  EXPECT_EQ(rack->bus().node_path(), "/rack/pcie.0");
  EXPECT_TRUE(tree().resolve("/rack/pcie.0")->object.expired()) << "no object: nothing to read or set";
  rack.reset();
  services_->settle();
  EXPECT_EQ(shown(), Paths{});
}

TEST_F(BusTest, OfADeviceInAFolderIsCalledAsItIsThere) {
  auto rack = make_device<Rack>(services_->context(), "rack", "peripheral/rack", "leaf");
  ASSERT_TRUE(rack->realize(tree().root()));
  EXPECT_EQ(rack->bus().bus_name(), "peripheral/rack");
  EXPECT_EQ(shown(), Paths{"/rack/rack"});
}

TEST_F(BusTest, GivesWayToAChildOfItsName) {
  auto rack = make_device<Rack>(services_->context(), "rack", "leaf", "leaf");
  ASSERT_TRUE(rack->realize(tree().root()));
  EXPECT_EQ(shown(), Paths{"/rack/bus"});
  EXPECT_EQ(tree().resolve("/rack/leaf")->type, test::Leaf::kType.name);
}

}  // namespace
}  // namespace holdfast::hw
