// SPDX-License-Identifier: Apache-2.0
// Queues that never get empty: commands whose data move the queue's own shadow doorbells, or a host that does
// while they are served. Whoever rings the doorbell gets back, and everybody else gets in.
#include <atomic>

#include "tests/support/schedule.hpp"
#include "tests/unit/devices/nvme_fixture.hpp"

namespace holdfast::test {
namespace {

class NvmeEndless : public NvmeTest {
 protected:
  static constexpr std::uint64_t kShadows = kData + 0x1'0000;
  static constexpr std::uint64_t kIndices = kData + 0x1'1000;
  static constexpr std::uint64_t kSubmissions = NvmeHost::kRings;
  static constexpr std::uint64_t kCompletions = NvmeHost::kRings + NvmeHost::kRingBytes;

  /// Four entries for the admin queue. Each is a command that has a word of a log written to the shadow of
  /// the queue's tail, or of its head: three and one in turn. So neither gets ahead of the controller.
  void fill_the_queue() {
    plug();
    host_.map();
    host_.set_reg(NvmeHost::kAqa, 3U << 16U | 3U);
    host_.set_reg64(NvmeHost::kAsq, kSubmissions);
    host_.set_reg64(NvmeHost::kAcq, kCompletions);
    host_.set_reg(NvmeHost::kCc, NvmeHost::kEnable);
    auto configure = NvmeHost::command(AdminOpcode::kDoorbellBufferConfig);
    NvmeHost::set_pair(configure, 6, kShadows);
    NvmeHost::set_pair(configure, 8, kIndices);
    put(0, configure);
    host_.set_reg(0x1000, 1);
    world_.write32(kShadows + 4, 1);
    put(0, word_of_log(kShadows, 1024));
    put(1, word_of_log(kShadows + 4, 0));
    put(2, word_of_log(kShadows, 0));
    put(3, word_of_log(kShadows + 4, 1024));
  }
  void ring() { host_.set_reg(0x1000, 3); }
  void put(std::uint32_t slot, const Submission& entry) {
    host_.write(kSubmissions + 64 * slot, std::as_bytes(std::span{entry.dw}));
  }
  /// The log of the commands' effects: its word at 0 is 1, that at 1024 is 3.
  static Submission word_of_log(std::uint64_t to, std::uint32_t offset) {
    auto entry = NvmeHost::command(AdminOpcode::kGetLogPage);
    NvmeHost::set_pair(entry, 6, to);
    entry.dw[10] = 5;
    entry.dw[12] = offset;
    return entry;
  }
  /// Whether there are completions that were not there before.
  bool are_served() {
    constexpr std::uint32_t kMark = 0xdead'beef;
    world_.write32(kCompletions + 8, kMark);
    turn();
    return world_.read32(kCompletions + 8) != kMark;
  }
  std::size_t turn() { return world_->loop().run_ready(); }
  void turn_until_idle() {
    while (turn() != 0) {
    }
  }
};

TEST_F(NvmeEndless, TheDoorbellComesBackAndTheRestIsServedInTurnsOfTheLoop) {
  fill_the_queue();
  ring();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(are_served());
  // The tail stays where it is, and once it is reached, that was all.
  put(0, NvmeHost::command(AdminOpcode{0xff}));
  put(2, NvmeHost::command(AdminOpcode{0xff}));
  turn_until_idle();
  EXPECT_FALSE(are_served());
  EXPECT_FALSE(host_.is_fatal());
  ring();
  turn_until_idle();
  EXPECT_EQ(world_.read32(kIndices), world_.read32(kShadows)) << "to be rung beyond that";
}

TEST_F(NvmeEndless, ItIsDisabledAndStartedAnew) {
  fill_the_queue();
  ring();
  EXPECT_TRUE(are_served());
  host_.disable();
  EXPECT_FALSE(host_.is_ready());
  EXPECT_FALSE(are_served());
  turn_until_idle();
  host_.start();
  host_.create_queues(1);
  EXPECT_EQ(admin(host_.identify(1)), Status::kSuccess);
}

TEST_F(NvmeEndless, TheMachineIsPausedAndReset) {
  fill_the_queue();
  world_->run();
  ring();
  world_->pause();
  EXPECT_EQ(world_->run_state(), machine::RunState::kPaused);
  world_->run();
  EXPECT_TRUE(are_served());
  world_->reset();
  EXPECT_FALSE(are_served());
  turn_until_idle();
  host_.start();
  host_.create_queues(1);
  EXPECT_EQ(admin(host_.identify(1)), Status::kSuccess);
}

TEST_F(NvmeEndless, ItIsUnplugged) {
  const auto before = world_.test_machine().census();
  fill_the_queue();
  ring();
  EXPECT_TRUE(are_served());
  EXPECT_TRUE(world_.unplug("nvme0"));
  turn_until_idle();
  EXPECT_EQ(world_.test_machine().census(), before);
}

// What wants in while the loop goes on, again and again: each time it gets in.
TEST_F(NvmeEndless, OthersGetInMeanwhile) {
  fill_the_queue();
  ring();
  std::atomic<bool> done = false;
  testing::Thread cpu{"cpu", [&] {
                        for (int i = 0; i < 50; ++i) EXPECT_TRUE(host_.is_ready());
                        host_.disable();
                        done = true;
                      }};
  while (!done) turn();
  turn_until_idle();
  EXPECT_FALSE(host_.is_ready());
}

// Another processor moves the tail, and takes what is completed, as fast as it can.
TEST_F(NvmeEndless, AnotherProcessorKeepsMovingTheTail) {
  fill_the_queue();
  for (std::uint32_t slot = 0; slot < 4; ++slot) put(slot, NvmeHost::command(AdminOpcode{0xff}));
  std::atomic<bool> done = false;
  testing::Thread cpu{"cpu", [&] {
                        for (std::uint32_t at = 0; !done; ++at) {
                          world_.write32(kShadows, at % 4);
                          world_.write32(kShadows + 4, at % 4);
                        }
                      }};
  for (int i = 0; i < 20; ++i) {
    ring();
    turn();
  }
  done = true;
  cpu.join();
  host_.disable();
  turn_until_idle();
  EXPECT_FALSE(host_.is_ready());
}

}  // namespace
}  // namespace holdfast::test
