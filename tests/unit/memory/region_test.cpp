// SPDX-License-Identifier: Apache-2.0
// The life of a region: created, placed and destroyed in any order, from anywhere.
#include "tests/unit/memory/map_fixture.hpp"

namespace holdfast::memory::test {
namespace {

constexpr gate::Use kUse{"test"};

class Regions : public MapTest {
 protected:
  MemoryRegion root_ = container("root");
  AddressSpace space_{fabric_, root_, {.name = "space"}};
};

TEST_F(Regions, ADestroyedChildLeavesItsContainer) {
  {
    const auto uart = mmio("uart", 0x1000);
    commit(Transaction{}.add(root_, 0, uart));
  }
  EXPECT_EQ(shown(space_), "");
}

TEST_F(Regions, ADestroyedContainerLetsItsChildrenGo) {
  const auto uart = mmio("uart", 0x1000);
  {
    const auto bus = container("bus");
    commit(Transaction{}.add(root_, 0, bus).add(bus, 0, uart));
  }
  EXPECT_EQ(shown(space_), "");
  commit(Transaction{}.add(root_, 0x2000, uart));
  EXPECT_EQ(shown(space_), "2000-2fff uart");
}

TEST_F(Regions, ADestroyedTargetLeavesItsAliasesEmpty) {
  auto memory = ram("memory", 0x1000);
  const auto window = alias("window", memory, 0);
  commit(Transaction{}.add(root_, 0, window));
  memory = {};
  EXPECT_EQ(shown(space_), "");
  const auto other = ram("other", 0x1000);
  commit(Transaction{}.set_alias(window, other, 0));
  EXPECT_EQ(shown(space_), "0-fff other");
}

TEST_F(Regions, ADestroyedRootLeavesItsSpacesEmpty) {
  const auto uart = mmio("uart", 0x1000);
  commit(Transaction{}.add(root_, 0, uart));
  root_ = {};
  EXPECT_EQ(shown(space_), "");
  EXPECT_EQ(&space_.view(), &fabric_.nothing());
}

TEST_F(Regions, TheControlBlockOutlivesTheHandleUntilReadersHaveLeft) {
  const auto before = realm_.census().take();
  {
    const rcu::Section section{realm_.domain()};
    const RegionControl* control = nullptr;
    {
      const auto uart = mmio("uart", 0x1000);
      commit(Transaction{}.add(root_, 0, uart));
      control = space_.find(0x10).range.control();
    }
    EXPECT_TRUE(control->is_dropped());
    EXPECT_EQ(control->name(), "uart");
  }
  realm_.domain().barrier();
  EXPECT_EQ(realm_.census().take(), before);
}

TEST_F(Regions, DestroyedInsideAGateTheMapFollowsAfterwards) {
  auto uart = std::make_unique<MemoryRegion>(mmio("uart", 0x1000));
  commit(Transaction{}.add(root_, 0, *uart));
  {
    const gate::Pass pass{*gate_, kUse};
    uart.reset();
    EXPECT_EQ(shown(space_), "0-fff uart");
  }
  EXPECT_EQ(shown(space_), "");
}

TEST_F(Regions, ARegionWithoutAnOwnerClosesItsOwnGate) {
  Ref<gate::Gate> gate;
  {
    const auto lone = MemoryRegion::mmio(fabric_, {.name = "lone", .size = 0x1000},
                                         {.handler = handler_});
    ASSERT_TRUE(lone.control()->has_own_gate());
    gate = Ref<gate::Gate>::share(&lone.control()->gate());
    EXPECT_TRUE(gate->is_open());
    commit(Transaction{}.add(root_, 0, lone));
  }
  EXPECT_TRUE(gate->is_drained());
}

TEST_F(Regions, AnAliasMadeInsideAGateGetsItsTargetAfterwards) {
  const auto memory = ram("memory", 0x1000);
  MemoryRegion window;
  {
    const gate::Pass pass{*gate_, kUse};
    window = alias("window", memory, 0);
    fabric_.post(std::move(Transaction{}.add(root_, 0, window)));
  }
  EXPECT_EQ(shown(space_), "0-fff memory");
}

TEST_F(Regions, ASpaceMadeAndDroppedInsideAGateFollows) {
  const auto before = realm_.census().take();
  {
    const gate::Pass pass{*gate_, kUse};
    const AddressSpace space{fabric_, root_, {.name = "inner"}};
    EXPECT_EQ(&space.view(), &fabric_.nothing());
  }
  realm_.domain().barrier();
  EXPECT_EQ(realm_.census().take(), before);
}

TEST_F(Regions, AHandleMoves) {
  auto a = mmio("a", 0x1000);
  commit(Transaction{}.add(root_, 0, a));
  MemoryRegion b = std::move(a);
  EXPECT_EQ(shown(space_), "0-fff a");
  b = mmio("b", 0x1000);
  EXPECT_EQ(shown(space_), "");
}

}  // namespace
}  // namespace holdfast::memory::test
