// SPDX-License-Identifier: Apache-2.0
// Harts with private peripherals: each sees a small container of its own over the map that all share.
#include <gtest/gtest.h>

#include "tests/boards/watching_harts.hpp"
#include "tests/support/probe.hpp"

namespace holdfast::test {
namespace {

using Seen = std::vector<std::uint32_t>;

/// What one hart sees: its private register over all that is common.
class HartView final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-hart-view", .parent = &hw::Device::kType, .docs = "Private over common."};
  HartView(const hw::DeviceInit& init, hw::Container& common, std::uint32_t value)
      : Device{init},
        value_{value},
        common_{*this, "common", memory::kWholeSpace, common} {
    memory_.add(0, common_);
    memory_.add(kWatched, private_, 1);
  }

 private:
  std::uint32_t value() const { return value_; }
  void show(std::uint32_t shown) { private_.set_enabled(shown != 0); }

  const std::uint32_t value_;
  hw::Container memory_{*this, "memory"};
  hw::Alias common_;
  hw::Mmio private_{*this, "private", hw::register_map<HartView>(0x100, {
      {.at = 0, .name = "VALUE", .read = &HartView::value}})};
  hw::Mmio switch_{*this, "switch", hw::register_map<HartView>(0x100, {
      {.at = 0, .name = "SHOW", .write = &HartView::show}})};
};

class Overlaid final : public hw::Device {
 public:
  static constexpr object::Type kType{
      .name = "test-overlaid", .parent = &hw::Device::kType, .docs = "A common map, two overlays."};
  explicit Overlaid(const hw::DeviceInit& init) : Device{init, gate::Locking::kCounted} {
    common_.add(kShared, ram_);
  }

 private:
  hw::Container common_{*this, "common"};
  hw::Ram ram_{*this, "ram", {.size = 0x10000}};
  hw::Child<HartView> view_0_{*this, "view0", common_, 100U};
  hw::Child<HartView> view_1_{*this, "view1", common_, 101U};
};

const boards::PartRef kCommon{"board", "common"};
const boards::PartRef kView0{"board", "view0/memory"};
const boards::PartRef kView1{"board", "view1/memory"};

class OverlaysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    boards::BoardPlan plan{"private over common"};
    plan.add<Overlaid>("board");
    plan.map_into({"bus", "memory"}, {{kSwitch0, {"board", "view0/switch"}},
                                      {kSwitch1, {"board", "view1/switch"}}});
    const auto dma = plan.add<Probe>("dma", {.on_read = [](Probe& self) {
      return self.dma_read(kWatched).value_or(kFault);
    }});
    plan.link({{dma.link("memory"), kView1}});
    plan.map_into({"bus", "memory"}, {{kHole, dma.region("regs")}});
    machine.add_hart(plan, 0, kView0);
    machine.add_hart(plan, 1, kView1);
    machine.add_hart(plan, 2, kCommon);
    const auto realized = machine->realize(plan);
    ASSERT_TRUE(realized) << realized.error().message;
    machine.start(kCommon);
  }
  void show(std::uint64_t which, std::uint32_t shown) {
    memory::Port port{machine.space({"bus", "memory"})};
    EXPECT_EQ(port.store(which, 4, shown, {}), memory::MemTxResult::kOk);
  }
  std::uint32_t dma_sees() {
    memory::Port port{machine.space({"bus", "memory"})};
    std::uint64_t value = 0;
    port.load(kHole + Probe::kCall, 4, value, {});
    return static_cast<std::uint32_t>(value);
  }
  void expect_all_see(const Seen& wanted) {
    EXPECT_EQ(machine.all_see(), wanted);
    EXPECT_EQ(dma_sees(), wanted[1]) << "DMA through the view of hart 1";
    EXPECT_EQ(machine.debug_read(kView0, kWatched), wanted[0]);
    EXPECT_EQ(machine.debug_read(kView1, kWatched), wanted[1]);
    EXPECT_EQ(machine.debug_read(kCommon, kWatched), wanted[2]);
  }
  void plug_common() {
    boards::BoardPlan plan{"common"};
    const auto leaf = plan.add<Leaf>("leaf");
    plan.map_into(plan.existing("board").region("common"), {{kWatched, leaf.region("regs")}});
    ASSERT_TRUE(machine->realize(plan));
  }

  static constexpr std::uint64_t kSwitch0 = kHole + 0x1000;
  static constexpr std::uint64_t kSwitch1 = kHole + 0x2000;
  WatchingMachine machine{3};
};

TEST_F(OverlaysTest, EachHartSeesItsOwnAndTheCommonMapBelow) {
  expect_all_see({100, 101, kFault});
}

TEST_F(OverlaysTest, AnEditOfTheCommonMapShowsWhereNothingPrivateIsAboveIt) {
  plug_common();
  expect_all_see({100, 101, 0x1eaf});
  EXPECT_TRUE(machine->unplug("leaf")->wait());
  expect_all_see({100, 101, kFault});
}

TEST_F(OverlaysTest, AnOverlayIsSwitchedOffAndOnWhileTheHartsRun) {
  plug_common();
  for (int i = 0; i < 5; ++i) {
    show(kSwitch0, 0);
    expect_all_see({0x1eaf, 101, 0x1eaf});
    show(kSwitch1, 0);
    expect_all_see({0x1eaf, 0x1eaf, 0x1eaf});
    show(kSwitch0, 1);
    expect_all_see({100, 0x1eaf, 0x1eaf});
    show(kSwitch1, 1);
    expect_all_see({100, 101, 0x1eaf});
  }
}

TEST_F(OverlaysTest, TheCommonMapIsEditedUnderSwitchedOffOverlays) {
  show(kSwitch0, 0);
  show(kSwitch1, 0);
  for (int i = 0; i < 5; ++i) {
    plug_common();
    expect_all_see({0x1eaf, 0x1eaf, 0x1eaf});
    EXPECT_TRUE(machine->unplug("leaf")->wait());
    expect_all_see({kFault, kFault, kFault});
  }
}

TEST_F(OverlaysTest, TheWholeBoardGoesFromUnderItsHarts) {
  machine->pause();
  EXPECT_TRUE(machine->unplug("board")->wait());
  EXPECT_EQ(dma_sees(), kFault);
}

}  // namespace
}  // namespace holdfast::test
