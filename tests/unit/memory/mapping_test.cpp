// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/mapping.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "holdfast/memory/cached_window.hpp"
#include "holdfast/memory/fabric.hpp"

namespace holdfast::memory {
namespace {

class Mailbox final : public MmioHandler {
 public:
  MemTxResult read(std::uint64_t offset, unsigned, std::uint64_t& value, MemTxAttrs) override {
    value = bytes[offset];
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t offset, unsigned, std::uint64_t value, MemTxAttrs) override {
    bytes[offset] = static_cast<std::uint8_t>(value);
    ++writes;
    return MemTxResult::kOk;
  }
  std::array<std::uint8_t, 64> bytes{};
  int writes = 0;
};

class MappingTest : public ::testing::Test {
 protected:
  MappingTest() {
    Transaction t;
    t.add(root_, 0, ram_).add(root_, 0x10000, device_);
    EXPECT_TRUE(fabric_.commit(std::move(t)));
  }
  ~MappingTest() override {
    if (!block_->is_closed()) block_->close();
  }
  std::optional<Mapping> map(std::uint64_t address, std::uint64_t length,
                             Mapping::Direction direction) {
    return Mapping::make(space_.control(), budget_,
                         {.address = address, .length = length, .direction = direction, .who = "test"});
  }
  static constexpr auto kFromGuest = Mapping::Direction::kFromGuest;
  static constexpr auto kToGuest = Mapping::Direction::kToGuest;

  gate::Realm realm_{"test"};
  Fabric fabric_{realm_};
  Mailbox mailbox_;
  Ref<RamBlock> block_ = *RamBlock::make(realm_, "ram", 0x2000);
  MemoryRegion root_ = MemoryRegion::container(fabric_, {.name = "system"});
  MemoryRegion ram_ = MemoryRegion::ram(fabric_, {.name = "ram", .size = 0x2000}, block_);
  MemoryRegion device_ = MemoryRegion::mmio(
      fabric_, {.name = "mailbox", .size = 64},
      {.handler = mailbox_, .rules = {.valid = {.max = 1}, .impl = {.max = 1}}});
  AddressSpace space_{fabric_, root_, {.name = "dma"}};
  std::shared_ptr<BounceBudget> budget_ = std::make_shared<BounceBudget>(std::size_t{48});
};

TEST_F(MappingTest, RamIsHeldWhereItIs) {
  auto mapping = map(0x100, 0x200, kToGuest);
  ASSERT_TRUE(mapping);
  EXPECT_FALSE(mapping->is_bounced());
  EXPECT_EQ(mapping->bytes().data(), block_->host() + 0x100);
  EXPECT_EQ(mapping->bytes().size(), 0x200U);
  EXPECT_EQ(block_->hold_count(), 1U);
  mapping->finish(0x200);
  EXPECT_EQ(block_->hold_count(), 0U);
}

TEST_F(MappingTest, AMappingEndsWhereTheRangeEnds) {
  auto mapping = map(0x1f00, 0x1000, kFromGuest);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->bytes().size(), 0x100U);
}

TEST_F(MappingTest, DevicesAreReadThroughABuffer) {
  mailbox_.bytes[3] = 77;
  auto mapping = map(0x10000, 16, kFromGuest);
  ASSERT_TRUE(mapping);
  EXPECT_TRUE(mapping->is_bounced());
  EXPECT_EQ(mapping->bytes()[3], std::byte{77});
  EXPECT_EQ(mapping->result(), MemTxResult::kOk);
}

TEST_F(MappingTest, ABufferTowardsTheGuestStartsAsZeroesAndOnlyWhatWasFilledIsWritten) {
  mailbox_.bytes.fill(9);
  auto mapping = map(0x10000, 16, kToGuest);
  ASSERT_TRUE(mapping);
  EXPECT_TRUE(std::ranges::all_of(mapping->bytes(), [](std::byte b) { return b == std::byte{0}; }));
  mapping->bytes()[0] = std::byte{5};
  EXPECT_EQ(mapping->finish(2), MemTxResult::kOk);
  EXPECT_EQ(mailbox_.bytes[0], 5);
  EXPECT_EQ(mailbox_.bytes[1], 0);
  EXPECT_EQ(mailbox_.bytes[2], 9);
  EXPECT_EQ(mailbox_.writes, 2);
}

TEST_F(MappingTest, AnAbandonedMappingWritesNothing) {
  { auto mapping = map(0x10000, 16, kToGuest); }
  EXPECT_EQ(mailbox_.writes, 0);
  EXPECT_EQ(budget_->in_use(), 0U);
}

TEST_F(MappingTest, TheBudgetIsGrantedInPartAndWhoFindsNoneIsWoken) {
  auto first = map(0x10000, 40, kToGuest);
  auto second = map(0x10000, 40, kToGuest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->bytes().size(), 8U);
  EXPECT_FALSE(map(0x10000, 1, kToGuest));
  int woken = 0;
  budget_->when_room([&] { ++woken; });
  EXPECT_EQ(woken, 0);
  first->finish(0);
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(map(0x10000, 1, kToGuest));
  budget_->when_room([&] { ++woken; });
  EXPECT_EQ(woken, 2);
}

TEST_F(MappingTest, OutlivesTheRegionTheSpaceAndTheBlocksOwner) {
  auto space = std::make_unique<AddressSpace>(fabric_, root_, AddressSpace::Init{.name = "dma2"});
  auto mapping = Mapping::make(space->control(), budget_,
                               {.address = 0, .length = 0x2000, .direction = kToGuest, .who = "io"});
  space.reset();
  ram_ = {};
  block_->close();
  realm_.domain().barrier();
  std::ranges::fill(mapping->bytes(), std::byte{1});
  EXPECT_EQ(mapping->finish(0x2000), MemTxResult::kOk);
}

TEST_F(MappingTest, AHoleIsBouncedAndTheFailureReported) {
  auto mapping = map(0x8000'0000, 8, kFromGuest);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->result(), MemTxResult::kDecodeError);
  EXPECT_EQ(mapping->finish(0), MemTxResult::kDecodeError);
}

TEST_F(MappingTest, ACachedWindowFollowsTheMapAndKeepsItsBorders) {
  CachedWindow ring{space_.control(), *Extent::of_size(0x100, 0x40)};
  std::uint64_t value = 0;
  EXPECT_EQ(ring.store(0x38, 8, 42), MemTxResult::kOk);
  EXPECT_EQ(ring.load(0x38, 8, value), MemTxResult::kOk);
  EXPECT_EQ(value, 42U);
  EXPECT_EQ(ring.store(0x39, 8, 42), MemTxResult::kDecodeError);
  EXPECT_EQ(ring.load(~std::uint64_t{0}, 1, value), MemTxResult::kDecodeError);
  Transaction t;
  t.move(ram_, 0x2'0000);
  ASSERT_TRUE(fabric_.commit(std::move(t)));
  EXPECT_EQ(ring.load(0x38, 8, value), MemTxResult::kDecodeError);
}

}  // namespace
}  // namespace holdfast::memory
