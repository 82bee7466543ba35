// SPDX-License-Identifier: Apache-2.0
// What regions show: memory-semantics 1 and 2, line by line.
#include "tests/unit/memory/map_fixture.hpp"

namespace holdfast::memory::test {
namespace {

class Composition : public MapTest {
 protected:
  MemoryRegion root_ = container("root");
  AddressSpace space_{fabric_, root_, {.name = "space"}};
};

TEST_F(Composition, AnEmptyContainerShowsNothing) { EXPECT_EQ(shown(space_), ""); }

TEST_F(Composition, AChildShowsAtItsOffset) {
  const auto uart = mmio("uart", 0x100);
  commit(Transaction{}.add(root_, 0x1000, uart));
  EXPECT_EQ(shown(space_), "1000-10ff uart");
}

TEST_F(Composition, TheHigherPriorityShowsAndTheLowerOnBothSides) {
  const auto low = ram("low", 0x3000);
  const auto high = mmio("high", 0x1000);
  commit(Transaction{}.add(root_, 0, low, 0).add(root_, 0x1000, high, 1));
  EXPECT_EQ(shown(space_), "0-fff low, 1000-1fff high, 2000-2fff low@2000");
}

TEST_F(Composition, NegativePrioritiesLieBelowZero) {
  const auto background = reservation("background", 0x2000);
  const auto uart = mmio("uart", 0x1000);
  commit(Transaction{}.add(root_, 0, uart).add(root_, 0, background, -1000));
  EXPECT_EQ(shown(space_), "0-fff uart, 1000-1fff background@1000");
}

TEST_F(Composition, AmongEqualPrioritiesTheNewestShows) {
  const auto older = mmio("older", 0x1000);
  const auto newer = mmio("newer", 0x1000);
  commit(Transaction{}.add(root_, 0, older).add(root_, 0x800, newer));
  EXPECT_EQ(shown(space_), "0-7ff older, 800-17ff newer");
}

TEST_F(Composition, WhatMovedLastIsTheNewest) {
  const auto a = mmio("a", 0x1000);
  const auto b = mmio("b", 0x1000);
  commit(Transaction{}.add(root_, 0x400, a).add(root_, 0x800, b));
  commit(Transaction{}.move(a, 0));
  EXPECT_EQ(shown(space_), "0-fff a, 1000-17ff b@800");
}

TEST_F(Composition, PrioritiesCompareWithinOneContainerOnly) {
  const auto inner = container("inner", 0x1000);
  const auto proud = mmio("proud", 0x1000);
  const auto sibling = mmio("sibling", 0x1000);
  commit(Transaction{}.add(root_, 0, inner, 0).add(inner, 0, proud, 100).add(root_, 0, sibling, 1));
  EXPECT_EQ(shown(space_), "0-fff sibling");
}

TEST_F(Composition, TheHolesOfAContainerAreTransparent) {
  const auto below = ram("below", 0x3000);
  const auto bridge = container("bridge", 0x3000);
  const auto bar = mmio("bar", 0x100);
  commit(Transaction{}.add(root_, 0, below, 0).add(root_, 0, bridge, 1).add(bridge, 0x1000, bar));
  EXPECT_EQ(shown(space_), "0-fff below, 1000-10ff bar, 1100-2fff below@1100");
}

TEST_F(Composition, ChildrenAreClippedToTheirContainer) {
  const auto window = container("window", 0x1000);
  const auto big = ram("big", 0x2000);
  commit(Transaction{}.add(root_, 0x4000, window).add(window, 0x800, big));
  EXPECT_EQ(shown(space_), "4800-4fff big");
}

TEST_F(Composition, CallbacksServeWhatTheChildrenOfTheirRegionLeaveUncovered) {
  const auto device = mmio("device", 0x1000);
  const auto page = ram("page", 0x100);
  commit(Transaction{}.add(root_, 0, device).add(device, 0x200, page, -5));
  EXPECT_EQ(shown(space_), "0-1ff device, 200-2ff page, 300-fff device@300");
}

TEST_F(Composition, ARegionOfTheWholeSpaceReachesItsLastByte) {
  const auto everything = mmio("everything", kWholeSpace);
  const auto top = mmio("top", 0x1000);
  commit(Transaction{}.add(root_, 0, everything, -1).add(root_, 0xffff'ffff'ffff'f000, top));
  EXPECT_EQ(shown(space_), "0-ffffffffffffefff everything, fffffffffffff000-ffffffffffffffff top");
}

TEST_F(Composition, WhatWouldReachBeyondTheSpaceIsCut) {
  const auto big = mmio("big", 0x2000);
  commit(Transaction{}.add(root_, 0xffff'ffff'ffff'f000, big));
  EXPECT_EQ(shown(space_), "fffffffffffff000-ffffffffffffffff big");
}

TEST_F(Composition, AnAliasShowsAWindowOfItsTarget) {
  const auto memory = ram("memory", 0x4000);
  const auto window = alias("window", memory, 0x1000, 0x800);
  commit(Transaction{}.add(root_, 0x8000, window));
  EXPECT_EQ(shown(space_), "8000-87ff memory@1000");
}

TEST_F(Composition, AnAliasLargerThanItsTargetShowsWhatThereIs) {
  const auto memory = ram("memory", 0x1000);
  const auto window = alias("window", memory, 0x800);
  commit(Transaction{}.add(root_, 0x8000, window));
  EXPECT_EQ(shown(space_), "8000-87ff memory@800");
}

TEST_F(Composition, AliasesChain) {
  const auto memory = ram("memory", 0x4000);
  const auto first = alias("first", memory, 0x1000, 0x2000);
  const auto second = alias("second", first, 0x800, 0x1000);
  commit(Transaction{}.add(root_, 0, second));
  EXPECT_EQ(shown(space_), "0-fff memory@1800");
}

TEST_F(Composition, AnAliasOfAContainerShowsItsHoles) {
  const auto bus = container("bus", 0x10000);
  const auto a = mmio("a", 0x100);
  const auto b = mmio("b", 0x100);
  commit(Transaction{}.add(bus, 0x1000, a).add(bus, 0x2000, b));
  const auto window = alias("window", bus, 0x1080, 0x1000);
  commit(Transaction{}.add(root_, 0x8000, window));
  EXPECT_EQ(shown(space_), "8000-807f a@80, 8f80-8fff b");
}

TEST_F(Composition, OffsetsGoNegativeInsideAliases) {
  // The target's child lies below where the window begins: its view address would be negative.
  const auto bus = container("bus");
  const auto big = mmio("big", kWholeSpace);
  commit(Transaction{}.add(bus, 0, big));
  const auto window = alias("window", bus, 0xffff'ffff'0000'0000, 0x1000);
  commit(Transaction{}.add(root_, 0, window));
  EXPECT_EQ(shown(space_), "0-fff big@ffffffff00000000");
}

TEST_F(Composition, ADisabledRegionShowsNothingAndIsTransparent) {
  const auto low = ram("low", 0x1000);
  const auto high = mmio("high", 0x1000);
  commit(Transaction{}.add(root_, 0, low, 0).add(root_, 0, high, 1).set_enabled(high, false));
  EXPECT_EQ(shown(space_), "0-fff low");
  commit(Transaction{}.set_enabled(high, true));
  EXPECT_EQ(shown(space_), "0-fff high");
  commit(Transaction{}.set_enabled(high, false));
  EXPECT_EQ(shown(space_), "0-fff low");
}

TEST_F(Composition, ADisabledTargetIsDisabledThroughItsAliases) {
  const auto memory = ram("memory", 0x1000);
  const auto window = alias("window", memory, 0);
  commit(Transaction{}.add(root_, 0, window).set_enabled(memory, false));
  EXPECT_EQ(shown(space_), "");
}

TEST_F(Composition, ADisabledRootShowsNothing) {
  const auto memory = ram("memory", 0x1000);
  commit(Transaction{}.add(root_, 0, memory).set_enabled(root_, false));
  EXPECT_EQ(shown(space_), "");
}

TEST_F(Composition, ReadOnlyHoldsForAllThatShowsThroughAContainerOrAnAlias) {
  const auto memory = ram("memory", 0x1000);
  const auto bus = container("bus", 0x2000);
  const auto window = alias("window", bus, 0);
  commit(Transaction{}.add(bus, 0, memory).add(root_, 0, bus).add(root_, 0x8000, window));
  commit(Transaction{}.set_read_only(window, true).set_non_volatile(bus, true));
  EXPECT_EQ(shown(space_), "0-fff memory nv, 8000-8fff memory ro nv");
}

TEST_F(Composition, RomIsReadOnlyAndStaysSo) {
  const auto rom = MemoryRegion::rom(fabric_, {.name = "rom", .size = 0x1000}, block_);
  commit(Transaction{}.add(root_, 0, rom).set_read_only(rom, false));
  EXPECT_EQ(shown(space_), "0-fff rom ro");
}

TEST_F(Composition, ARomDeviceSwitchesItsMode) {
  const auto flash = rom_device("flash", 0x1000);
  commit(Transaction{}.add(root_, 0, flash));
  EXPECT_EQ(shown(space_), "0-fff flash direct");
  commit(Transaction{}.set_rom_mode(flash, false));
  EXPECT_EQ(shown(space_), "0-fff flash");
}

TEST_F(Composition, NeighboursThatContinueEachOtherAreOneRange) {
  const auto memory = ram("memory", 0x4000);
  const auto low = alias("low", memory, 0, 0x1000);
  const auto high = alias("high", memory, 0x1000, 0x1000);
  commit(Transaction{}.add(root_, 0, low).add(root_, 0x1000, high));
  EXPECT_EQ(shown(space_), "0-1fff memory");
}

TEST_F(Composition, NeighboursWithAGapInTheTargetStayTwo) {
  const auto memory = ram("memory", 0x4000);
  const auto low = alias("low", memory, 0, 0x1000);
  const auto high = alias("high", memory, 0x2000, 0x1000);
  commit(Transaction{}.add(root_, 0, low).add(root_, 0x1000, high));
  EXPECT_EQ(shown(space_), "0-fff memory, 1000-1fff memory@2000");
}

TEST_F(Composition, UnmergeableNeighboursStayTwo) {
  const auto memory = ram("memory", 0x4000);
  const auto low = alias("low", memory, 0, 0x1000);
  const auto high = alias("high", memory, 0x1000, 0x1000);
  commit(Transaction{}.set_unmergeable(memory, true).add(root_, 0, low).add(root_, 0x1000, high));
  EXPECT_EQ(shown(space_), "0-fff memory, 1000-1fff memory@1000");
}

TEST_F(Composition, AnUnmergeableRangeIsOneAgainWhenWhatCutItGoes) {
  const auto memory = ram("memory", 0x4000);
  const auto bar = mmio("bar", 0x1000);
  commit(Transaction{}.set_unmergeable(memory, true).add(root_, 0, memory).add(root_, 0x1000, bar, 1));
  EXPECT_EQ(shown(space_), "0-fff memory, 1000-1fff bar, 2000-3fff memory@2000");
  commit(Transaction{}.remove(bar));
  EXPECT_EQ(shown(space_), "0-3fff memory");
}

TEST_F(Composition, ARegionResizesInPlace) {
  const auto memory = ram("memory", 0x1000);
  commit(Transaction{}.add(root_, 0x1000, memory));
  commit(Transaction{}.set_size(memory, 0x3000));
  EXPECT_EQ(shown(space_), "1000-3fff memory");
  commit(Transaction{}.set_size(memory, 0x10));
  EXPECT_EQ(shown(space_), "1000-100f memory");
}

TEST_F(Composition, AnAliasMovesItsWindowAndItsTarget) {
  const auto a = ram("a", 0x4000);
  const auto b = ram("b", 0x4000);
  const auto window = alias("window", a, 0, 0x1000);
  commit(Transaction{}.add(root_, 0, window));
  commit(Transaction{}.set_alias_offset(window, 0x2000));
  EXPECT_EQ(shown(space_), "0-fff a@2000");
  commit(Transaction{}.set_alias(window, b, 0x1000));
  EXPECT_EQ(shown(space_), "0-fff b@1000");
}

}  // namespace
}  // namespace holdfast::memory::test
