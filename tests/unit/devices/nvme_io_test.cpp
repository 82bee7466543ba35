// SPDX-License-Identifier: Apache-2.0
// Commands for I/O: data by pages and by descriptors, and what goes wrong with them.
#include <array>
#include <cstring>

#include "tests/support/pci_devices.hpp"
#include "tests/unit/devices/nvme_fixture.hpp"

namespace holdfast::test {
namespace {

using Kind = block::Order::Kind;

class NvmeIo : public NvmeTest {
 protected:
  static constexpr std::uint64_t kList = kData + 0x2'0000;  // where lists of pages and descriptors are
  static constexpr std::uint64_t kUnassigned = 0x1'2345'6000;

  static Submission read(std::uint64_t first, std::uint32_t blocks, std::uint64_t prp1,
                         std::uint64_t prp2 = 0) {
    return NvmeHost::transfer(IoOpcode::kRead, first, blocks, prp1, prp2);
  }
  static Submission write(std::uint64_t first, std::uint32_t blocks, std::uint64_t prp1,
                          std::uint64_t prp2 = 0) {
    return NvmeHost::transfer(IoOpcode::kWrite, first, blocks, prp1, prp2);
  }
  void fill_disk() { disk_->bytes = NvmeHost::pattern(kBytes); }
  void put_words(std::uint64_t at, std::initializer_list<std::uint64_t> words) {
    for (const std::uint64_t word : words) {
      world_.store(at, 8, word);
      at += 8;
    }
  }
  /// A descriptor: its two words.
  static std::array<std::uint64_t, 2> descriptor(unsigned type, std::uint64_t address,
                                                 std::uint32_t length, unsigned subtype = 0) {
    return {address, std::uint64_t{type << 4U | subtype} << 56U | length};
  }
  static Submission by_list(Submission entry, const std::array<std::uint64_t, 2>& first) {
    entry.dw[0] |= 1U << 14U;
    NvmeHost::set_pair(entry, 6, first[0]);
    NvmeHost::set_pair(entry, 8, first[1]);
    return entry;
  }
  void put_descriptors(std::uint64_t at,
                       std::initializer_list<std::array<std::uint64_t, 2>> descriptors) {
    for (const auto& one : descriptors) {
      put_words(at, {one[0], one[1]});
      at += 16;
    }
  }
};

// --- pages -----------------------------------------------------------------------------------------

TEST_F(NvmeIo, ReadsAndWritesWithinAPage) {
  start();
  fill_disk();
  ASSERT_EQ(ask(read(3, 2, kData + 512)), Status::kSuccess);
  EXPECT_EQ(host_.read(kData + 512, 1024), disk(3 * 512, 1024));
  const auto given = NvmeHost::pattern(512, 77);
  host_.write(kData, given);
  ASSERT_EQ(ask(write(9, 1, kData)), Status::kSuccess);
  EXPECT_EQ(disk(9 * 512, 512), given);
}

TEST_F(NvmeIo, ReadsIntoTwoPages) {
  start();
  fill_disk();
  ASSERT_EQ(ask(read(0, 8, kData + 0x800, kData + 0x5000)), Status::kSuccess);
  EXPECT_EQ(host_.read(kData + 0x800, 0x800), disk(0, 0x800));
  EXPECT_EQ(host_.read(kData + 0x5000, 0x800), disk(0x800, 0x800));
}

TEST_F(NvmeIo, ReadsIntoAListOfPagesThatGoesOnInAnother) {
  start();
  fill_disk();
  // The list begins with the last two entries of a page; the second leads on.
  put_words(kList + 0xff0, {kData + 0x3000, kList + 0x1000});
  put_words(kList + 0x1000, {kData + 0x1000, kData + 0x7000, kData + 0x9000});
  ASSERT_EQ(ask(read(0, 8 * 4 + 4, kData + 0x800, kList + 0xff0)), Status::kSuccess);
  EXPECT_EQ(host_.read(kData + 0x800, 0x800), disk(0, 0x800));
  EXPECT_EQ(host_.read(kData + 0x3000, 0x1000), disk(0x800, 0x1000));
  EXPECT_EQ(host_.read(kData + 0x1000, 0x1000), disk(0x1800, 0x1000));
  EXPECT_EQ(host_.read(kData + 0x7000, 0x1000), disk(0x2800, 0x1000));
  EXPECT_EQ(host_.read(kData + 0x9000, 0x1000), disk(0x3800, 0x1000));
}

TEST_F(NvmeIo, LargerPages) {
  plug();
  host_.map();
  host_.enable(NvmeHost::kEnable | 2U << 7U);  // 16 KiB
  host_.create_queues(1);
  fill_disk();
  ASSERT_EQ(ask(read(0, 32, kData)), Status::kSuccess) << "one page has it all";
  EXPECT_EQ(host_.read(kData, 0x4000), disk(0, 0x4000));
  EXPECT_EQ(ask(read(0, 33, kData, kData + 0x5000)), Status::kPrpOffsetInvalid);
}

TEST_F(NvmeIo, BadListsOfPagesTouchNothing) {
  start();
  const auto before = host_.read(kData, 0x2000);
  fill_disk();
  EXPECT_EQ(ask(read(0, 1, kData + 1)), Status::kPrpOffsetInvalid);
  EXPECT_EQ(ask(read(0, 9, kData, kData + 0x1800)), Status::kPrpOffsetInvalid);
  EXPECT_EQ(ask(read(0, 17, kData, kList + 4)), Status::kPrpOffsetInvalid);
  put_words(kList, {kData + 0x1000, kData + 0x3008});
  EXPECT_EQ(ask(read(0, 24, kData, kList)), Status::kPrpOffsetInvalid);
  put_words(kList + 0xff8, {kList + 0x1008});
  EXPECT_EQ(ask(read(0, 24, kData, kList + 0xff8)), Status::kPrpOffsetInvalid);
  EXPECT_EQ(ask(read(0, 24, kData, kUnassigned)), Status::kDataTransferError);
  EXPECT_EQ(host_.read(kData, 0x2000), before);
  EXPECT_TRUE(disk_->done.empty());
}

// --- descriptors -----------------------------------------------------------------------------------

TEST_F(NvmeIo, OneDescriptorAtAnyAddress) {
  start();
  fill_disk();
  ASSERT_EQ(ask(by_list(read(1, 2, 0), descriptor(0, kData + 3, 1024))), Status::kSuccess);
  EXPECT_EQ(host_.read(kData, 1032)[3], disk_->bytes[512]);
  EXPECT_EQ(host_.read(kData, 1032)[1026], disk_->bytes[1535]);
}

TEST_F(NvmeIo, SegmentsOfDescriptorsWithABucket) {
  start();
  fill_disk();
  put_descriptors(kList, {descriptor(0, kData, 100), descriptor(1, 0, 412), descriptor(2, kList + 0x100, 32)});
  put_descriptors(kList + 0x100, {descriptor(0, kData + 0x1000, 500), descriptor(3, kList + 0x200, 16)});
  put_descriptors(kList + 0x200, {descriptor(0, kData + 0x2000, 12)});
  ASSERT_EQ(ask(by_list(read(0, 2, 0), descriptor(2, kList, 48))), Status::kSuccess);
  EXPECT_EQ(host_.read(kData, 100), disk(0, 100));
  EXPECT_EQ(host_.read(kData + 0x1000, 500), disk(512, 500));
  EXPECT_EQ(host_.read(kData + 0x2000, 12), disk(1012, 12));
}

TEST_F(NvmeIo, AListMayBeLongerThanTheData) {
  start();
  fill_disk();
  const auto before = host_.read(kData + 512, 512);
  ASSERT_EQ(ask(by_list(read(0, 1, 0), descriptor(0, kData, 1024))), Status::kSuccess);
  EXPECT_EQ(host_.read(kData, 512), disk(0, 512));
  EXPECT_EQ(host_.read(kData + 512, 512), before);
}

TEST_F(NvmeIo, BadDescriptorsTouchNothing) {
  start();
  fill_disk();
  const auto with = [&](const std::array<std::uint64_t, 2>& first) {
    return ask(by_list(read(0, 2, 0), first));
  };
  EXPECT_EQ(with(descriptor(0, kData, 512)), Status::kDataSglLengthInvalid);
  EXPECT_EQ(with(descriptor(0, kData, 1024, 1)), Status::kSglDescriptorTypeInvalid);
  EXPECT_EQ(with(descriptor(4, kData, 1024)), Status::kSglDescriptorTypeInvalid);
  EXPECT_EQ(with(descriptor(2, kList, 24)), Status::kInvalidSglSegment);
  EXPECT_EQ(with(descriptor(2, kList, 0)), Status::kInvalidSglSegment);
  EXPECT_EQ(with(descriptor(3, kUnassigned, 16)), Status::kDataTransferError);
  put_descriptors(kList, {descriptor(3, kList, 16), descriptor(0, kData, 1024)});
  EXPECT_EQ(with(descriptor(2, kList, 32)), Status::kInvalidSglSegment) << "it leads on before its end";
  put_descriptors(kList, {descriptor(3, kList, 16)});
  EXPECT_EQ(with(descriptor(3, kList, 16)), Status::kInvalidSglSegment) << "behind the last segment";
  put_descriptors(kList, {descriptor(2, kList, 16)});
  EXPECT_EQ(with(descriptor(2, kList, 16)), Status::kTooManySglDescriptors) << "it leads to itself";
  put_descriptors(kList, {descriptor(0, kData, 512)});
  EXPECT_EQ(with(descriptor(3, kList, 16)), Status::kDataSglLengthInvalid);
  auto reserved = read(0, 1, kData);
  reserved.dw[0] |= 3U << 14U;
  EXPECT_EQ(ask(reserved), Status::kInvalidField);
  EXPECT_TRUE(disk_->done.empty());
}

// --- what is asked for -----------------------------------------------------------------------------

TEST_F(NvmeIo, RefusesWhatIsNotThere) {
  start({.transfer_limit = 2});
  const std::uint64_t blocks = kBytes / 512;
  EXPECT_EQ(ask(read(blocks, 1, kData)), Status::kLbaOutOfRange);
  EXPECT_EQ(ask(read(blocks - 1, 2, kData)), Status::kLbaOutOfRange);
  EXPECT_EQ(ask(read(~std::uint64_t{0}, 2, kData)), Status::kLbaOutOfRange);
  EXPECT_EQ(ask(read(blocks - 1, 1, kData)), Status::kSuccess);
  EXPECT_EQ(ask(read(0, 33, kData, kList)), Status::kInvalidField) << "more than it transfers";
  auto entry = read(0, 1, kData);
  entry.dw[1] = 0;
  EXPECT_EQ(ask(entry), Status::kInvalidNamespace);
  entry.dw[1] = 257;
  EXPECT_EQ(ask(entry), Status::kInvalidNamespace);
  entry.dw[1] = 0xffff'ffff;
  EXPECT_EQ(ask(entry), Status::kInvalidNamespace);
  entry.dw[1] = 2;
  EXPECT_EQ(ask(entry), Status::kInvalidField);
}

TEST_F(NvmeIo, ADriveThatIsReadOnlyIsNotWritten) {
  disk_ = FakeDisk::make(kBytes, block::Access::kReadOnly);
  start();
  EXPECT_EQ(ask(write(0, 1, kData)), Status::kWriteProtected);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kWriteZeroes, 0, 1, 0)), Status::kWriteProtected);
  EXPECT_EQ(ask(read(0, 1, kData)), Status::kSuccess);
  ASSERT_EQ(admin(host_.identify(0, 1)), Status::kSuccess);
  EXPECT_EQ(host_.read(kData, 104)[99], std::byte{1});
}

TEST_F(NvmeIo, WritesLastWhenTheyAreToAndWhenTheCacheIsOff) {
  start();
  ASSERT_EQ(ask(write(0, 1, kData)), Status::kSuccess);
  EXPECT_EQ(disk_->done.back().durability, block::Order::Durability::kCached);
  auto forced = write(0, 1, kData);
  forced.dw[12] |= 1U << 30U;
  ASSERT_EQ(ask(forced), Status::kSuccess);
  EXPECT_EQ(disk_->done.back().durability, block::Order::Durability::kStable);
  auto cache = NvmeHost::command(AdminOpcode::kSetFeatures);
  cache.dw[10] = 6;
  ASSERT_EQ(admin(cache), Status::kSuccess);
  ASSERT_EQ(ask(write(0, 1, kData)), Status::kSuccess);
  EXPECT_EQ(disk_->done.back().durability, block::Order::Durability::kStable);
}

TEST_F(NvmeIo, FlushesOneNamespaceOrAll) {
  start();
  const auto other = FakeDisk::make(512);
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(other)}));
  ASSERT_EQ(ask(NvmeHost::command(IoOpcode::kFlush, 1)), Status::kSuccess);
  EXPECT_EQ(disk_->done.back().kind, Kind::kFlush);
  EXPECT_TRUE(other->done.empty());
  host_.give(1, NvmeHost::command(IoOpcode::kFlush, 0xffff'ffff));
  disk_->finish_all();
  EXPECT_FALSE(host_.look(1)) << "one of two is done";
  other->finish_all();
  EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
  EXPECT_EQ(other->done.size(), 1U);
}

TEST_F(NvmeIo, ComparesWithoutChangingAnything) {
  start();
  fill_disk();
  host_.write(kData, disk(512, 1024));
  ASSERT_EQ(ask(NvmeHost::transfer(IoOpcode::kCompare, 1, 2, kData)), Status::kSuccess);
  world_.store(kData + 1023, 1, 0xff);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kCompare, 1, 2, kData)), Status::kCompareFailure);
  EXPECT_EQ(disk_->bytes, NvmeHost::pattern(kBytes));
}

TEST_F(NvmeIo, WritesZeroes) {
  start();
  fill_disk();
  ASSERT_EQ(ask(NvmeHost::transfer(IoOpcode::kWriteZeroes, 2, 3, 0)), Status::kSuccess);
  EXPECT_EQ(disk(2 * 512, 3 * 512), std::vector<std::byte>(3 * 512));
  EXPECT_NE(disk(5 * 512, 8), std::vector<std::byte>(8));
  EXPECT_EQ(disk_->done.back().zeroing, block::Order::Zeroing::kAllocate);
  auto entry = NvmeHost::transfer(IoOpcode::kWriteZeroes, 2, 3, 0);
  entry.dw[12] |= 1U << 25U;
  ASSERT_EQ(ask(entry), Status::kSuccess);
  EXPECT_EQ(disk_->done.back().zeroing, block::Order::Zeroing::kMayDiscard);
}

TEST_F(NvmeIo, DeallocatesRangesAllOrNone) {
  start();
  auto entry = NvmeHost::command(IoOpcode::kDatasetManagement, 1);
  NvmeHost::set_pair(entry, 6, kData);
  entry.dw[10] = 1;  // two ranges
  entry.dw[11] = 4;  // to be deallocated
  put_words(kData, {std::uint64_t{2} << 32U, 4, std::uint64_t{1} << 32U, kBytes / 512});
  EXPECT_EQ(ask(entry), Status::kLbaOutOfRange);
  put_words(kData, {std::uint64_t{2} << 32U, 4, std::uint64_t{2} << 32U, ~std::uint64_t{0}});
  EXPECT_EQ(ask(entry), Status::kLbaOutOfRange) << "the last number there is, and the first";
  EXPECT_TRUE(disk_->done.empty());
  put_words(kData, {std::uint64_t{2} << 32U, 4, std::uint64_t{1} << 32U, 100});
  ASSERT_EQ(ask(entry), Status::kSuccess);
  ASSERT_EQ(disk_->done.size(), 2U);
  EXPECT_EQ(disk_->done[0].kind, Kind::kDiscard);
  EXPECT_EQ(disk_->done[0].offset, 4U * 512);
  EXPECT_EQ(disk_->done[0].length, 1024U);
  EXPECT_EQ(disk_->done[1].offset, 100U * 512);
  disk_->failure = block::Failure::kUnsupported;
  EXPECT_EQ(ask(entry), Status::kSuccess) << "it is a hint";
  entry.dw[11] = 0;
  EXPECT_EQ(ask(entry), Status::kSuccess) << "nothing to do";
}

TEST_F(NvmeIo, ErrorsOfTheBackendReachTheHost) {
  start();
  disk_->failure = block::Failure::kInputOutput;
  EXPECT_EQ(ask(read(0, 1, kData)), Status::kUnrecoveredReadError);
  EXPECT_EQ(ask(write(0, 1, kData)), Status::kWriteFault);
  EXPECT_EQ(ask(NvmeHost::command(IoOpcode::kFlush, 1)), Status::kInternalError);
  disk_->failure = block::Failure::kNoSpace;
  EXPECT_EQ(ask(write(0, 1, kData)), Status::kWriteFault);
  disk_->failure.reset();
  EXPECT_EQ(ask(read(0, 1, kData)), Status::kSuccess);
}

// --- faults on request -----------------------------------------------------------------------------

TEST_F(NvmeIo, FailsAsOftenAsItIsTold) {
  start({.error_every = 3, .error_status = 0x286});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ask(read(0, 1, kData)), Status::kSuccess);
    EXPECT_EQ(ask(read(0, 1, kData)), Status::kSuccess);
    EXPECT_EQ(ask(read(0, 1, kData)), Status{0x286});
  }
}

TEST_F(NvmeIo, IsAsLateAsItIsToldAndWhatWaitsCanBeAborted) {
  start({.delay_us = 50});
  const auto first = host_.give(1, read(0, 1, kData));
  const auto second = host_.give(1, read(0, 1, kData));
  EXPECT_EQ(disk_->waiting(), 0U);
  auto abort = NvmeHost::command(AdminOpcode::kAbort);
  abort.dw[10] = std::uint32_t{first} << 16U | 1U;
  EXPECT_EQ(host_.admin(abort).result, 0U);
  EXPECT_EQ(host_.wait(1).status, Status::kAbortRequested);
  world_->clock().step_to(world_->clock().now_ns() + 49'999);
  EXPECT_EQ(disk_->waiting(), 0U);
  world_->clock().step_to(world_->clock().now_ns() + 1);
  const auto seen = host_.wait(1);
  EXPECT_EQ(seen.command, second);
  EXPECT_EQ(seen.status, Status::kSuccess);
  abort.dw[10] = std::uint32_t{second} << 16U | 1U;
  EXPECT_EQ(host_.admin(abort).result, 1U) << "it is done";
}

// --- shadow doorbells ------------------------------------------------------------------------------

TEST_F(NvmeIo, ShadowDoorbellsAreLookedAt) {
  start();
  const std::uint64_t doorbells = kData + 0x1'0000;
  const std::uint64_t indices = kData + 0x1'1000;
  auto configure = NvmeHost::command(AdminOpcode::kDoorbellBufferConfig);
  NvmeHost::set_pair(configure, 6, doorbells);
  NvmeHost::set_pair(configure, 8, indices + 8);
  EXPECT_EQ(admin(configure), Status::kInvalidField);
  NvmeHost::set_pair(configure, 8, indices);
  ASSERT_EQ(admin(configure), Status::kSuccess);
  ASSERT_EQ(admin(host_.identify(1)), Status::kSuccess) << "by the doorbell alone, still";
  // Three commands; the doorbell itself says one, its shadow all of them.
  for (int i = 0; i < 3; ++i) host_.put(1, read(0, 1, kData));
  world_.write32(doorbells + 8, 3);
  host_.set_reg(0x1008, 1);
  EXPECT_EQ(disk_->waiting(), 3U);
  EXPECT_EQ(world_.read32(indices + 8), 3U) << "to be rung beyond that";
  disk_->finish_all();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(host_.peek(1));
}

// --- memory of all kinds ---------------------------------------------------------------------------

TEST_F(NvmeIo, MemoryThatIsNotThereIsATransferError) {
  start();
  EXPECT_EQ(ask(write(0, 1, kUnassigned)), Status::kDataTransferError);
  EXPECT_EQ(ask(read(0, 1, kUnassigned)), Status::kDataTransferError);
  EXPECT_EQ(ask(read(0, 1, kData)), Status::kSuccess);
}

TEST_F(NvmeIo, ItsOwnRegistersAreRefused) {
  start();
  EXPECT_EQ(ask(write(0, 1, NvmeHost::kBar0)), Status::kDataTransferError);
  EXPECT_EQ(ask(read(0, 1, NvmeHost::kBar0)), Status::kDataTransferError);
  EXPECT_EQ(host_.reg(NvmeHost::kCc), NvmeHost::kEnable);
}

TEST_F(NvmeIo, AnotherDevicesRegistersGetTheData) {
  start();
  fill_disk();
  ASSERT_TRUE(world_.plug<PciProbe>("peer", "2"));
  const std::uint64_t peer = pci_map::kLow + 0x400'0000;
  world_.set_config(2, 0x10, 4, static_cast<std::uint32_t>(peer));
  world_.set_config(2, 4, 2, 0x2);
  ASSERT_EQ(ask(by_list(read(1, 1, 0), descriptor(0, peer + PciProbe::kData, 4))),
            Status::kDataSglLengthInvalid);
  put_descriptors(kList, {descriptor(0, peer + PciProbe::kData, 4), descriptor(1, 0, 508)});
  ASSERT_EQ(ask(by_list(read(1, 1, 0), descriptor(3, kList, 32))), Status::kSuccess);
  std::uint32_t word = 0;
  std::memcpy(&word, disk_->bytes.data() + 512, 4);
  EXPECT_EQ(world_.read32(peer + PciProbe::kData), word);
  put_descriptors(kList, {descriptor(0, peer + PciProbe::kData, 4), descriptor(0, kData, 508)});
  ASSERT_EQ(ask(by_list(write(0, 1, 0), descriptor(3, kList, 32))), Status::kSuccess);
  std::memcpy(&word, disk_->bytes.data(), 4);
  EXPECT_EQ(word, world_.read32(peer + PciProbe::kData));
}

TEST_F(NvmeIo, ItsBufferServesQueuesListsAndData) {
  plug({.buffer_mib = 2});
  host_.map();
  EXPECT_EQ(host_.reg64(0) >> 57U & 1, 1U);
  EXPECT_EQ(host_.reg(0x38), 0U);
  world_.write32(NvmeHost::kBar2, 0xccbb'aa99);
  EXPECT_EQ(world_.load(NvmeHost::kBar2, 2), 0xaa99U) << "it is memory from the start";
  host_.enable();
  host_.create_queues(1);
  fill_disk();
  ASSERT_EQ(ask(read(0, 1, NvmeHost::kBar2 + 0x1000)), Status::kSuccess) << "by its address on the bus";
  EXPECT_EQ(host_.read(NvmeHost::kBar2 + 0x1000, 512), disk(0, 512));
  constexpr std::uint64_t kOwn = 0x55'0000'0000;
  EXPECT_EQ(ask(read(0, 1, kOwn)), Status::kDataTransferError);
  host_.set_reg64(0x50, kOwn | 3U);
  EXPECT_EQ(host_.reg(0x38) & 7U, 2U);
  EXPECT_EQ(host_.reg(0x3c) >> 12U, 2U);
  EXPECT_EQ(host_.reg(0x58), 0U);
  ASSERT_EQ(ask(read(1, 1, kOwn + 0x2000)), Status::kSuccess) << "by the address it was given";
  EXPECT_EQ(host_.read(NvmeHost::kBar2 + 0x2000, 512), disk(512, 512));
  put_words(NvmeHost::kBar2 + 0x3000, {kData + 0x4000, kData + 0x6000});
  ASSERT_EQ(ask(read(0, 24, kData, kOwn + 0x3000)), Status::kSuccess) << "a list in it";
  EXPECT_EQ(host_.read(kData + 0x6000, 0x1000), disk(0x2000, 0x1000));
  host_.set_reg64(0x50, 0xffff'ffff'ffff'f000 | 3U);
  EXPECT_EQ(host_.reg(0x58), 1U) << "it does not fit there";
}

TEST_F(NvmeIo, ItsPersistentMemoryShowsWhileEnabledAndOutlivesIt) {
  auto file = hw::MemoryBackend::make(world_->context(), {.type = hw::MemoryBackend::kRamType,
                                                          .id = "pmr",
                                                          .size = 0x1'0000});
  ASSERT_TRUE(file);
  plug({.persistent = file->get()});
  host_.map();
  EXPECT_EQ(host_.reg64(0) >> 56U & 1, 1U);
  EXPECT_EQ(host_.reg(0xe08), 0x100U) << "not ready";
  host_.set_reg(0xe04, 1);
  EXPECT_EQ(host_.reg(0xe08), 0U);
  world_.write32(NvmeHost::kBar4 + 0x40, 0x1234'5678);
  host_.enable();
  host_.create_queues(1);
  fill_disk();
  ASSERT_EQ(ask(read(0, 1, NvmeHost::kBar4 + 0x1000)), Status::kSuccess);
  host_.set_reg(0xe18, 0x55);
  host_.set_reg(0xe14, 2);
  ASSERT_EQ(ask(read(1, 1, 0x55'0000'2000)), Status::kSuccess) << "by the address it was given";
  EXPECT_EQ(host_.read(NvmeHost::kBar4 + 0x2000, 512), disk(512, 512));
  ASSERT_TRUE(world_.unplug("nvme0"));
  plug({.persistent = file->get()});
  host_.map();
  host_.set_reg(0xe04, 1);
  EXPECT_EQ(world_.read32(NvmeHost::kBar4 + 0x40), 0x1234'5678U);
  EXPECT_EQ(host_.read(NvmeHost::kBar4 + 0x1000, 512), disk(0, 512));
  ASSERT_TRUE(world_.unplug("nvme0"));
}

// What is no memory is copied through buffers of the host's; when they are used up, commands wait.
TEST_F(NvmeIo, TransfersThatNeedBuffersWaitForThemInTurn) {
  start();
  ASSERT_TRUE(world_.plug<PciProbe>("peer", "2"));
  const std::uint64_t peer = pci_map::kLow + 0x400'0000;
  world_.set_config(2, 0x10, 4, static_cast<std::uint32_t>(peer));
  world_.set_config(2, 4, 2, 0x2);
  // Each reads 400 KiB into the bucket, but for the four bytes that the peer gets.
  constexpr std::uint32_t kBlocks = 800;
  put_descriptors(kList, {descriptor(0, peer + PciProbe::kData, 4), descriptor(1, 0, kBlocks * 512 - 4)});
  for (int i = 0; i < 5; ++i) host_.put(1, by_list(read(0, kBlocks, 0), descriptor(3, kList, 32)));
  host_.put(1, read(0, 1, kData));
  host_.ring_doorbell(1);
  EXPECT_EQ(disk_->waiting(), 3U) << "two that are bounced, and what needs no buffer";
  disk_->finish_one();
  EXPECT_EQ(disk_->waiting(), 3U) << "the next took its place";
  disk_->finish_all();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
}

TEST_F(NvmeIo, UnpluggedWithCommandsThatWaitForBuffers) {
  const auto before = world_.test_machine().census();
  start();
  for (int i = 0; i < 5; ++i)
    host_.put(1, by_list(read(0, 800, 0), descriptor(1, 0, 800 * 512)));
  host_.ring_doorbell(1);
  EXPECT_EQ(disk_->waiting(), 2U);
  const auto ticket = world_->unplug("nvme0");
  world_->control().run_pending();
  disk_->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(world_.test_machine().census(), before);
}

TEST_F(NvmeIo, ComparisonsTakeBuffersInTurnToo) {
  start();
  // What is read from the disk to be compared is in host memory that the guest does not pay for.
  for (std::uint64_t page = 0; page < 100; ++page) put_words(kList + 8 * page, {kData});
  for (int i = 0; i < 5; ++i)
    host_.put(1, NvmeHost::transfer(IoOpcode::kCompare, 0, 800, kData, kList));
  host_.ring_doorbell(1);
  EXPECT_EQ(disk_->waiting(), 2U);
  disk_->finish_one();
  EXPECT_EQ(disk_->waiting(), 2U) << "the next took its place";
  disk_->finish_all();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
}

// Each is begun by the end of the one before; that is a loop, not ten thousand calls deep.
TEST_F(NvmeIo, ManyThatWaitedForBuffersFailOneAfterTheOther) {
  plug();
  host_.start();
  constexpr std::uint16_t kQueues = 12;
  constexpr std::uint32_t kEntries = 1024;
  constexpr std::uint64_t kCompletions = kData + 0x4'0000;  // of all queues: nobody looks at them
  constexpr std::uint64_t kFirst = kData + 0x5'0000;        // submissions of queue 1
  constexpr std::uint64_t kOthers = kData + 0x6'0000;       // and of the others
  const auto fill = [&](std::uint64_t ring, const Submission& entry, std::uint32_t from) {
    for (std::uint32_t i = from; i < kEntries; ++i)
      host_.write(ring + 64 * i, std::as_bytes(std::span{entry.dw}));
  };
  // Three take more than all buffers; the others write from where nothing is.
  fill(kFirst, by_list(read(0, 800, 0), descriptor(1, 0, 800 * 512)), 0);
  fill(kFirst, write(0, 1, kUnassigned), 3);
  fill(kOthers, write(0, 1, kUnassigned), 0);
  for (std::uint16_t queue = 1; queue <= kQueues; ++queue) {
    auto completions = NvmeHost::create_completions(queue, kEntries);
    NvmeHost::set_pair(completions, 6, kCompletions);
    auto submissions = NvmeHost::create_submissions(queue, kEntries);
    NvmeHost::set_pair(submissions, 6, queue == 1 ? kFirst : kOthers);
    ASSERT_EQ(admin(completions), Status::kSuccess);
    ASSERT_EQ(admin(submissions), Status::kSuccess);
    host_.set_reg(0x1000 + 8U * queue, kEntries - 1);
  }
  EXPECT_EQ(disk_->waiting(), 2U);
  disk_->finish_all();
  auto log = NvmeHost::command(AdminOpcode::kGetLogPage);
  log.dw[10] = 127U << 16U | 2U;
  NvmeHost::set_pair(log, 6, kData);
  ASSERT_EQ(admin(log), Status::kSuccess);
  EXPECT_EQ(world_.load(kData + 176, 8), kQueues * (kEntries - 1) - 3) << "so many errors";
}

// --- taken away ------------------------------------------------------------------------------------

TEST_F(NvmeIo, UnpluggedWithRequestsUnderWay) {
  const auto before = world_.test_machine().census();
  start();
  const auto mine = host_.read(kData, 512);
  disk_->bytes[0] = std::byte{0x42};
  host_.give(1, read(0, 1, kData));
  host_.give(1, write(8, 1, kData));
  ASSERT_EQ(disk_->waiting(), 2U);
  const auto ticket = world_->unplug("nvme0");
  world_->control().run_pending();
  EXPECT_FALSE(ticket->done()) << "the host has its requests";
  disk_->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(host_.read(kData, 512), mine) << "cancelled in time";
  EXPECT_EQ(world_.test_machine().census(), before);
}

TEST_F(NvmeIo, ANamespaceTakenAwayEndsItsCommandsWithErrors) {
  start();
  const auto other = FakeDisk::make(512 * 64);
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(other), .id = 2}));
  auto entry = read(0, 1, kData);
  entry.dw[1] = 2;
  host_.give(1, entry);
  const auto ticket = world_->unplug("ns");
  world_->control().run_pending();
  EXPECT_FALSE(host_.look(1));
  other->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(host_.wait(1).status, Status::kAbortRequested);
  EXPECT_EQ(ask(entry), Status::kInvalidField) << "it is not there any more";
  EXPECT_EQ(ask(read(0, 1, kData)), Status::kSuccess);
}

// Whatever a command waits for, it ends when its namespace goes.
TEST_F(NvmeIo, ANamespaceTakenAwayEndsWhatIsForAllOrWaits) {
  start({.delay_us = 50});
  const auto other = FakeDisk::make(512 * 64);
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(other), .id = 2}));
  const auto pass = [&] { world_->clock().step_to(world_->clock().now_ns() + 50'000); };
  // Begun, for all; and not begun, for the one that goes.
  host_.give(1, NvmeHost::command(IoOpcode::kFlush, 0xffff'ffff));
  pass();
  auto entry = read(0, 1, kData);
  entry.dw[1] = 2;
  const auto waits = host_.give(1, entry);
  const auto ticket = world_->unplug("ns");
  world_->control().run_pending();
  EXPECT_EQ(host_.wait(1).command, waits) << "at once";
  other->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_FALSE(host_.look(1));
  disk_->finish_all();
  EXPECT_EQ(host_.wait(1).status, Status::kAbortRequested);
}

TEST_F(NvmeIo, AShutdownEndsThoughANamespaceGoes) {
  start();
  const auto other = FakeDisk::make(512 * 64);
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(other), .id = 2}));
  auto cache = NvmeHost::command(AdminOpcode::kSetFeatures);
  cache.dw[10] = 6;
  host_.give(0, cache);
  host_.set_reg(NvmeHost::kCc, NvmeHost::kEnable | 1U << 14U);
  const auto ticket = world_->unplug("ns");
  world_->control().run_pending();
  other->finish_all();
  EXPECT_TRUE(ticket->wait());
  EXPECT_EQ(host_.reg(NvmeHost::kCsts) >> 2U & 3U, 1U);
  disk_->finish_all();
  EXPECT_EQ(host_.reg(NvmeHost::kCsts) >> 2U & 3U, 2U);
  EXPECT_EQ(host_.wait(0).status, Status::kAbortRequested);
}

TEST_F(NvmeIo, UnpluggedWithCommandsThatWaitForTime) {
  const auto before = world_.test_machine().census();
  start({.delay_us = 50});
  for (int i = 0; i < 5; ++i) host_.give(1, read(0, 1, kData));
  EXPECT_TRUE(world_.unplug("nvme0"));
  world_->clock().step_to(world_->clock().now_ns() + 50'000);
  EXPECT_EQ(world_.test_machine().census(), before);
}

TEST_F(NvmeIo, OneAbortedInFrontOfOthersMakesRoom) {
  start();
  const auto bucket = [&](std::uint32_t blocks) {
    return by_list(read(0, blocks, 0), descriptor(1, 0, blocks * 512));
  };
  for (int i = 0; i < 2; ++i) host_.give(1, bucket(800));
  const auto waits = host_.give(1, bucket(800));
  const auto behind = host_.give(1, bucket(1));
  EXPECT_EQ(disk_->waiting(), 2U);
  auto abort = NvmeHost::command(AdminOpcode::kAbort);
  abort.dw[10] = std::uint32_t{waits} << 16U | 1U;
  EXPECT_EQ(host_.admin(abort).result, 0U);
  EXPECT_EQ(host_.wait(1).command, waits);
  EXPECT_EQ(disk_->waiting(), 3U) << "the one behind it fits";
  disk_->finish_all();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
  EXPECT_EQ(host_.wait(1).command, behind);
}

TEST_F(NvmeIo, DisabledWithCommandsThatWaitForBuffersItHasThemAllAgain) {
  start();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) host_.put(1, by_list(read(0, 800, 0), descriptor(1, 0, 800 * 512)));
    host_.ring_doorbell(1);
    EXPECT_EQ(disk_->waiting(), 2U);
    host_.disable();
    disk_->finish_all();
    EXPECT_FALSE(host_.is_ready());
    host_.enable();
    host_.create_queues(1);
  }
}

TEST_F(NvmeIo, AQueueOfAThousandCommands) {
  plug();
  host_.start();
  // Two pages for each ring of 64 entries of 64 bytes; longer ones lie elsewhere.
  auto completions = NvmeHost::create_completions(1, 1024);
  NvmeHost::set_pair(completions, 6, kData + 0x4'0000);
  auto submissions = NvmeHost::create_submissions(1, 1024);
  NvmeHost::set_pair(submissions, 6, kData + 0x5'0000);
  ASSERT_EQ(admin(completions), Status::kSuccess);
  ASSERT_EQ(admin(submissions), Status::kSuccess);
  for (std::uint32_t i = 0; i < 1023; ++i) {
    auto entry = read(i, 1, kData);
    entry.dw[0] |= i << 16U;
    host_.write(kData + 0x5'0000 + 64 * i, std::as_bytes(std::span{entry.dw}));
  }
  host_.set_reg(0x1008, 1023);
  EXPECT_EQ(disk_->waiting(), 1023U);
  disk_->finish_all();
  for (std::uint32_t i = 0; i < 1023; ++i)
    EXPECT_EQ(world_.read32(kData + 0x4'0000 + 16 * i + 12), 1U << 16U | i);
}

}  // namespace
}  // namespace holdfast::test
