// SPDX-License-Identifier: Apache-2.0
// Transactions: all or nothing, and nothing for nothing.
#include "tests/property/memory/shadow.hpp"
#include "tests/unit/memory/map_fixture.hpp"

namespace holdfast::memory::test {
namespace {

class Transactions : public MapTest {
 protected:
  MemoryRegion root_ = container("root");
  MemoryRegion uart_ = mmio("uart", 0x1000);
  MemoryRegion memory_ = ram("memory", 0x4000);
  AddressSpace space_{fabric_, root_, {.name = "space"}};
};

TEST_F(Transactions, NothingShowsBeforeTheCommit) {
  Transaction transaction;
  transaction.add(root_, 0, uart_);
  EXPECT_EQ(shown(space_), "");
  commit(std::move(transaction));
  EXPECT_EQ(shown(space_), "0-fff uart");
}

TEST_F(Transactions, AnEmptyTransactionCostsNothing) {
  Shadow shadow;
  const Subscription subscription{space_, shadow};
  const auto stamp = space_.stamp();
  EXPECT_FALSE(commit({}).changed);
  EXPECT_EQ(space_.stamp(), stamp);
  EXPECT_EQ(shadow.calls(), 0);
}

TEST_F(Transactions, EditsThatEndWhereTheyBeganChangeNothing) {
  commit(Transaction{}.add(root_, 0, memory_).add(root_, 0x8000, uart_));
  Shadow shadow;
  const Subscription subscription{space_, shadow};
  const auto stamp = space_.stamp();
  const auto calls = shadow.calls();
  const auto generation = space_.view().generation();
  EXPECT_FALSE(commit(Transaction{}.move(uart_, 0x9000).move(uart_, 0x8000)).changed);
  EXPECT_FALSE(commit(Transaction{}.set_enabled(uart_, true)).changed);
  EXPECT_FALSE(commit(Transaction{}.remove(uart_).add(root_, 0x8000, uart_)).changed);
  EXPECT_EQ(space_.stamp(), stamp);
  EXPECT_EQ(space_.view().generation(), generation);
  EXPECT_EQ(shadow.calls(), calls);
}

TEST_F(Transactions, WhatIsHiddenChangesNothing) {
  const auto cover = mmio("cover", 0x10000);
  commit(Transaction{}.add(root_, 0, cover, 1));
  EXPECT_FALSE(commit(Transaction{}.add(root_, 0x1000, uart_, 0)).changed);
}

TEST_F(Transactions, AFailureLeavesEverythingAsItWas) {
  const auto bus = container("bus", 0x10000);
  const auto window = alias("window", memory_, 0, 0x1000);
  commit(Transaction{}.add(root_, 0, bus).add(bus, 0, memory_, 3).add(root_, 0x20000, window));
  Shadow shadow;
  const Subscription subscription{space_, shadow};
  const auto calls = shadow.calls();
  const auto before = shown(space_);
  const auto stamp = space_.stamp();
  EXPECT_NE(error_of(Transaction{}
                         .set_enabled(bus, false)
                         .remove(memory_)
                         .add(root_, 0x1000, memory_, -1)
                         .set_size(memory_, 0x2000)
                         .set_alias(window, uart_, 0x10)
                         .set_read_only(root_, true)
                         .sever(bus)
                         .move(uart_, 0)),
            "accepted");
  EXPECT_EQ(shown(space_), before);
  EXPECT_EQ(space_.stamp(), stamp);
  EXPECT_EQ(shadow.calls(), calls);
  // And all of it can still be edited.
  commit(Transaction{}.move(bus, 0x1000).move(memory_, 0x1000).set_alias_offset(window, 0x800));
  EXPECT_EQ(shown(space_), "2000-5fff memory, 20000-20fff memory@800");
}

TEST_F(Transactions, ARegionInAContainerCannotGoIntoAnother) {
  const auto bus = container("bus");
  commit(Transaction{}.add(bus, 0, uart_));
  EXPECT_EQ(error_of(Transaction{}.add(root_, 0, uart_)),
            "'uart' cannot go into 'root': it is in 'bus'");
}

TEST_F(Transactions, OnlyContainersAndRegistersHoldRegions) {
  EXPECT_EQ(error_of(Transaction{}.add(memory_, 0, uart_)),
            "'uart' cannot go into 'memory', which is a RAM: only containers and MMIO regions hold "
            "regions");
  const auto window = alias("window", memory_, 0);
  EXPECT_NE(error_of(Transaction{}.add(window, 0, uart_)), "accepted");
}

TEST_F(Transactions, WhatIsNowhereCannotMove) {
  EXPECT_EQ(error_of(Transaction{}.move(uart_, 0)),
            "'uart' cannot be moved: it is in no container");
}

TEST_F(Transactions, ACycleOfContainersNamesBothEnds) {
  const auto a = container("a");
  const auto b = container("b");
  const auto c = container("c");
  commit(Transaction{}.add(a, 0, b).add(b, 0, c));
  EXPECT_EQ(error_of(Transaction{}.add(c, 0, a)),
            "'a' cannot go into 'c': that would be a cycle, 'c' shows inside 'a' already");
  EXPECT_NE(error_of(Transaction{}.add(a, 0, a)), "accepted");
}

TEST_F(Transactions, ACycleThroughAnAliasNamesBothEnds) {
  const auto a = container("a");
  const auto b = container("b");
  const auto window = alias("window", a, 0);
  commit(Transaction{}.add(b, 0, window));
  EXPECT_EQ(error_of(Transaction{}.add(a, 0, b)),
            "'b' cannot go into 'a': that would be a cycle, 'a' shows inside 'b' already");
  const auto back = alias("back", uart_, 0);
  commit(Transaction{}.add(a, 0, back));
  EXPECT_EQ(error_of(Transaction{}.set_alias(back, b, 0)),
            "'back' cannot be an alias of 'b': that would be a cycle, 'back' shows inside 'b' "
            "already");
}

TEST_F(Transactions, AnAliasOfItselfIsACycle) {
  const auto window = alias("window", memory_, 0);
  EXPECT_NE(error_of(Transaction{}.set_alias(window, window, 0)), "accepted");
}

TEST_F(Transactions, RamStaysInsideItsBlock) {
  EXPECT_EQ(error_of(Transaction{}.set_size(memory_, 0x200000)),
            "'memory' cannot have 2097152 bytes: block 'block' has 1048576 from there on");
}

TEST_F(Transactions, OnlyRomDevicesHaveAMode) {
  EXPECT_EQ(error_of(Transaction{}.set_rom_mode(uart_, true)),
            "'uart' is a MMIO region and has no ROM mode: only a ROM device has");
}

TEST_F(Transactions, OnlyAliasesHaveATarget) {
  EXPECT_EQ(error_of(Transaction{}.set_alias_offset(uart_, 1)),
            "'uart' is a MMIO region: only an alias has a target");
}

TEST_F(Transactions, EditsOfWhatWasDroppedMeanwhileAreSkipped) {
  auto gone = std::make_unique<MemoryRegion>(mmio("gone", 0x1000));
  Transaction transaction;
  transaction.add(root_, 0, *gone).add(root_, 0x8000, uart_);
  gone.reset();
  commit(std::move(transaction));
  EXPECT_EQ(shown(space_), "8000-8fff uart");
}

TEST_F(Transactions, AGateIsClosedAfterTheMapIsPublishedWithout) {
  commit(Transaction{}.add(root_, 0, uart_));
  std::string seen;
  bool drained = false;
  commit(Transaction{}.sever(uart_).close(gate_, [&] {
    seen = shown(space_);
    drained = true;
  }));
  EXPECT_TRUE(drained);
  EXPECT_EQ(seen, "");
  EXPECT_TRUE(gate_->is_closed());
  EXPECT_TRUE(uart_.control()->is_dropped());
}

TEST_F(Transactions, AFailureClosesNoGate) {
  EXPECT_NE(error_of(Transaction{}.move(uart_, 0).close(gate_)), "accepted");
  EXPECT_FALSE(gate_->is_closed());
}

TEST_F(Transactions, ACommitTellsWhetherRamWentAway) {
  EXPECT_FALSE(commit(Transaction{}.add(root_, 0, memory_)).ram_changed);
  EXPECT_TRUE(commit(Transaction{}.add(root_, 0x1000, uart_, 1)).ram_changed);
  EXPECT_FALSE(commit(Transaction{}.remove(uart_)).ram_changed);
  EXPECT_TRUE(commit(Transaction{}.set_read_only(memory_, true)).ram_changed);
  EXPECT_FALSE(commit(Transaction{}.add(root_, 0x8000, uart_)).ram_changed);
  EXPECT_TRUE(commit(Transaction{}.remove(memory_)).ram_changed);
}

TEST_F(Transactions, AnEditPostedInsideAGateIsPerformedAfterIt) {
  constexpr gate::Use kEditUse{"test"};
  Transaction transaction;
  transaction.add(root_, 0, uart_);
  {
    const gate::Pass pass{*gate_, kEditUse};
    fabric_.post(std::move(transaction));
    EXPECT_EQ(shown(space_), "");
  }
  EXPECT_EQ(shown(space_), "0-fff uart");
}

}  // namespace
}  // namespace holdfast::memory::test
