// SPDX-License-Identifier: Apache-2.0
// Registers, queues and commands to the admin queue.
#include <string>

#include "tests/support/disk_device.hpp"
#include "tests/unit/devices/nvme_fixture.hpp"

namespace holdfast::test {
namespace {

using devices::nvme::number_at;

class NvmeAdmin : public NvmeTest {};

// --- registers -------------------------------------------------------------------------------------

TEST_F(NvmeAdmin, SaysWhatItCan) {
  plug();
  host_.map();
  EXPECT_EQ(world_.config(1, 0), 0x0010'1b36U);
  EXPECT_EQ(world_.config(1, 8), 0x0108'0202U);
  const std::uint64_t cap = host_.reg64(NvmeHost::kCap);
  EXPECT_EQ(cap & 0xffff, 0x7ffU);      // entries of a queue, less one
  EXPECT_EQ(cap >> 16U & 1, 1U);        // contiguous
  EXPECT_EQ(cap >> 32U & 0xf, 0U);      // doorbells next to each other
  EXPECT_EQ(cap >> 37U & 1, 1U);        // the NVM command set
  EXPECT_EQ(cap >> 48U & 0xf, 0U);      // pages of 4 KiB
  EXPECT_EQ(cap >> 52U & 0xf, 4U);      // to 64 KiB
  EXPECT_EQ(host_.reg(NvmeHost::kCap), static_cast<std::uint32_t>(cap));
  EXPECT_EQ(host_.reg(NvmeHost::kCap + 4), static_cast<std::uint32_t>(cap >> 32U));
  EXPECT_EQ(host_.reg(NvmeHost::kVs), 0x0001'0400U);
  EXPECT_EQ(host_.reg(NvmeHost::kCsts), 0U);
}

TEST_F(NvmeAdmin, IsReadyOnceEnabledAndNoMoreOnceDisabled) {
  plug();
  host_.map();
  host_.enable();
  EXPECT_TRUE(host_.is_ready());
  host_.disable();
  EXPECT_FALSE(host_.is_ready());
  EXPECT_EQ(host_.reg(NvmeHost::kAqa), 0x0007'0007U) << "what says where the admin queue is stays";
  host_.enable();
  EXPECT_TRUE(host_.is_ready());
}

struct BadStart {
  std::uint32_t configuration;
  std::uint32_t sizes;
};
class NvmeBadStart : public NvmeTest, public ::testing::WithParamInterface<BadStart> {};

TEST_P(NvmeBadStart, IsFatal) {
  plug();
  host_.map();
  host_.set_reg(NvmeHost::kAqa, GetParam().sizes);
  host_.set_reg64(NvmeHost::kAsq, NvmeHost::ring(0));
  host_.set_reg64(NvmeHost::kAcq, NvmeHost::ring(0) + NvmeHost::kRingBytes);
  host_.set_reg(NvmeHost::kCc, GetParam().configuration);
  EXPECT_FALSE(host_.is_ready());
  EXPECT_TRUE(host_.is_fatal());
  host_.disable();
  EXPECT_FALSE(host_.is_fatal());
  host_.enable();
  EXPECT_TRUE(host_.is_ready());
}
INSTANTIATE_TEST_SUITE_P(Each, NvmeBadStart,
                         ::testing::Values(BadStart{0x0046'0001, 0x0007'0000},  // one entry
                                           BadStart{0x0046'0001, 0x0000'0007},
                                           BadStart{0x0046'0011, 0x0007'0007},  // command set 1
                                           BadStart{0x0046'0281, 0x0007'0007},  // pages of 128 KiB
                                           BadStart{0x0046'0801, 0x0007'0007}));  // arbitration

TEST_F(NvmeAdmin, QueuesThatAreNotThereAreFatal) {
  plug();
  host_.map();
  host_.enable();
  world_.set_config(1, 4, 2, 0x2);  // no bus master
  host_.ring_doorbell(0);
  EXPECT_FALSE(host_.is_fatal()) << "nothing was asked for";
  host_.set_reg(0x1000, 1);
  EXPECT_TRUE(host_.is_fatal());
}

TEST_F(NvmeAdmin, ItsOwnRegistersAreNoQueue) {
  plug();
  host_.map();
  host_.enable();
  host_.disable();
  host_.set_reg64(NvmeHost::kAsq, NvmeHost::kBar0);
  host_.set_reg(NvmeHost::kCc, NvmeHost::kEnable);
  ASSERT_TRUE(host_.is_ready());
  host_.set_reg(0x1000, 1);
  EXPECT_TRUE(host_.is_fatal());
}

// --- identify --------------------------------------------------------------------------------------

TEST_F(NvmeAdmin, IdentifiesItself) {
  plug({.serial = "S-123", .transfer_limit = 5});
  host_.start();
  ASSERT_EQ(admin(host_.identify(1)), Status::kSuccess);
  const auto page = host_.read(kData, 4096);
  EXPECT_EQ(number_at<std::uint16_t>(page, 0), 0x1b36U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(page.data()) + 4, 20), "S-123               ");
  EXPECT_EQ(number_at<std::uint8_t>(page, 77), 5U);
  EXPECT_EQ(number_at<std::uint32_t>(page, 80), 0x0001'0400U);
  EXPECT_EQ(number_at<std::uint8_t>(page, 512), 0x66U);
  EXPECT_EQ(number_at<std::uint8_t>(page, 513), 0x44U);
  EXPECT_EQ(number_at<std::uint32_t>(page, 516), 256U);
  EXPECT_EQ(number_at<std::uint8_t>(page, 525), 7U);
}

// SPEC: NVM Express 1.4, 7.9: "nqn.2014-08.org.nvmexpress:uuid:" and an identifier as RFC 4122 has it.
TEST_F(NvmeAdmin, ItsSubsystemHasANameThatTheSerialDecides) {
  plug({.serial = "S 123"});
  host_.start();
  ASSERT_EQ(admin(host_.identify(1)), Status::kSuccess);
  const auto page = host_.read(kData, 4096);
  const std::string name = reinterpret_cast<const char*>(page.data()) + 768;
  EXPECT_EQ(name, "nqn.2014-08.org.nvmexpress:uuid:89c65363-167e-82e7-9233-7ae663ed7f9e");
  devices::nvme::Identity same{.vendor = 0x1b36, .subsystem_vendor = 0x1af4, .serial = "S 123"};
  const auto name_of = [](const devices::nvme::Identity& identity) {
    const auto own = identify_controller(identity);
    return std::string{reinterpret_cast<const char*>(own.bytes().data()) + 768};
  };
  EXPECT_EQ(name_of(same), name);
  same.serial = "S 124";
  EXPECT_NE(name_of(same), name);
}

TEST_F(NvmeAdmin, IdentifiesNamespaces) {
  start({.logical_block_size = 4096});
  ASSERT_EQ(admin(host_.identify(0, 1)), Status::kSuccess);
  const auto page = host_.read(kData, 4096);
  EXPECT_EQ(number_at<std::uint64_t>(page, 0), kBytes / 4096);
  EXPECT_EQ(number_at<std::uint8_t>(page, 130), 12U);
  ASSERT_EQ(admin(host_.identify(0, 2)), Status::kSuccess) << "one that is not there is zeroes";
  EXPECT_EQ(host_.read(kData, 4096), std::vector<std::byte>(4096));
  EXPECT_EQ(admin(host_.identify(0, 0)), Status::kInvalidNamespace);
  EXPECT_EQ(admin(host_.identify(0, 0xffff'ffff)), Status::kInvalidNamespace);
  ASSERT_EQ(admin(host_.identify(2, 0)), Status::kSuccess);
  EXPECT_EQ(number_at<std::uint64_t>(host_.read(kData, 8), 0), 1U) << "the list has one";
  ASSERT_EQ(admin(host_.identify(2, 1)), Status::kSuccess);
  EXPECT_EQ(number_at<std::uint64_t>(host_.read(kData, 8), 0), 0U);
  ASSERT_EQ(admin(host_.identify(3, 1)), Status::kSuccess);
  EXPECT_EQ(number_at<std::uint8_t>(host_.read(kData, 8), 0), 3U) << "an identifier";
  EXPECT_EQ(admin(host_.identify(0x77)), Status::kInvalidField);
}

TEST_F(NvmeAdmin, SaysWhatIsBestWrittenAtOnce) {
  const auto said = [&] {
    EXPECT_EQ(admin(host_.identify(0, 1)), Status::kSuccess);
    const auto page = host_.read(kData, 4096);
    return std::array<unsigned, 5>{number_at<std::uint8_t>(page, 24), number_at<std::uint16_t>(page, 64),
                                   number_at<std::uint16_t>(page, 66), number_at<std::uint16_t>(page, 72),
                                   number_at<std::uint8_t>(page, 130)};
  };
  start({.logical_block_size = 4096, .physical_block_size = 4096});
  EXPECT_EQ(said(), (std::array{0U, 0U, 0U, 0U, 12U})) << "nothing but a block";
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(FakeDisk::make(8192)), .id = 7,
                                    .physical_block_size = 4096}));
  ASSERT_EQ(admin(host_.identify(0, 7)), Status::kSuccess);
  const auto page = host_.read(kData, 4096);
  EXPECT_EQ(number_at<std::uint8_t>(page, 24), 0x10U);
  for (const std::size_t field : {64U, 66U, 72U}) EXPECT_EQ(number_at<std::uint16_t>(page, field), 7U) << field;
  EXPECT_EQ(number_at<std::uint8_t>(page, 130), 9U);
  EXPECT_EQ(said(), (std::array{0U, 0U, 0U, 0U, 12U})) << "the other is as it was";
}

// --- queues ----------------------------------------------------------------------------------------

TEST_F(NvmeAdmin, RefusesQueuesThatCannotBe) {
  plug({.queue_pairs = 4, .vectors = 5});
  host_.start();
  using H = NvmeHost;
  EXPECT_EQ(admin(H::create_completions(0, 16)), Status::kInvalidQueueIdentifier);
  EXPECT_EQ(admin(H::create_completions(5, 16)), Status::kInvalidQueueIdentifier);
  EXPECT_EQ(admin(H::create_completions(1, 1)), Status::kInvalidQueueSize);
  EXPECT_EQ(admin(H::create_completions(1, 2049)), Status::kInvalidQueueSize);
  EXPECT_EQ(admin(H::create_completions(1, 16, 5)), Status::kInvalidInterruptVector);
  EXPECT_EQ(admin(H::create_completions(1, 16, 0, 2)), Status::kInvalidField);
  auto odd = H::create_completions(1, 16);
  odd.dw[6] += 8;
  EXPECT_EQ(admin(odd), Status::kPrpOffsetInvalid);
  EXPECT_EQ(admin(H::create_submissions(1, 16)), Status::kCompletionQueueInvalid);
  EXPECT_EQ(admin(H::create_completions(1, 16)), Status::kSuccess);
  EXPECT_EQ(admin(H::create_completions(1, 16)), Status::kInvalidQueueIdentifier);
  EXPECT_EQ(admin(H::create_submissions(1, 1)), Status::kInvalidQueueSize);
  EXPECT_EQ(admin(H::create_submissions(1, 16)), Status::kSuccess);
  EXPECT_EQ(admin(H::create_submissions(1, 16)), Status::kInvalidQueueIdentifier);
  auto remove = H::command(AdminOpcode::kDeleteCompletionQueue);
  remove.dw[10] = 1;
  EXPECT_EQ(admin(remove), Status::kInvalidQueueDeletion);
  auto removed = H::command(AdminOpcode::kDeleteSubmissionQueue);
  removed.dw[10] = 1;
  EXPECT_EQ(admin(removed), Status::kSuccess);
  EXPECT_EQ(admin(removed), Status::kInvalidQueueIdentifier);
  EXPECT_EQ(admin(remove), Status::kSuccess);
  EXPECT_EQ(admin(remove), Status::kInvalidQueueIdentifier);
}

TEST_F(NvmeAdmin, SixtyFourPairsOfQueuesOfAThousandEntries) {
  plug();
  host_.start();
  for (std::uint16_t queue = 1; queue <= 64; ++queue) {
    EXPECT_EQ(admin(NvmeHost::create_completions(queue, 1024)), Status::kSuccess);
    EXPECT_EQ(admin(NvmeHost::create_submissions(queue, 1024)), Status::kSuccess);
  }
  EXPECT_EQ(admin(NvmeHost::create_completions(65, 1024)), Status::kInvalidQueueIdentifier);
}

TEST_F(NvmeAdmin, AQueueIsDeletedWhenItsCommandsAreDone) {
  start();
  host_.give(1, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
  auto remove = NvmeHost::command(AdminOpcode::kDeleteSubmissionQueue);
  remove.dw[10] = 1;
  host_.give(0, remove);
  EXPECT_FALSE(host_.look(0));
  disk_->finish_all();
  EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
  EXPECT_EQ(host_.wait(0).status, Status::kSuccess);
}

TEST_F(NvmeAdmin, CompletionsWaitForRoom) {
  start();
  host_.create_queues(2, 4);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) host_.put(2, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
    host_.ring_doorbell(2);
    disk_->finish_all();
  }
  // Six are done, and the queue has room for three.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(host_.peek(2));
  EXPECT_FALSE(host_.peek(2));
  host_.set_reg(0x1004 + 16, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(host_.peek(2));
  EXPECT_FALSE(host_.peek(2));
}

TEST_F(NvmeAdmin, CommandsAreNotFetchedForCompletionsThatNobodyTakes) {
  start();
  host_.create_queues(2, 4);
  // However often the doorbell is rung: room for three completions, and four that wait for it.
  for (int round = 0; round < 10; ++round)
    for (int i = 0; i < 3; ++i) {
      host_.put(2, NvmeHost::command(IoOpcode{0x55}, 1));
      host_.ring_doorbell(2);
    }
  const auto errors = [&] {
    auto log = NvmeHost::command(AdminOpcode::kGetLogPage);
    log.dw[10] = 127U << 16U | 2U;
    NvmeHost::set_pair(log, 6, kData);
    EXPECT_EQ(admin(log), Status::kSuccess);
    return world_.load(kData + 176, 8);
  };
  EXPECT_EQ(errors(), 7U);
  // Taken one after the other, they go on; the last place that the doorbell named is where it ends.
  std::uint64_t taken = 0;
  while (host_.look(2)) ++taken;
  EXPECT_GE(taken, 7U);
  EXPECT_EQ(errors(), taken);
  host_.put(2, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
  host_.ring_doorbell(2);
  EXPECT_EQ(host_.wait(2).status, Status::kSuccess);
}

// --- unknown things --------------------------------------------------------------------------------

TEST_F(NvmeAdmin, RefusesWhatItDoesNotKnow) {
  start();
  EXPECT_EQ(admin(NvmeHost::command(AdminOpcode{0x55})), Status::kInvalidOpcode);
  EXPECT_EQ(ask(NvmeHost::command(IoOpcode{0x55}, 1)), Status::kInvalidOpcode);
  auto fused = NvmeHost::transfer(IoOpcode::kWrite, 0, 1, kData);
  fused.dw[0] |= 1U << 8U;
  EXPECT_EQ(ask(fused), Status::kInvalidField);
  auto by_list = host_.identify(1);
  by_list.dw[0] |= 1U << 14U;
  EXPECT_EQ(admin(by_list), Status::kInvalidField) << "admin commands have lists of pages only";
  const auto seen = host_.admin(NvmeHost::command(AdminOpcode{0x55}));
  EXPECT_TRUE(seen.for_good);
}

// --- features, logs --------------------------------------------------------------------------------

TEST_F(NvmeAdmin, FeaturesAreSetAndShown) {
  plug();
  host_.start();
  const auto get = [&](std::uint32_t feature, std::uint32_t which = 0, std::uint32_t dw11 = 0) {
    auto entry = NvmeHost::command(AdminOpcode::kGetFeatures);
    entry.dw[10] = which << 8U | feature;
    entry.dw[11] = dw11;
    NvmeHost::set_pair(entry, 6, kData);
    return host_.admin(entry);
  };
  const auto set = [&](std::uint32_t feature, std::uint32_t value) {
    auto entry = NvmeHost::command(AdminOpcode::kSetFeatures);
    entry.dw[10] = feature;
    entry.dw[11] = value;
    NvmeHost::set_pair(entry, 6, kData);
    return host_.admin(entry);
  };
  EXPECT_EQ(get(7).result, 0x003f'003fU);
  EXPECT_EQ(set(7, 0x0001'0001).result, 0x003f'003fU);
  EXPECT_EQ(set(7, 0xffff'ffff).status, Status::kInvalidField);
  EXPECT_EQ(get(6).result, 1U);
  EXPECT_EQ(set(6, 0).status, Status::kSuccess);
  EXPECT_EQ(get(6).result, 0U);
  EXPECT_EQ(get(6, 1).result, 1U) << "what it is after a reset";
  EXPECT_EQ(get(6, 3).result, 4U) << "it can be changed";
  EXPECT_EQ(get(9, 0, 3).result, 3U);
  EXPECT_EQ(get(9, 0, 65).status, Status::kInvalidField);
  EXPECT_EQ(get(0x66).status, Status::kInvalidField);
  EXPECT_EQ(set(1U << 31U | 6, 0).status, Status::kFeatureNotSaveable);
  world_.store(kData, 8, 0x1234'5678);
  EXPECT_EQ(set(0x0e, 0).status, Status::kSuccess);
  host_.clear(kData, 8);
  EXPECT_EQ(get(0x0e).status, Status::kSuccess);
  EXPECT_EQ(number_at<std::uint64_t>(host_.read(kData, 8), 0), 1ULL << 49U | 0x1234'5678U);
  host_.create_queues(1);
  EXPECT_EQ(set(7, 0).status, Status::kCommandSequenceError) << "queues are there";
}

TEST_F(NvmeAdmin, LogsShowWhatWasDone) {
  start();
  const auto log = [&](std::uint32_t page, std::uint32_t bytes, std::uint64_t offset = 0) {
    auto entry = NvmeHost::command(AdminOpcode::kGetLogPage, 0xffff'ffff);
    entry.dw[10] = (bytes / 4 - 1) << 16U | page;
    NvmeHost::set_pair(entry, 12, offset);
    NvmeHost::set_pair(entry, 6, kData);
    return admin(entry);
  };
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kRead, 0, 8, kData)), Status::kSuccess);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kWrite, 0, 1, kData)), Status::kSuccess);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kRead, kBytes, 1, kData)), Status::kLbaOutOfRange);
  ASSERT_EQ(log(2, 512), Status::kSuccess);
  auto page = host_.read(kData, 512);
  EXPECT_EQ(number_at<std::uint64_t>(page, 64), 1U);
  EXPECT_EQ(number_at<std::uint64_t>(page, 80), 1U);
  EXPECT_EQ(number_at<std::uint64_t>(page, 176), 1U);
  ASSERT_EQ(log(1, 64), Status::kSuccess);
  page = host_.read(kData, 64);
  EXPECT_EQ(number_at<std::uint64_t>(page, 0), 1U);
  EXPECT_EQ(number_at<std::uint16_t>(page, 12) >> 1U & 0x7ffU, 0x80U);
  EXPECT_EQ(number_at<std::uint64_t>(page, 16), kBytes);
  ASSERT_EQ(log(5, 64, 1024), Status::kSuccess) << "from the middle: effects of I/O commands";
  EXPECT_EQ(number_at<std::uint32_t>(host_.read(kData, 8), 4), 3U) << "a write changes data";
  EXPECT_EQ(log(3, 512), Status::kSuccess);
  EXPECT_EQ(log(0x66, 64), Status::kInvalidLogPage);
  EXPECT_EQ(log(2, 64, 514), Status::kInvalidField);
  EXPECT_EQ(log(2, 64, 1024), Status::kInvalidField);
}

TEST_F(NvmeAdmin, TheHealthLogIsOfTheControllerAndCountsWhatTheMediumLost) {
  start();
  const auto health = [&](std::uint32_t id) {
    auto entry = NvmeHost::command(AdminOpcode::kGetLogPage, id);
    entry.dw[10] = 127U << 16U | 2U;
    NvmeHost::set_pair(entry, 6, kData);
    return admin(entry);
  };
  EXPECT_EQ(health(0), Status::kSuccess);
  EXPECT_EQ(health(1), Status::kInvalidField) << "not one for each namespace";
  disk_->failure = block::Failure::kInputOutput;
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData)), Status::kUnrecoveredReadError);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kWrite, 0, 1, kData)), Status::kWriteFault);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kRead, kBytes, 1, kData)), Status::kLbaOutOfRange);
  ASSERT_EQ(health(0xffff'ffff), Status::kSuccess);
  EXPECT_EQ(world_.load(kData + 160, 8), 2U);
  EXPECT_EQ(world_.load(kData + 176, 8), 4U);
}

TEST_F(NvmeAdmin, TheCacheIsEmptiedWhenItIsSwitchedOff) {
  start();
  auto cache = NvmeHost::command(AdminOpcode::kSetFeatures);
  cache.dw[10] = 6;
  host_.give(0, cache);
  EXPECT_FALSE(host_.look(0)) << "what was written before is not on the medium yet";
  ASSERT_EQ(disk_->waiting(), 1U);
  EXPECT_EQ(disk_->first_order().kind, block::Order::Kind::kFlush);
  disk_->finish_all();
  EXPECT_EQ(host_.wait(0).status, Status::kSuccess);
  EXPECT_EQ(admin(cache), Status::kSuccess) << "it is off: nothing to do";
  EXPECT_EQ(disk_->done.size(), 1U);
  cache.dw[11] = 1;
  EXPECT_EQ(admin(cache), Status::kSuccess);
  EXPECT_EQ(disk_->done.size(), 1U);
}

TEST_F(NvmeAdmin, WithoutMessagesThereIsOneInterrupt) {
  plug();
  host_.start();
  EXPECT_EQ(admin(NvmeHost::create_completions(1, 16, 1)), Status::kInvalidInterruptVector);
  EXPECT_EQ(admin(NvmeHost::create_completions(1, 16, 0)), Status::kSuccess);
}

// --- events ----------------------------------------------------------------------------------------

TEST_F(NvmeAdmin, BadDoorbellsAreEvents) {
  start();
  host_.give(0, NvmeHost::command(AdminOpcode::kAsynchronousEvent));
  EXPECT_FALSE(host_.look(0));
  host_.set_reg(0x1000 + 8 * 9, 1);  // of a queue that is not there
  EXPECT_EQ(host_.wait(0).result, 0x0001'0000U);
  host_.set_reg(0x1000 + 8, 99);  // beyond the queue's end: masked until the log was read
  host_.give(0, NvmeHost::command(AdminOpcode::kAsynchronousEvent));
  EXPECT_FALSE(host_.look(0));
  auto log = NvmeHost::command(AdminOpcode::kGetLogPage);
  log.dw[10] = 15U << 16U | 1U;
  NvmeHost::set_pair(log, 6, kData);
  host_.give(0, log);
  EXPECT_EQ(host_.wait(0).status, Status::kSuccess);
  EXPECT_EQ(host_.wait(0).result, 0x0001'0100U);
}

TEST_F(NvmeAdmin, SoManyCommandsWaitForEventsAndCanBeAborted) {
  plug({.event_commands = 1});
  host_.start();
  const auto first = host_.give(0, NvmeHost::command(AdminOpcode::kAsynchronousEvent));
  host_.give(0, NvmeHost::command(AdminOpcode::kAsynchronousEvent));
  EXPECT_EQ(admin(NvmeHost::command(AdminOpcode::kAsynchronousEvent)), Status::kEventLimitExceeded);
  auto abort = NvmeHost::command(AdminOpcode::kAbort);
  abort.dw[10] = std::uint32_t{first} << 16U;
  host_.give(0, abort);
  const auto aborted = host_.wait(0);
  EXPECT_EQ(aborted.command, first);
  EXPECT_EQ(aborted.status, Status::kAbortRequested);
  EXPECT_EQ(host_.wait(0).result, 0U) << "aborted";
  host_.give(0, abort);
  EXPECT_EQ(host_.wait(0).result, 1U) << "there is none any more";
}

TEST_F(NvmeAdmin, NamespacesComeAndGoWithAnEvent) {
  start();
  auto configure = NvmeHost::command(AdminOpcode::kSetFeatures);
  configure.dw[10] = 0x0b;
  configure.dw[11] = 1U << 8U;
  EXPECT_EQ(admin(configure), Status::kSuccess);
  host_.give(0, NvmeHost::command(AdminOpcode::kAsynchronousEvent));
  const auto other = FakeDisk::make(64 * 512);
  ASSERT_TRUE(plug_namespace("ns", {.drive = FakeDisk::as_backend(other), .id = 7}));
  EXPECT_EQ(host_.wait(0).result, 0x0004'0002U);
  auto log = NvmeHost::command(AdminOpcode::kGetLogPage);
  log.dw[10] = 3U << 16U | 4U;
  NvmeHost::set_pair(log, 6, kData);
  EXPECT_EQ(admin(log), Status::kSuccess);
  EXPECT_EQ(number_at<std::uint64_t>(host_.read(kData, 8), 0), 7U);
  host_.give(0, NvmeHost::command(AdminOpcode::kAsynchronousEvent));
  EXPECT_TRUE(world_.unplug("ns"));
  EXPECT_EQ(host_.wait(0).result, 0x0004'0002U);
}

// --- interrupts ------------------------------------------------------------------------------------

TEST_F(NvmeAdmin, ThePinIsUpWhileThereIsSomethingToSee) {
  plug();
  host_.start();
  // Slot 1's INTA is the host bridge's second line.
  EXPECT_FALSE(world_.intx(1));
  host_.give(0, host_.identify(1));
  EXPECT_TRUE(world_.intx(1));
  host_.set_reg(NvmeHost::kIntms, 1);
  EXPECT_FALSE(world_.intx(1));
  EXPECT_EQ(host_.reg(NvmeHost::kIntms), 1U);
  host_.set_reg(NvmeHost::kIntmc, 1);
  EXPECT_TRUE(world_.intx(1));
  EXPECT_TRUE(host_.look(0));
  EXPECT_FALSE(world_.intx(1));
}

TEST_F(NvmeAdmin, MessagesComeForTheQueueTheyBelongTo) {
  plug();
  host_.map();
  const unsigned msix = world_.capability(1, 0x11);
  ASSERT_NE(msix, 0U);
  EXPECT_EQ(world_.config(1, msix + 2, 2) & 0x7ffU, 64U);
  EXPECT_EQ(world_.config(1, msix + 4), 0x2000U) << "the table, in BAR 0";
  const std::uint64_t table = NvmeHost::kBar0 + 0x2000;
  const std::uint64_t doorbell = kData + 0x8000;
  for (std::uint32_t vector = 0; vector < 2; ++vector) {
    world_.store(table + 16 * vector, 8, doorbell + 4 * vector);
    world_.write32(table + 16 * vector + 8, 0x50 + vector);
    world_.write32(table + 16 * vector + 12, 0);
  }
  world_.set_config(1, msix + 2, 2, 0x8000);
  host_.enable();
  host_.create_queues(1, 16, 1);
  EXPECT_EQ(world_.read32(doorbell), 0x50U);
  EXPECT_EQ(world_.read32(doorbell + 4), 0U);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData)), Status::kSuccess);
  EXPECT_EQ(world_.read32(doorbell + 4), 0x51U);
  EXPECT_FALSE(world_.intx(1));
}

TEST_F(NvmeAdmin, OneMessageSaysThatManyAreDone) {
  // Each message is a write to the register that makes this ask its drive for something.
  const auto heard = SlowDrive::make();
  constexpr std::uint64_t kEar = 0x5800'0000;
  plug_disk(world_.test_machine(), "ear", kEar, {.drive = SlowDrive::as_backend(heard)});
  plug();
  host_.map();
  const unsigned msix = world_.capability(1, 0x11);
  const std::uint64_t entry = NvmeHost::kBar0 + 0x2000 + 16;
  world_.store(entry, 8, kEar + DiskDevice::kGo);
  world_.write32(entry + 8, 0);
  world_.write32(entry + 12, 0);
  world_.set_config(1, msix + 2, 2, 0x8000);
  host_.enable();
  host_.create_queues(1, 16, 1);
  for (int i = 0; i < 5; ++i) host_.put(1, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
  host_.ring_doorbell(1);
  ASSERT_EQ(disk_->waiting(), 5U);
  disk_->finish_one();
  EXPECT_EQ(heard->waiting(), 1U);
  disk_->finish_together();
  EXPECT_EQ(heard->waiting(), 2U);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(host_.wait(1).status, Status::kSuccess);
  // What is answered at once, by one doorbell, too.
  for (int i = 0; i < 5; ++i) host_.put(1, NvmeHost::transfer(IoOpcode::kRead, 1U << 20U, 1, kData));
  host_.ring_doorbell(1);
  EXPECT_EQ(heard->waiting(), 3U);
  heard->answer_all();
}

// --- shutdown, reset -------------------------------------------------------------------------------

TEST_F(NvmeAdmin, ShutdownEndsWhenAllIsFlushed) {
  start();
  host_.set_reg(NvmeHost::kCc, NvmeHost::kEnable | 1U << 14U);
  EXPECT_EQ(host_.reg(NvmeHost::kCsts) >> 2U & 3U, 1U) << "under way";
  ASSERT_EQ(disk_->waiting(), 1U);
  EXPECT_EQ(disk_->first_order().kind, block::Order::Kind::kFlush);
  disk_->finish_all();
  EXPECT_EQ(host_.reg(NvmeHost::kCsts) >> 2U & 3U, 2U) << "done";
}

TEST_F(NvmeAdmin, DisabledWithCommandsUnderWayItIsDoneWhenTheyAre) {
  start();
  const auto before = host_.read(kData, 512);
  disk_->bytes[0] = std::byte{0x77};
  host_.give(1, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
  host_.disable();
  EXPECT_TRUE(host_.is_ready()) << "the host has the guest's memory still";
  disk_->finish_all();
  EXPECT_FALSE(host_.is_ready());
  host_.enable();
  ASSERT_TRUE(host_.is_ready());
  EXPECT_FALSE(host_.look(0)) << "nobody is told of what was before";
  host_.create_queues(1);
  EXPECT_EQ(ask(NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData)), Status::kSuccess);
  EXPECT_EQ(host_.read(kData, 1)[0], std::byte{0x77});
}

TEST_F(NvmeAdmin, DisabledItHasForgottenWhatTheHostSetButForTheAdminQueue) {
  start();
  host_.set_reg(NvmeHost::kIntms, 3);
  host_.set_reg(NvmeHost::kCc, NvmeHost::kEnable & ~1U);
  EXPECT_EQ(host_.reg(NvmeHost::kIntms), 0U);
  EXPECT_EQ(host_.reg(NvmeHost::kCc), 0U);
  EXPECT_EQ(host_.reg64(NvmeHost::kAsq), NvmeHost::ring(0));
  // A shutdown that is asked for by the same store goes on.
  host_.enable();
  host_.set_reg(NvmeHost::kCc, 1U << 14U);
  EXPECT_EQ(host_.reg(NvmeHost::kCc), 1U << 14U);
  disk_->finish_all();
  EXPECT_EQ(host_.reg(NvmeHost::kCsts), 2U << 2U);
}

TEST_F(NvmeAdmin, EnabledAgainTooEarlyItWaits) {
  start();
  host_.give(1, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
  host_.disable();
  host_.enable();
  disk_->finish_all();
  EXPECT_TRUE(host_.is_ready());
  EXPECT_EQ(admin(host_.identify(1)), Status::kSuccess);
}

TEST_F(NvmeAdmin, AMachineResetForgetsItAll) {
  start();
  host_.give(1, NvmeHost::transfer(IoOpcode::kRead, 0, 1, kData));
  world_->reset();
  disk_->finish_all();
  host_.map();
  EXPECT_EQ(host_.reg(NvmeHost::kCc), 0U);
  EXPECT_EQ(host_.reg(NvmeHost::kCsts), 0U);
  host_.start();
  EXPECT_EQ(admin(host_.identify(1)), Status::kSuccess);
}

// --- configuration ---------------------------------------------------------------------------------

TEST_F(NvmeAdmin, BadConfigurationsAreSaidAndChangeNothing) {
  const auto before = world_.test_machine().census();
  const auto refused = [&](devices::Nvme::Config config) {
    const auto done = world_.plug<devices::Nvme>("bad", "1", std::move(config));
    EXPECT_FALSE(done);
    EXPECT_EQ(world_.test_machine().census(), before);
    return done ? std::string{} : done.error().message;
  };
  const auto odd = FakeDisk::make(1000);
  EXPECT_NE(refused({.serial = "s", .drive = FakeDisk::as_backend(odd)}).find("multiple of 512"),
            std::string::npos);
  EXPECT_NE(refused({.serial = "much too long to be a serial"}).find("20"), std::string::npos);
  EXPECT_NE(refused({.serial = "s", .drive = FakeDisk::as_backend(disk_), .logical_block_size = 777})
                .find("logical_block_size"),
            std::string::npos);
  EXPECT_NE(refused({.serial = "s", .drive = FakeDisk::as_backend(disk_), .uuid = "nonsense"})
                .find("uuid"),
            std::string::npos);
  // As much without a drive; and each in one line.
  for (const std::string uuid : {"zz", "a\nb", "00000000-0000-0000-0000-00000000000g"}) {
    const std::string message = refused({.serial = "s", .uuid = uuid});
    EXPECT_NE(message.find("it takes 32 hexadecimal digits as 8-4-4-4-12"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
  EXPECT_NE(refused({.serial = "s", .logical_block_size = 777}).find("512, 1024, 2048 or 4096"), std::string::npos);
  for (const std::uint32_t size : {1U, 512U, 6000U, 4U << 20U})
    EXPECT_NE(refused({.serial = "s", .logical_block_size = 4096, .physical_block_size = size})
                  .find("power of two from 4096, the logical_block_size, to 2097152"),
              std::string::npos)
        << size;
  for (const std::string serial : {"a\nb\x01", "\x7f", "\xc3\xa4"}) {
    const std::string message = refused({.serial = serial});
    EXPECT_NE(message.find("it takes at most 20 from ' ' to '~'"), std::string::npos) << message;
    for (const char c : message) EXPECT_TRUE(c >= ' ' && c <= '~') << "one line, of ASCII: " << message;
  }
  plug();
  const auto twice = world_.plug<devices::Nvme>(
      "nvme1", "2", devices::Nvme::Config{.serial = "s", .drive = FakeDisk::as_backend(disk_)});
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("in use"), std::string::npos);
  const auto taken = plug_namespace("ns", {.drive = FakeDisk::as_backend(FakeDisk::make(512)), .id = 1});
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("nsid 1 is taken"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::test
