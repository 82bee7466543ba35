// SPDX-License-Identifier: Apache-2.0
// Who shares a view, what is shown as a link, and what stamps promise.
#include "tests/support/at_point.hpp"
#include "tests/unit/memory/map_fixture.hpp"

namespace holdfast::memory::test {
namespace {

using Views = MapTest;

TEST_F(Views, SpacesOnOneRootShareAView) {
  const auto root = container("root");
  const AddressSpace a{fabric_, root, {.name = "a"}};
  const AddressSpace b{fabric_, root, {.name = "b"}};
  EXPECT_EQ(&a.view(), &b.view());
  EXPECT_EQ(fabric_.footprint().views, 1U);
}

TEST_F(Views, FullSizeAliasesAreFollowedToAShared) {
  const auto root = container("root");
  const auto whole = alias("whole", root, 0);
  const auto window = alias("window", root, 0x1000);
  const AddressSpace a{fabric_, root, {.name = "a"}};
  const AddressSpace b{fabric_, whole, {.name = "b"}};
  const AddressSpace c{fabric_, window, {.name = "c"}};
  EXPECT_EQ(&a.view(), &b.view());
  EXPECT_NE(&a.view(), &c.view());
}

TEST_F(Views, AttributesOnTheWayArePartOfTheKey) {
  const auto root = container("root");
  const auto memory = ram("memory", 0x1000);
  const auto whole = alias("whole", root, 0);
  commit(Transaction{}.add(root, 0, memory).set_read_only(whole, true));
  const AddressSpace plain{fabric_, root, {.name = "plain"}};
  const AddressSpace guarded{fabric_, whole, {.name = "guarded"}};
  EXPECT_NE(&plain.view(), &guarded.view());
  EXPECT_EQ(shown(plain), "0-fff memory");
  EXPECT_EQ(shown(guarded), "0-fff memory ro");
}

TEST_F(Views, AnEditOnTheWayMovesTheSpaceToAnotherView) {
  const auto root = container("root");
  const auto memory = ram("memory", 0x1000);
  const auto whole = alias("whole", root, 0);
  commit(Transaction{}.add(root, 0, memory));
  const AddressSpace plain{fabric_, root, {.name = "plain"}};
  const AddressSpace other{fabric_, whole, {.name = "other"}};
  const auto stamp = other.stamp();
  commit(Transaction{}.set_read_only(whole, true));
  EXPECT_EQ(shown(other), "0-fff memory ro");
  EXPECT_GT(other.stamp(), stamp);
  commit(Transaction{}.set_enabled(whole, false));
  EXPECT_EQ(shown(other), "");
  commit(Transaction{}.set_enabled(whole, true).set_read_only(whole, false));
  EXPECT_EQ(&other.view(), &plain.view());
}

TEST_F(Views, AViewGoesWithItsLastSpace) {
  const auto root = container("root");
  const auto memory = ram("memory", 0x1000);
  commit(Transaction{}.add(root, 0, memory));
  {
    const AddressSpace space{fabric_, root, {.name = "space"}};
    EXPECT_EQ(fabric_.footprint().views, 1U);
  }
  realm_.domain().barrier();
  EXPECT_EQ(fabric_.footprint().views, 0U);
  EXPECT_EQ(fabric_.footprint().flat_bytes, 0U);
}

TEST_F(Views, ASpaceWithoutARootSeesNothing) {
  const AddressSpace space{fabric_, {.name = "space"}};
  EXPECT_EQ(&space.view(), &fabric_.nothing());
  EXPECT_FALSE(space.find(0));
}

TEST_F(Views, ASpaceMayBeMadeBeforeWhatItShowsAndOutliveIt) {
  AddressSpace space{fabric_, {.name = "space"}};
  {
    const auto memory = ram("memory", 0x1000);
    space.set_root(memory);
    EXPECT_EQ(shown(space), "0-fff memory");
  }
  EXPECT_EQ(shown(space), "");
}

class Links : public MapTest {
 protected:
  Links() { commit(Transaction{}.add(system_, 0x8000, memory_)); }

  /// A root that shows the system, and a region of its own above it.
  struct Overlay {
    MemoryRegion root;
    MemoryRegion window;
    MemoryRegion own;
  };
  Overlay overlay() {
    Overlay made{container("private"), alias("window", system_, 0), mmio("own", 0x1000)};
    commit(Transaction{}.add(made.root, 0, made.window, 0).add(made.root, 0, made.own, 1));
    return made;
  }
  static bool is_linked(const AddressSpace& space) { return space.view().has_links(); }

  MemoryRegion system_ = container("system");
  MemoryRegion memory_ = ram("memory", 0x1000);
  AddressSpace shared_{fabric_, system_, {.name = "shared"}};
};

TEST_F(Links, AnOverlayContinuesInTheSharedView) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  EXPECT_TRUE(is_linked(space));
  EXPECT_EQ(shown(space), "0-fff own, 8000-8fff memory");
}

TEST_F(Links, AnEditBelowIsSeenThroughTheLinkAndMovesOnlyTheStamp) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  const auto generation = space.view().generation();
  const auto stamp = space.stamp();
  commit(Transaction{}.move(memory_, 0x4000));
  EXPECT_EQ(shown(space), "0-fff own, 4000-4fff memory");
  EXPECT_EQ(space.view().generation(), generation);
  EXPECT_GT(space.stamp(), stamp);
}

TEST_F(Links, FindFollowsTheLink) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  const FindResult memory = space.find(0x8123);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory.range.control(), memory_.control().get());
  EXPECT_EQ(memory.range.offset_of(0x8123), 0x123U);
  const FindResult hole = space.find(0x2000);
  EXPECT_FALSE(hole);
  EXPECT_EQ(hole.hole, (Extent{0x1000, 0x7fff}));
}

TEST_F(Links, SomethingBelowTheAliasMakesItFlat) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  const auto background = mmio("background", 0x9000);
  commit(Transaction{}.add(top.root, 0, background, -1));
  EXPECT_FALSE(is_linked(space));
  EXPECT_EQ(shown(space), "0-fff own, 1000-7fff background@1000, 8000-8fff memory");
  commit(Transaction{}.move(memory_, 0x2000));
  EXPECT_EQ(shown(space),
            "0-fff own, 1000-1fff background@1000, 2000-2fff memory, 3000-8fff background@3000");
  commit(Transaction{}.remove(background));
  EXPECT_TRUE(is_linked(space));
  EXPECT_EQ(shown(space), "0-fff own, 2000-2fff memory");
}

TEST_F(Links, TheAttributesOfTheAliasHoldBehindTheLink) {
  const auto top = overlay();
  commit(Transaction{}.set_read_only(top.window, true));
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  EXPECT_TRUE(is_linked(space));
  EXPECT_EQ(shown(space), "0-fff own, 8000-8fff memory ro");
}

TEST_F(Links, AViewThatIsLinkedToIsFlatItself) {
  const auto middle = overlay();
  const AddressSpace space{fabric_, middle.root, {.name = "middle"}};
  EXPECT_TRUE(is_linked(space));
  const auto top = container("top");
  const auto window = alias("window of top", middle.root, 0);
  commit(Transaction{}.add(top, 0, window));
  const AddressSpace upper{fabric_, top, {.name = "upper"}};
  EXPECT_TRUE(is_linked(upper));
  EXPECT_FALSE(is_linked(space));
  EXPECT_EQ(shown(upper), "0-fff own, 8000-8fff memory");
  commit(Transaction{}.move(memory_, 0x4000));
  EXPECT_EQ(shown(upper), "0-fff own, 4000-4fff memory");
  EXPECT_EQ(shown(space), "0-fff own, 4000-4fff memory");
}

TEST_F(Links, TheSharedViewLivesAsLongAsALinkNamesIt) {
  const auto top = overlay();
  auto other = std::make_unique<AddressSpace>(fabric_, system_, AddressSpace::Init{"other"});
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  shared_.set_root({});
  other.reset();
  EXPECT_EQ(fabric_.footprint().views, 2U);
  commit(Transaction{}.move(memory_, 0x4000));
  EXPECT_EQ(shown(space), "0-fff own, 4000-4fff memory");
}

TEST_F(Links, TheTargetOfALinkMayGo) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  const auto stamp = space.stamp();
  system_ = {};
  EXPECT_EQ(shown(space), "0-fff own");
  EXPECT_FALSE(is_linked(space));
  EXPECT_GT(space.stamp(), stamp);
}

TEST_F(Links, ARootThatIsPutSomewhereElseIsFollowedThereToo) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  const auto outer = container("outer");
  const AddressSpace around{fabric_, outer, {.name = "around"}};
  commit(Transaction{}.add(outer, 0x100000, top.root));
  commit(Transaction{}.move(memory_, 0x4000));
  EXPECT_EQ(shown(around), "100000-100fff own, 104000-104fff memory");
  EXPECT_EQ(shown(space), "0-fff own, 4000-4fff memory");
}

TEST_F(Links, TwoLinkedViewsArePublishedTogether) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  std::uint64_t between = 0;
  const auto before = fabric_.publication();
  {
    const ::holdfast::test::AtPoint half{"memory.publish.between_views",
                                         [&] { between = fabric_.publication(); }};
    commit(Transaction{}.move(memory_, 0x4000).move(top.own, 0x10000));
  }
  EXPECT_EQ(before % 2, 0U);
  EXPECT_EQ(between, before + 1);
  EXPECT_EQ(fabric_.publication(), before + 2);
  EXPECT_EQ(shown(space), "4000-4fff memory, 10000-10fff own");
}

TEST_F(Links, StampsNeverComeBack) {
  const auto top = overlay();
  const AddressSpace space{fabric_, top.root, {.name = "private"}};
  const auto background = mmio("background", 0x9000);
  commit(Transaction{}.move(memory_, 0x4000));
  commit(Transaction{}.move(memory_, 0x5000));
  auto last = space.stamp();
  commit(Transaction{}.add(top.root, 0, background, -1));  // drops the link
  EXPECT_GT(space.stamp(), last);
  last = space.stamp();
  commit(Transaction{}.remove(background));  // and makes it again
  EXPECT_GT(space.stamp(), last);
}

}  // namespace
}  // namespace holdfast::memory::test
