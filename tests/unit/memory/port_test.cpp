// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/port.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "holdfast/memory/fabric.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::memory {
namespace {

/// Reads give the low bytes of `answer`; all calls are remembered.
class Registers final : public MmioHandler {
 public:
  MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value, MemTxAttrs) override {
    calls.push_back({offset, size, 0, false});
    value = answer;
    if (auto once = std::exchange(inside, {})) once();
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value, MemTxAttrs) override {
    calls.push_back({offset, size, value, true});
    if (auto once = std::exchange(inside, {})) once();
    return MemTxResult::kOk;
  }
  struct Call {
    std::uint64_t offset;
    unsigned size;
    std::uint64_t value;
    bool is_write;
    friend bool operator==(const Call&, const Call&) = default;
  };
  std::vector<Call> calls;
  std::uint64_t answer = 0x8877'6655'4433'2211;
  std::function<void()> inside;  // run by the next call, once
};

constexpr std::uint64_t kRam = 0x8000;
constexpr std::uint64_t kRom = 0x4000;
constexpr std::uint64_t kDevice = 0x1000;
constexpr std::uint64_t kReserved = 0x2000;

class PortTest : public ::testing::Test {
 protected:
  PortTest() {
    Transaction t;
    t.add(root_, kRam, ram_).add(root_, kRom, rom_).add(root_, kDevice, device_).add(root_, kReserved, reserved_);
    EXPECT_TRUE(fabric_.commit(std::move(t)));
  }
  ~PortTest() override { block_->close(); }

  Ref<RamBlock> made_block() {
    auto block = RamBlock::make(realm_, "ram", 0x3000);
    EXPECT_TRUE(block);
    return *block;
  }
  std::uint64_t load(std::uint64_t address, unsigned size) {
    std::uint64_t value = 0;
    result_ = port_.load(address, size, value, {});
    return value;
  }

  gate::Realm realm_{"test"};
  Fabric fabric_{realm_};
  Registers registers_;
  Ref<RamBlock> block_ = made_block();
  MemoryRegion root_ = MemoryRegion::container(fabric_, {.name = "system"});
  MemoryRegion ram_ = MemoryRegion::ram(fabric_, {.name = "ram", .size = 0x1000}, block_);
  MemoryRegion rom_ = MemoryRegion::rom(fabric_, {.name = "rom", .size = 0x1000}, block_, 0x1000);
  MemoryRegion device_ = MemoryRegion::mmio(fabric_, {.name = "device", .size = 0x100},
                                            {.handler = registers_});
  MemoryRegion reserved_ = MemoryRegion::reservation(fabric_, {.name = "reserved", .size = 0x100});
  AddressSpace space_{fabric_, root_, {.name = "cpu"}};
  Port port_{space_};
  MemTxResult result_{};
};

TEST_F(PortTest, RamIsReadAndWrittenAtEveryWidthAndAlignment) {
  for (const unsigned size : {1U, 2U, 4U, 8U})
    for (std::uint64_t at = kRam; at < kRam + 9; ++at) {
      const std::uint64_t value = 0xf1e2'd3c4'b5a6'9788 >> (64 - 8 * size);
      EXPECT_EQ(port_.store(at, size, value, {}), MemTxResult::kOk);
      EXPECT_EQ(load(at, size), value);
      EXPECT_EQ(result_, MemTxResult::kOk);
    }
}

TEST_F(PortTest, AHoleReadsZeroAndIsADecodeError) {
  std::uint64_t value = 1;
  EXPECT_EQ(port_.load(0x9'0000, 4, value, {}), MemTxResult::kDecodeError);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(port_.store(0x9'0000, 4, 1, {}), MemTxResult::kDecodeError);
}

TEST_F(PortTest, AReservationIsLikeAHole) {
  std::uint64_t value = 1;
  EXPECT_EQ(port_.load(kReserved, 4, value, {}), MemTxResult::kDecodeError);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(port_.store(kReserved, 4, 1, {}), MemTxResult::kDecodeError);
}

TEST_F(PortTest, RomIsReadAndOnlyToolsWriteIt) {
  EXPECT_EQ(port_.store(kRom, 4, 7, {}), MemTxResult::kDecodeError);
  EXPECT_EQ(load(kRom, 4), 0U);
  EXPECT_EQ(port_.store(kRom, 4, 7, {.debug = true}), MemTxResult::kOk);
  EXPECT_EQ(load(kRom, 4), 7U);
}

TEST_F(PortTest, ReadOnlyRamRefusesWritesUntilItIsWritableAgain) {
  Transaction off;
  off.set_read_only(ram_, true);
  ASSERT_TRUE(fabric_.commit(std::move(off)));
  EXPECT_EQ(port_.store(kRam, 4, 7, {}), MemTxResult::kDecodeError);
  Transaction on;
  on.set_read_only(ram_, false);
  ASSERT_TRUE(fabric_.commit(std::move(on)));
  EXPECT_EQ(port_.store(kRam, 4, 7, {}), MemTxResult::kOk);
}

TEST_F(PortTest, ADeviceIsCalledInsideItsGateAndOutsideOfTheSection) {
  registers_.inside = [&] {
    EXPECT_TRUE(device_.control()->gate().entered_by_me());
    EXPECT_FALSE(realm_.domain().inside());
  };
  const auto section = port_.section();
  EXPECT_EQ(load(kDevice + 8, 4), 0x4433'2211U);
  EXPECT_TRUE(realm_.domain().inside());
  EXPECT_EQ(registers_.calls, (std::vector<Registers::Call>{{8, 4, 0, false}}));
  EXPECT_FALSE(device_.control()->gate().entered_by_me());
}

TEST_F(PortTest, OnlyMemoryAnswersWhenMemoryIsAskedFor) {
  std::uint64_t value = 1;
  EXPECT_EQ(port_.load(kDevice, 4, value, {.memory = true}), MemTxResult::kAccessError);
  EXPECT_TRUE(registers_.calls.empty());
  EXPECT_EQ(port_.load(kRam, 4, value, {.memory = true}), MemTxResult::kOk);
  EXPECT_EQ(port_.store(kRom, 4, 7, {.memory = true}), MemTxResult::kDecodeError);  // is memory, too
}

TEST_F(PortTest, MemoryThatTheHostMayOnlyReadIsNotWritten) {
  constexpr std::uint64_t kFile = 0xa'0000;
  const testing::TempFile file{4096};
  auto block = RamBlock::make(realm_, "file", 4096,
                              {.kind = RamBacking::Kind::kFile, .path = file.path(), .read_only = true});
  ASSERT_TRUE(block);
  {
    const auto region = MemoryRegion::ram(fabric_, {.name = "file", .size = 4096}, *block);
    Transaction map;
    map.add(root_, kFile, region);
    ASSERT_TRUE(fabric_.commit(std::move(map)));
    EXPECT_EQ(load(kFile, 4), 0U);
    for (const bool debug : {false, true})
      EXPECT_EQ(port_.store(kFile, 4, 7, {.debug = debug}), MemTxResult::kDecodeError);
    EXPECT_FALSE(port_.hold(kFile, 4, Port::HoldFor::kWriting, "test", std::source_location::current()));
    EXPECT_TRUE(port_.hold(kFile, 4, Port::HoldFor::kReading, "test", std::source_location::current()));
  }
  (*block)->close();
}

TEST_F(PortTest, AFixedWidthThatStraddlesTwoRangesIsSplit) {
  Transaction t;
  t.move(device_, kRam + 0x1000);
  ASSERT_TRUE(fabric_.commit(std::move(t)));
  port_.store(kRam + 0xffc, 4, 0xaabb'ccdd, {});
  EXPECT_EQ(load(kRam + 0xffc, 8), 0x4433'2211'aabb'ccddU);
  EXPECT_EQ(result_, MemTxResult::kOk);
}

TEST_F(PortTest, LongTransfersAreCutIntoWhatEachRangeAccepts) {
  std::array<std::byte, 16> bytes{};
  EXPECT_EQ(port_.read(kDevice + 2, bytes), MemTxResult::kOk);
  EXPECT_EQ(registers_.calls, (std::vector<Registers::Call>{{2, 2, 0, false}, {4, 4, 0, false}, {8, 4, 0, false}, {12, 4, 0, false}, {16, 2, 0, false}}));
  EXPECT_EQ(bytes[2], std::byte{0x11});
  EXPECT_EQ(bytes[5], std::byte{0x44});
}

TEST_F(PortTest, ATransferGoesOnBehindAFailure) {
  std::array<std::byte, 0x20> bytes;
  bytes.fill(std::byte{0xee});
  port_.store(kRam, 8, 0x5555'5555'5555'5555, {});
  EXPECT_EQ(port_.read(kRam - 0x10, bytes), MemTxResult::kDecodeError);
  EXPECT_EQ(bytes[0], std::byte{0});
  EXPECT_EQ(bytes[0xf], std::byte{0});
  EXPECT_EQ(bytes[0x10], std::byte{0x55});
}

TEST_F(PortTest, AnEditIsSeenByTheNextAccess) {
  EXPECT_EQ(load(kDevice, 4), 0x4433'2211U);
  Transaction t;
  t.remove(device_);
  ASSERT_TRUE(fabric_.commit(std::move(t)));
  EXPECT_EQ(load(kDevice, 4), 0U);
  EXPECT_EQ(result_, MemTxResult::kDecodeError);
}

TEST_F(PortTest, ADeviceThatReachesItselfIsRefusedAndNotCalled) {
  AddressSpace own{fabric_, root_, {.name = "dma"}};
  Port dma{own};
  MemTxResult read{};
  MemTxResult written{};
  std::uint64_t value = 1;
  registers_.inside = [&] {
    read = dma.load(kDevice, 4, value, {});
    written = dma.store(kDevice, 4, 1, {});
  };
  load(kDevice, 4);
  EXPECT_EQ(read, MemTxResult::kAccessError);
  EXPECT_EQ(written, MemTxResult::kAccessError);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(registers_.calls.size(), 1U);
  EXPECT_EQ(realm_.reentries_refused(), 2U);
}

TEST_F(PortTest, AWriteToAnotherDeviceIsPostedAndAReadComesAfterIt) {
  Registers other_registers;
  auto other = MemoryRegion::mmio(fabric_, {.name = "other", .size = 0x100},
                                  {.handler = other_registers});
  Transaction t;
  t.add(root_, 0x3000, other);
  ASSERT_TRUE(fabric_.commit(std::move(t)));
  Port dma{space_};
  std::size_t after_write = 9;
  std::size_t after_read = 9;
  registers_.inside = [&] {
    EXPECT_EQ(dma.store(0x3000, 4, 5, {}), MemTxResult::kOk);
    after_write = other_registers.calls.size();
    std::uint64_t value = 0;
    EXPECT_EQ(dma.load(0x3004, 4, value, {}), MemTxResult::kOk);
    after_read = other_registers.calls.size();
    dma.store(0x3008, 4, 6, {});
  };
  load(kDevice, 4);
  EXPECT_EQ(after_write, 0U);
  EXPECT_EQ(after_read, 2U);
  EXPECT_EQ(other_registers.calls, (std::vector<Registers::Call>{{0, 4, 5, true}, {4, 4, 0, false}, {8, 4, 6, true}}));
}

TEST_F(PortTest, APostedWriteCannotComeBackToItsMaker) {
  Registers other_registers;
  auto other = MemoryRegion::mmio(fabric_, {.name = "other", .size = 0x100},
                                  {.handler = other_registers});
  Transaction t;
  t.add(root_, 0x3000, other);
  ASSERT_TRUE(fabric_.commit(std::move(t)));
  Port first{space_};
  Port second{space_};
  registers_.inside = [&] { first.store(0x3000, 4, 5, {}); };
  other_registers.inside = [&] { second.store(kDevice, 4, 6, {}); };
  load(kDevice, 4);
  EXPECT_EQ(other_registers.calls.size(), 1U);
  EXPECT_EQ(registers_.calls.size(), 1U);
  EXPECT_EQ(realm_.reentries_refused(), 1U);
}

TEST_F(PortTest, DirectGivesTheStretchOfMemoryAndWhetherItMayBeWritten) {
  const auto section = port_.section();
  const auto ram = port_.direct(kRam + 5);
  ASSERT_TRUE(ram);
  EXPECT_EQ(ram->first, kRam);
  EXPECT_EQ(ram->last, kRam + 0xfff);
  EXPECT_EQ(ram->host, block_->host());
  EXPECT_TRUE(ram->writable);
  EXPECT_FALSE(port_.direct(kRom)->writable);
  EXPECT_FALSE(port_.direct(kDevice));
  EXPECT_FALSE(port_.direct(0x9'0000));
}

TEST_F(PortTest, AddressesWrapRoundAtTheEndOfTheSpace) {
  auto top = MemoryRegion::ram(fabric_, {.name = "top", .size = 0x1000}, block_, 0x2000);
  auto bottom = MemoryRegion::ram(fabric_, {.name = "bottom", .size = 0x1000}, block_, 0x1000);
  Transaction t;
  t.add(root_, ~std::uint64_t{0} - 0xfff, top).add(root_, 0, bottom);
  ASSERT_TRUE(fabric_.commit(std::move(t)));
  EXPECT_EQ(port_.store(~std::uint64_t{0} - 3, 8, 0x8877'6655'4433'2211, {}), MemTxResult::kOk);
  EXPECT_EQ(load(0, 4), 0x8877'6655U);
}

TEST_F(PortTest, WhenTheSpaceIsGoneItSeesNothing) {
  auto space = std::make_unique<AddressSpace>(fabric_, root_, AddressSpace::Init{.name = "gone"});
  Port port{*space};
  std::uint64_t value = 0;
  EXPECT_EQ(port.load(kRam, 4, value, {}), MemTxResult::kOk);
  space.reset();
  EXPECT_EQ(port.load(kRam, 4, value, {}), MemTxResult::kDecodeError);
}

}  // namespace
}  // namespace holdfast::memory
