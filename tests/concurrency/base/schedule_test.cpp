// SPDX-License-Identifier: Apache-2.0
// Forced interleavings begin and end while threads they do not know run past the points.
#include "tests/support/schedule.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "tests/support/at_point.hpp"

namespace holdfast {
namespace {

constexpr int kRounds = 2000;

/// A thread that comes to a point again and again.
class Passer {
 public:
  Passer() = default;
  ~Passer() {
    over_ = true;
    thread_.join();
  }
  Passer(const Passer&) = delete;
  Passer& operator=(const Passer&) = delete;
  void wait_for_some() const {
    const unsigned before = passed_;
    while (passed_ - before < 10) std::this_thread::yield();
  }

 private:
  std::atomic<bool> over_{false};
  std::atomic<unsigned> passed_{0};
  std::thread thread_{[this] {
    while (!over_) {
      HF_SCHEDULE_POINT("test.passer");
      ++passed_;
    }
  }};
};

TEST(Schedule, ComesAndGoesWhileThreadsPass) {
  std::array<Passer, 2> passers;
  for (int i = 0; i < kRounds; ++i) {
    // On the heap and other each time: a thread that were late would find it gone.
    const auto schedule = std::make_unique<testing::Schedule>();
    bool stood = false;
    schedule->run_at("test.here", "main", [&] { stood = true; });
    HF_SCHEDULE_POINT("test.here");
    EXPECT_TRUE(stood);
  }
  passers[0].wait_for_some();
}

TEST(Schedule, EndsWithAThreadAtItsStop) {
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> over{false};
    std::optional<testing::Schedule> schedule{std::in_place};
    auto& stop = schedule->stop_at("test.stop", "passer");
    testing::Thread thread{"passer", [&] {
                             HF_SCHEDULE_POINT("test.stop");
                             over = true;
                           }};
    stop.wait_reached();
    EXPECT_FALSE(over);
    schedule.reset();  // lets it go on
    thread.join();
    EXPECT_TRUE(over);
  }
}

TEST(AtPoint, IsWaitedFor) {
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> begun{false};
    std::atomic<bool> done{false};
    std::optional<test::AtPoint> at_point{std::in_place, "test.action", [&] {
                                            begun = true;
                                            std::this_thread::yield();
                                            done = true;
                                          }};
    std::thread thread{[] { HF_SCHEDULE_POINT("test.action"); }};
    while (!begun) std::this_thread::yield();
    at_point.reset();
    EXPECT_TRUE(done) << "the action ran on when what it belongs to was gone";
    thread.join();
  }
}

}  // namespace
}  // namespace holdfast
