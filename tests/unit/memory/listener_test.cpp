// SPDX-License-Identifier: Apache-2.0
// What listeners are told, and when.
#include "tests/property/memory/shadow.hpp"
#include "tests/unit/memory/map_fixture.hpp"

namespace holdfast::memory::test {
namespace {

/// Writes down the calls.
class Diary final : public LayoutListener {
 public:
  explicit Diary(std::string* pages, std::string name = "") : pages_{pages}, name_{std::move(name)} {}
  void begin() override { *pages_ += name_ + "<"; }
  void region_del(const Section& s) override { note('-', s); }
  void region_add(const Section& s) override { note('+', s); }
  void commit() override { *pages_ += name_ + "> "; }

 private:
  void note(char what, const Section& s) {
    *pages_ += fmt::format("{}{}{}@{:x}-{:x} ", name_, what, s.region->name(), s.extent.first,
                           s.extent.last);
  }
  std::string* pages_;
  std::string name_;
};

class Listeners : public MapTest {
 protected:
  std::string take() { return std::exchange(pages_, {}); }

  MemoryRegion root_ = container("root");
  MemoryRegion memory_ = ram("memory", 0x4000);
  MemoryRegion uart_ = mmio("uart", 0x1000);
  AddressSpace space_{fabric_, root_, {.name = "space"}};
  std::string pages_;
  Diary diary_{&pages_};
};

TEST_F(Listeners, ASubscriptionReplaysAtBothEnds) {
  commit(Transaction{}.add(root_, 0, memory_).add(root_, 0x8000, uart_));
  {
    const Subscription subscription{space_, diary_};
    EXPECT_EQ(take(), "<+memory@0-3fff +uart@8000-8fff > ");
  }
  EXPECT_EQ(take(), "<-memory@0-3fff -uart@8000-8fff > ");
}

TEST_F(Listeners, DeletionsComeBeforeAdditionsAndOnlyWhatDiffersIsTold) {
  const auto other = mmio("other", 0x100);
  commit(Transaction{}.add(root_, 0, memory_).add(root_, 0x8000, uart_).add(root_, 0x10000, other));
  const Subscription subscription{space_, diary_};
  take();
  commit(Transaction{}.move(uart_, 0x1000));
  EXPECT_EQ(take(), "<-memory@0-3fff -uart@8000-8fff +memory@0-fff +uart@1000-1fff "
                    "+memory@2000-3fff > ");
}

TEST_F(Listeners, ARangeJoinedByTwoWindowsIsToldOnce) {
  const auto a = mmio("a", 0x1000);
  const auto b = mmio("b", 0x1000);
  commit(Transaction{}.add(root_, 0, memory_).add(root_, 0x1000, a, 1).add(root_, 0x2000, b, 1));
  const Subscription subscription{space_, diary_};
  take();
  commit(Transaction{}.remove(a).remove(b));
  EXPECT_EQ(take(), "<-memory@0-fff -a@1000-1fff -b@2000-2fff -memory@3000-3fff +memory@0-3fff > ");
}

TEST_F(Listeners, OfTwoTheLowerPriorityAddsFirstAndDeletesLast) {
  Diary low{&pages_, "low"};
  Diary high{&pages_, "high"};
  const Subscription first{space_, high, {.priority = 10}};
  const Subscription second{space_, low, {.priority = 0}};
  commit(Transaction{}.add(root_, 0, uart_));
  EXPECT_EQ(take(), "high<low<low+uart@0-fff low> high+uart@0-fff high> ");
}

TEST_F(Listeners, OtherSpacesAreNotTold) {
  const auto elsewhere = container("elsewhere");
  const AddressSpace other{fabric_, elsewhere, {.name = "other"}};
  const Subscription subscription{space_, diary_};
  commit(Transaction{}.add(elsewhere, 0, uart_));
  EXPECT_EQ(take(), "");
}

TEST_F(Listeners, ADroppedSpaceDeletesEverything) {
  commit(Transaction{}.add(root_, 0, uart_));
  auto space = std::make_unique<AddressSpace>(fabric_, root_, AddressSpace::Init{"short"});
  const Subscription subscription{*space, diary_};
  take();
  space.reset();
  EXPECT_EQ(take(), "<-uart@0-fff > ");
}

TEST_F(Listeners, ASeveredRegionIsDeleted) {
  commit(Transaction{}.add(root_, 0, uart_));
  const Subscription subscription{space_, diary_};
  take();
  uart_ = {};
  EXPECT_EQ(take(), "<-uart@0-fff > ");
}

TEST_F(Listeners, AnotherRootIsToldAsADifference) {
  const auto other = container("other");
  const auto window = alias("window", memory_, 0, 0x1000);
  commit(Transaction{}.add(root_, 0, memory_).add(root_, 0x8000, uart_));
  commit(Transaction{}.add(other, 0, window));
  const Subscription subscription{space_, diary_};
  take();
  space_.set_root(other);
  EXPECT_EQ(take(), "<-memory@0-3fff -uart@8000-8fff +memory@0-fff > ");
}

TEST_F(Listeners, ThroughALinkTheyAreToldOfWhatChangedBehindIt) {
  commit(Transaction{}.add(root_, 0x8000, memory_));
  const auto top = container("top");
  const auto window = alias("window", root_, 0x1000);
  commit(Transaction{}.add(top, 0, window));
  AddressSpace space{fabric_, top, {.name = "private"}};
  ASSERT_TRUE(space.view().has_links());
  const Subscription subscription{space, diary_};
  EXPECT_EQ(take(), "<+memory@7000-afff > ");
  commit(Transaction{}.add(root_, 0x800, uart_));
  EXPECT_EQ(take(), "<+uart@0-7ff > ");
  commit(Transaction{}.move(memory_, 0x9000));
  EXPECT_EQ(take(), "<-memory@7000-afff +memory@8000-bfff > ");
}

TEST_F(Listeners, AnOverlayThatCutsALinkIsToldExactly) {
  commit(Transaction{}.add(root_, 0, memory_).add(root_, 0x10000, uart_));
  const auto top = container("top");
  const auto window = alias("window", root_, 0);
  const auto own = mmio("own", 0x1000);
  commit(Transaction{}.add(top, 0, window));
  AddressSpace space{fabric_, top, {.name = "private"}};
  ASSERT_TRUE(space.view().has_links());
  const Subscription subscription{space, diary_};
  take();
  commit(Transaction{}.add(top, 0x1000, own, 1));
  EXPECT_EQ(take(), "<-memory@0-3fff +memory@0-fff +own@1000-1fff +memory@2000-3fff > ");
}

TEST_F(Listeners, TranslationListenersLearnTheWindows) {
  StaleWindows stale;
  const Subscription subscription{space_, stale};
  commit(Transaction{}.add(root_, 0x1000, uart_).add(root_, 0x8000, memory_));
  EXPECT_TRUE(stale.contains(0x1000) && stale.contains(0x1fff));
  EXPECT_TRUE(stale.contains(0x8000) && stale.contains(0xbfff));
  EXPECT_FALSE(stale.contains(0xfff) || stale.contains(0x2000));
}

/// Edits the map when it is told of a change.
class Editor final : public LayoutListener {
 public:
  Editor(Fabric& fabric, const MemoryRegion& root, const MemoryRegion& region)
      : fabric_{fabric}, root_{root}, region_{region} {}
  void region_del(const Section&) override {}
  void region_add(const Section&) override {
    if (!std::exchange(done_, true)) fabric_.post(std::move(Transaction{}.add(root_, 0x8000, region_)));
  }

 private:
  Fabric& fabric_;
  const MemoryRegion& root_;
  const MemoryRegion& region_;
  bool done_ = false;
};

TEST_F(Listeners, AListenersEditIsPerformedWhenTheMapIsFree) {
  Editor editor{fabric_, root_, memory_};
  const Subscription subscription{space_, editor};
  commit(Transaction{}.add(root_, 0, uart_));
  EXPECT_EQ(shown(space_), "0-fff uart, 8000-bfff memory");
}

/// Drops a space when it is told of a change.
class Dropper final : public LayoutListener {
 public:
  explicit Dropper(std::unique_ptr<AddressSpace>& space) : space_{space} {}
  void region_del(const Section&) override { ++deletions_; }
  void region_add(const Section&) override { space_.reset(); }
  int deletions() const { return deletions_; }

 private:
  std::unique_ptr<AddressSpace>& space_;
  int deletions_ = 0;
};

TEST_F(Listeners, ASpaceMayBeDroppedDuringItsListenersCall) {
  auto space = std::make_unique<AddressSpace>(fabric_, root_, AddressSpace::Init{"short"});
  Dropper dropper{space};
  const Subscription subscription{*space, dropper};
  commit(Transaction{}.add(root_, 0, uart_));
  EXPECT_EQ(space, nullptr);
  EXPECT_EQ(dropper.deletions(), 1);
}

TEST_F(Listeners, WhoseGateIsClosedIsNotCalled) {
  const auto gate = gate::Gate::make(realm_, "listener");
  gate->open();
  const Subscription subscription{space_, diary_, {.gate = gate}};
  commit(Transaction{}.add(root_, 0, uart_));
  EXPECT_EQ(take(), "<+uart@0-fff > ");
  gate->close();
  commit(Transaction{}.remove(uart_));
  EXPECT_EQ(take(), "");
}

TEST_F(Listeners, ASubscriptionThatEndsInsideAGateIsSilentAtOnce) {
  constexpr gate::Use kUse{"test"};
  const auto gate = gate::Gate::make(realm_, "listener");
  gate->open();
  auto subscription =
      std::make_unique<Subscription>(space_, diary_, Subscription::Init{.gate = gate});
  commit(Transaction{}.add(root_, 0, uart_));
  take();
  {
    const gate::Pass pass{*gate, kUse};
    subscription.reset();
  }
  commit(Transaction{}.remove(uart_));
  EXPECT_EQ(take(), "");
}

}  // namespace
}  // namespace holdfast::memory::test
