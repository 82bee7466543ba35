// SPDX-License-Identifier: Apache-2.0
// A controller with a file behind it: requests come back on the back-end's threads while CPUs ring
// doorbells, and while it is disabled and torn out.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/block/file.hpp"
#include "holdfast/devices/storage/nvme.hpp"
#include "tests/support/nvme_host.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::test {
namespace {

using IoOpcode = NvmeHost::IoOpcode;
using Status = NvmeHost::Status;

constexpr std::uint64_t kBytes = 1U << 20U;
constexpr std::uint32_t kBlocks = 4;  // of a command
constexpr std::size_t kLength = kBlocks * 512;

class NvmeRaces : public ::testing::TestWithParam<block::EngineChoice> {
 protected:
  void SetUp() override {
    auto file = block::File::open({.name = "drive 'races'", .path = file_.path(), .engine = GetParam()});
    if (!file && GetParam() == block::EngineChoice::kUring)
      GTEST_SKIP() << "this host has no io_uring: " << file.error().message;
    ASSERT_TRUE(file) << file.error().message;
    drive_ = *std::move(file);
  }
  bool plug() {
    const auto done = world_.plug<devices::Nvme>(
        "nvme0", "1", devices::Nvme::Config{.serial = "races", .drive = drive_});
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return done.has_value();
  }
  static bool yield() {
    std::this_thread::yield();
    return true;
  }

  testing::TempFile file_{kBytes};
  Ref<block::Backend> drive_;
  PciWorld world_;
};

/// Where command `id` of a CPU has its data.
std::uint64_t buffer(unsigned cpu, unsigned id) { return NvmeHost::kData + cpu * 0x4'0000 + id * 0x1000; }

/// Writes a pattern all over its half of the disk and reads it back, 8 commands at a time.
void write_and_check(NvmeHost& host, std::uint16_t queue) {
  constexpr unsigned kAtOnce = 8;
  for (unsigned round = 0; round < 10; ++round) {
    for (const auto opcode : {IoOpcode::kWrite, IoOpcode::kRead}) {
      for (unsigned i = 0; i < kAtOnce; ++i) {
        const std::uint64_t at = buffer(queue - 1U, i);
        if (opcode == IoOpcode::kWrite)
          host.write(at, NvmeHost::pattern(kLength, queue * 100 + round * kAtOnce + i));
        else
          host.clear(at, kLength);
        host.put(queue, NvmeHost::transfer(opcode, ((queue - 1U) * 256 + round * kAtOnce + i) * kBlocks,
                                           kBlocks, at));
      }
      host.ring_doorbell(queue);
      for (unsigned i = 0; i < kAtOnce; ++i) EXPECT_EQ(host.wait(queue).status, Status::kSuccess);
    }
    for (unsigned i = 0; i < kAtOnce; ++i)
      EXPECT_EQ(host.read(buffer(queue - 1U, i), kLength),
                NvmeHost::pattern(kLength, queue * 100 + round * kAtOnce + i));
  }
}

TEST_P(NvmeRaces, TwoCpusWithAQueueEach) {
  ASSERT_TRUE(plug());
  NvmeHost first{world_, 1, &yield};
  first.start();
  first.create_queues(1, 64);
  first.create_queues(2, 64);
  NvmeHost second{world_, 1, &yield};
  second.share_queue(2, 64);
  std::thread other{[&] { write_and_check(second, 2); }};
  write_and_check(first, 1);
  other.join();
}

TEST_P(NvmeRaces, TornOutAndPutBackUnderLoad) {
  const auto before = world_.test_machine().census();
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(plug());
    NvmeHost host{world_, 1, &yield};
    host.start();
    host.create_queues(1, 64);
    std::atomic<unsigned> done{0};
    std::thread cpu{[&] {
      unsigned given = 0;
      while (host.reg(NvmeHost::kCsts) != ~0U) {
        if (given - done < 32) {
          host.give(1, NvmeHost::transfer(given % 2 == 0 ? IoOpcode::kRead : IoOpcode::kWrite,
                                          given % 64, kBlocks, buffer(0, given % 32)));
          ++given;
        } else {
          yield();
        }
        while (const auto seen = host.look(1)) {
          EXPECT_EQ(seen->status, Status::kSuccess);
          ++done;
        }
      }
    }};
    while (done < 50) yield();
    EXPECT_TRUE(world_.unplug("nvme0"));
    cpu.join();
    EXPECT_EQ(world_.test_machine().census(), before);
  }
}

TEST_P(NvmeRaces, DisabledAndEnabledUnderLoad) {
  ASSERT_TRUE(plug());
  NvmeHost host{world_, 1, &yield};
  host.map();
  for (int round = 0; round < 20; ++round) {
    host.enable();
    while (!host.is_ready()) yield();
    host.create_queues(1, 64);
    for (unsigned i = 0; i < 32; ++i)
      host.put(1, NvmeHost::transfer(IoOpcode::kRead, i, kBlocks, buffer(0, i)));
    host.ring_doorbell(1);
    EXPECT_EQ(host.wait(1).status, Status::kSuccess);
    host.disable();
    while (host.is_ready()) yield();
    // From here on nothing is written to memory any more.
    host.write(buffer(0, 31), NvmeHost::pattern(kLength, 5));
    EXPECT_EQ(host.read(buffer(0, 31), kLength), NvmeHost::pattern(kLength, 5));
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, NvmeRaces,
                         ::testing::Values(block::EngineChoice::kThreads, block::EngineChoice::kUring),
                         [](const auto& engine) {
                           return engine.param == block::EngineChoice::kThreads ? "Threads" : "Uring";
                         });

}  // namespace
}  // namespace holdfast::test
