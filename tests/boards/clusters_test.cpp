// SPDX-License-Identifier: Apache-2.0
// Two clusters of harts: each has its own system container; some RAM shows in both, and what one
// cluster has at an address the other has not.
#include <gtest/gtest.h>

#include "tests/boards/watching_harts.hpp"
#include "tests/support/probe.hpp"

namespace holdfast::test {
namespace {

using Seen = std::vector<std::uint32_t>;

/// The two containers, RAM that both show, and RAM that is each one's own.
class Clusters final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-clusters", .parent = &hw::Device::kType, .docs = "Two system containers."};
  explicit Clusters(const hw::DeviceInit& init) : Device{init, gate::Locking::kCounted} {
    near_.add(kShared, shared_);
    far_.add(kShared, shared_in_far_);
    near_.add(kOwn, near_ram_);
    far_.add(kOwn, far_ram_);
  }
  static constexpr std::uint64_t kOwn = 0x5000'0000;

 private:
  hw::Container near_{*this, "near"};
  hw::Container far_{*this, "far"};
  hw::Ram shared_{*this, "shared", {.size = 0x10000}};
  hw::Alias shared_in_far_{*this, "shared-in-far", 0x10000, shared_};
  hw::Ram near_ram_{*this, "near-ram", {.size = 0x1000}};
  hw::Ram far_ram_{*this, "far-ram", {.size = 0x1000}};
};

const boards::PartRef kNear{"clusters", "near"};
const boards::PartRef kFar{"clusters", "far"};

class ClustersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    boards::BoardPlan plan{"two clusters"};
    plan.add<Clusters>("clusters");
    const auto leaf = plan.add<Leaf>("leaf");
    plan.map_into(kNear, {{kWatched, leaf.region("regs")}});
    for (const auto& [name, view] : {std::pair{"near-dma", kNear}, std::pair{"far-dma", kFar}}) {
      const auto dma = plan.add<Probe>(name, {.on_read = [](Probe& self) {
        return self.dma_read(kWatched).value_or(kFault);
      }});
      plan.link({{dma.link("memory"), view}});
      plan.map_into({"bus", "memory"}, {{view == kNear ? kHole : kHole + 0x1000, dma.region("regs")}});
    }
    machine.add_hart(plan, 0, kNear);
    machine.add_hart(plan, 1, kNear);
    machine.add_hart(plan, 2, kFar);
    const auto realized = machine->realize(plan);
    ASSERT_TRUE(realized) << realized.error().message;
    machine.start(kNear);
  }
  /// What the two DMA devices and a tool see at kWatched in the near and the far cluster.
  void expect_masters_see(std::uint32_t near, std::uint32_t far) {
    memory::Port port{machine.space({"bus", "memory"})};
    std::uint64_t value = 0;
    port.load(kHole + Probe::kCall, 4, value, {});
    EXPECT_EQ(value, near) << "DMA, near";
    port.load(kHole + 0x1000 + Probe::kCall, 4, value, {});
    EXPECT_EQ(value, far) << "DMA, far";
    EXPECT_EQ(machine.debug_read(kNear, kWatched), near) << "tool, near";
    EXPECT_EQ(machine.debug_read(kFar, kWatched), far) << "tool, far";
  }

  WatchingMachine machine{3};
};

TEST_F(ClustersTest, ADeviceOfOneClusterIsNotThereForTheOther) {
  EXPECT_EQ(machine.all_see(), (Seen{0x1eaf, 0x1eaf, kFault}));
  expect_masters_see(0x1eaf, kFault);
}

TEST_F(ClustersTest, RamIsSharedOrEachOnesOwn) {
  memory::Port near{machine.space(kNear)};
  memory::Port far{machine.space(kFar)};
  std::uint64_t value = 0;
  near.store(kShared + 0x1000, 8, 1, {});
  far.load(kShared + 0x1000, 8, value, {});
  EXPECT_EQ(value, 1U);
  near.store(Clusters::kOwn, 8, 2, {});
  far.load(Clusters::kOwn, 8, value, {});
  EXPECT_EQ(value, 0U);
}

TEST_F(ClustersTest, ADeviceGoesOverToTheOtherClusterWhileAllHartsRun) {
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(machine.all_see(), (Seen{0x1eaf, 0x1eaf, kFault}));
    EXPECT_TRUE(machine->unplug("leaf")->wait());
    EXPECT_EQ(machine.all_see(), (Seen{kFault, kFault, kFault}));
    boards::BoardPlan there{"there"};
    const auto leaf = there.add<Leaf>("leaf");
    there.map_into(there.existing("clusters").region("far"), {{kWatched, leaf.region("regs")}});
    ASSERT_TRUE(machine->realize(there));
    EXPECT_EQ(machine.all_see(), (Seen{kFault, kFault, 0x1eaf}));
    expect_masters_see(kFault, 0x1eaf);
    EXPECT_TRUE(machine->unplug("leaf")->wait());
    boards::BoardPlan back{"back"};
    const auto again = back.add<Leaf>("leaf");
    back.map_into(back.existing("clusters").region("near"), {{kWatched, again.region("regs")}});
    ASSERT_TRUE(machine->realize(back));
  }
}

TEST_F(ClustersTest, AHartIsUnpluggedWhileTheOthersRun) {
  EXPECT_TRUE(machine->unplug("cpu1")->wait());
  EXPECT_EQ(machine.sees(0), 0x1eafU);
  EXPECT_EQ(machine.sees(2), kFault);
}

}  // namespace
}  // namespace holdfast::test
