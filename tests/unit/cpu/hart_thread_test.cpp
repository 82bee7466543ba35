// SPDX-License-Identifier: Apache-2.0
// The thread around a hart: pausing, waking, stopping, resetting, from other threads.
#include "holdfast/accel/hart_thread.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "bench.hpp"

namespace holdfast::test::riscv {
namespace {

using accel::HartThread;
using memory::MemTxResult;

/// Counts slices, and tells whoever waits for them.
class Slices final : public accel::CpuEvents {
 public:
  void between_slices() override {
    const std::lock_guard lock{mutex_};
    count.fetch_add(1);
    came_.notify_all();
  }
  /// A hart that does not come by fails the test.
  void wait_for(unsigned slices) {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(came_.wait_for(lock, std::chrono::seconds{20}, [&] { return count >= slices; }))
        << "asleep after " << count << " slices; " << slices << " were to come";
  }
  std::atomic<unsigned> count{0};

 private:
  std::mutex mutex_;
  std::condition_variable came_;
};

/// A hart that counts in memory, in a loop of two stores and an addition.
struct Counting : Bench {
  Counting() {
    memory->write_code(kProgram, {addi(kA0, kA0, 1), sd(kA0, kA1), jal(0, -8)});
    set_x(kA1, kData);
    hart.set_pc(kProgram);
  }
  std::uint64_t counted() const {
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(memory->at(kData)),
                           __ATOMIC_RELAXED);
  }
  Slices slices;
};

TEST(HartThread, PausesBetweenSlicesAndResumes) {
  Counting bench;
  HartThread thread{bench.hart, bench.slices};
  thread.start();
  bench.slices.wait_for(1);
  thread.pause();
  const std::uint64_t at_pause = bench.counted();
  const unsigned slices = bench.slices.count;
  EXPECT_GT(at_pause, 0u);
  EXPECT_LE(bench.hart.integer(kA0) - at_pause, 1u);  // the registers may be read now
  thread.resume();
  bench.slices.wait_for(slices + 2);  // the first may end at once, by the request to pause
  thread.pause();
  EXPECT_GT(bench.counted(), at_pause);
  thread.resume();
}

TEST(HartThread, StaysPausedUntilTheLastResume) {
  Counting bench;
  HartThread thread{bench.hart, bench.slices};
  thread.start();
  thread.pause();
  thread.pause();
  thread.resume();
  const std::uint64_t counted = bench.counted();
  thread.pause();
  EXPECT_EQ(bench.counted(), counted);
  thread.resume();
  thread.resume();
}

TEST(HartThread, MayBePausedBeforeItStarts) {
  Counting bench;
  HartThread thread{bench.hart, bench.slices};
  thread.pause();
  thread.start();
  thread.wait_paused();
  EXPECT_EQ(bench.counted(), 0u);
  thread.resume();
  bench.slices.wait_for(1);
}

TEST(HartThread, ExecutesNothingBehindTheInstructionThatAskedForThePause) {
  Bench bench;
  Slices slices;
  HartThread thread{bench.hart, slices};
  const Device device{*bench.memory, 0x1000'0000,
                      [](std::uint64_t, unsigned, std::uint64_t&) { return MemTxResult::kOk; },
                      [&](std::uint64_t, unsigned, std::uint64_t) {
                        thread.request_pause();
                        return MemTxResult::kOk;
                      }};
  bench.set_x(kA1, 0x1000'0000);
  bench.memory->write_code(kProgram, {sw(kZero, kA1), li(kA0, 1), jal(0, 0)});
  bench.hart.set_pc(kProgram);
  thread.start();
  thread.wait_paused();
  EXPECT_EQ(bench.hart.pc(), kProgram + 4);
  EXPECT_EQ(bench.x(kA0), 0u);
  thread.stop();
}

TEST(HartThread, SleepsInWfiUntilAPinIsRaised) {
  Bench bench;
  Slices slices;
  bench.hart.set_csr(csr::kMie, 1u << 3);
  bench.hart.set_csr(csr::kMstatus, 8);
  bench.memory->write_code(kProgram, {wfi(), jal(0, -4)});
  bench.memory->write_code(kHandler, {csrw(csr::kMie, kZero), sd(kA1, kA1), wfi(), jal(0, -4)});
  bench.set_x(kA1, kData);
  bench.hart.set_pc(kProgram);
  HartThread thread{bench.hart, slices};
  thread.start();
  while (!thread.is_asleep()) std::this_thread::yield();
  bench.hart.set_interrupt(Interrupt::kMachineSoftware, true);
  slices.wait_for(2);
  thread.stop();
  EXPECT_EQ(bench.memory->read(kData), kData);
  EXPECT_EQ(slices.count, 2u);  // none while nothing happened
}

TEST(HartThread, PausesAndStopsWhileAsleep) {
  Bench bench;
  Slices slices;
  bench.memory->write_code(kProgram, {wfi(), jal(0, -4)});
  bench.hart.set_pc(kProgram);
  HartThread thread{bench.hart, slices};
  thread.start();
  slices.wait_for(1);
  thread.pause();
  EXPECT_EQ(bench.hart.pc(), kProgram + 4);
  thread.resume();
  thread.stop();
  thread.stop();
}

TEST(HartThread, ComesByBetweenSlicesWhenAskedThoughAsleep) {
  Bench bench;
  Slices slices;
  bench.memory->write_code(kProgram, {wfi()});
  bench.hart.set_pc(kProgram);
  HartThread thread{bench.hart, slices};
  thread.start();
  slices.wait_for(1);
  bench.hart.request_stop();
  slices.wait_for(2);
}

TEST(HartThread, ResetsWhilePaused) {
  Counting bench;
  HartThread thread{bench.hart, bench.slices};
  thread.start();
  bench.slices.wait_for(1);
  thread.pause();
  bench.memory->write_code(kProgram + 0x200, {sd(kA1, kA1, 8), jal(0, 0)});
  thread.reset(kProgram + 0x200, 1, kData);
  EXPECT_EQ(bench.hart.integer(kA0), 1u);
  const unsigned slices = bench.slices.count;
  thread.resume();
  bench.slices.wait_for(slices + 2);  // the first may end at once, by the request to pause
  thread.stop();
  EXPECT_EQ(bench.hart.pc(), kProgram + 0x204);
  EXPECT_EQ(bench.memory->read(kData + 8), kData);
}

}  // namespace
}  // namespace holdfast::test::riscv
