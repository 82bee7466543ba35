// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/event_loop.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0); }
  ~Pipe() {
    close_write();
    ::close(ends[0]);
  }
  void close_write() {
    if (ends[1] >= 0) ::close(std::exchange(ends[1], -1));
  }
  void write(char c) const { EXPECT_EQ(::write(ends[1], &c, 1), 1); }
  std::optional<char> read() const {
    char c = 0;
    return ::read(ends[0], &c, 1) == 1 ? std::optional{c} : std::nullopt;
  }
  std::array<int, 2> ends{-1, -1};
};

class EventLoopTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventLoop> owner_ = EventLoop::make().value();
  EventLoop& loop_ = *owner_;
  std::string seen_;
};

TEST_F(EventLoopTest, NothingIsDueAtFirst) { EXPECT_EQ(loop_.run_ready(), 0U); }

TEST_F(EventLoopTest, PostedWorkRunsInOrderAndOnce) {
  for (const char c : {'a', 'b', 'c'}) loop_.post([this, c] { seen_ += c; });
  EXPECT_EQ(loop_.run_ready(), 3U);
  EXPECT_EQ(loop_.run_ready(), 0U);
  EXPECT_EQ(seen_, "abc");
}

TEST_F(EventLoopTest, WorkPostedByWorkRunsInTheNextTurn) {
  loop_.post([this] { loop_.post([this] { seen_ += 'b'; }); });
  loop_.run_ready();
  EXPECT_EQ(seen_, "");
  loop_.run_ready();
  EXPECT_EQ(seen_, "b");
}

TEST_F(EventLoopTest, WorkFromAnotherThreadWakesTheLoop) {
  std::thread other{[this] {
    loop_.post([this] {
      EXPECT_TRUE(loop_.on_loop_thread());
      loop_.stop();
    });
  }};
  loop_.run();
  other.join();
  EXPECT_FALSE(loop_.on_loop_thread());
}

TEST_F(EventLoopTest, WorkPostedByAHandlerOfADescriptorRunsInTheSameTurn) {
  const Pipe pipe;
  auto watch = loop_.watch(pipe.ends[0], EventLoop::kReadable, [&](unsigned) {
                      seen_ += *pipe.read();
                      loop_.post([this] { seen_ += 'b'; });
                    }).value();
  pipe.write('a');
  EXPECT_EQ(loop_.run_ready(), 2U);
  EXPECT_EQ(seen_, "ab");
}

TEST_F(EventLoopTest, AnAlarmAtOnceOfARequestRingsInItsTurnAndLeavesNothingDue) {
  EventLoop::Alarm answer{loop_, [this] { seen_ += 'c'; }};
  const Pipe pipe;
  auto watch = loop_.watch(pipe.ends[0], EventLoop::kReadable, [&](unsigned) {
                      seen_ += *pipe.read();
                      loop_.post([&] {
                        seen_ += 'b';
                        answer.set(1);
                      });
                    }).value();
  pipe.write('a');
  EXPECT_EQ(loop_.run_ready(), 3U);
  EXPECT_EQ(seen_, "abc");
  EXPECT_EQ(loop_.run_ready(), 0U);
}

// What an alarm that rings so posts, and what it sets, is not forgotten for having come late in the turn.
TEST_F(EventLoopTest, WhatComesOfTheAnswerOfARequestKeepsTheLoopAwake) {
  std::binary_semaphore done{0};
  EventLoop::Alarm again{loop_, [&] {
                           seen_ += 'd';
                           done.release();
                           loop_.stop();
                         }};
  EventLoop::Alarm answer{loop_, [&] {
                            seen_ += 'b';
                            loop_.post([&] {
                              seen_ += 'c';
                              again.set(1);
                            });
                          }};
  const Pipe pipe;
  auto watch = loop_.watch(pipe.ends[0], EventLoop::kReadable, [&](unsigned) {
                      seen_ += *pipe.read();
                      answer.set(1);
                    }).value();
  pipe.write('a');
  std::thread watchdog{[&] {
    if (!done.try_acquire_for(10s)) loop_.stop();
  }};
  loop_.run();
  watchdog.join();
  EXPECT_EQ(seen_, "abcd") << "it slept until somebody else woke it";
}

// Nothing but the loop itself knows that there is more to do: it must not go to sleep over it.
TEST_F(EventLoopTest, WhatHandlersMakeDueKeepsTheLoopAwake) {
  std::binary_semaphore done{0};
  EventLoop::Alarm alarm{loop_, [&] {
                           seen_ = "rang";
                           done.release();
                           loop_.stop();
                         }};
  loop_.post([&] { loop_.post([&] { loop_.post([&] { alarm.set(1); }); }); });
  std::thread watchdog{[&] {
    if (!done.try_acquire_for(10s)) loop_.stop();
  }};
  loop_.run();
  watchdog.join();
  EXPECT_EQ(seen_, "rang") << "it slept until somebody else woke it";
}

// So many are due at once that one of them is left for the next turn, which nothing else announces.
TEST_F(EventLoopTest, AnAlarmThatOthersPushedInFrontOfRings) {
  std::binary_semaphore done{0};
  EventLoop::Alarm timed{loop_, [&] {
                           seen_ += 't';
                           done.release();
                           loop_.stop();
                         }};
  EventLoop::Alarm second{loop_, [&] { seen_ += 'b'; }};
  EventLoop::Alarm first{loop_, [&] {
                           seen_ += 'a';
                           second.set(1);
                         }};
  timed.set(EventLoop::now_ns());
  first.set(1);
  std::thread watchdog{[&] {
    if (!done.try_acquire_for(10s)) loop_.stop();
  }};
  loop_.run();
  watchdog.join();
  EXPECT_EQ(seen_, "abt") << "one was forgotten until somebody else woke the loop";
}

TEST_F(EventLoopTest, StopBeforeRunMakesItReturn) {
  loop_.stop();
  loop_.run();
}

TEST_F(EventLoopTest, AReadableDescriptorIsReportedUntilItIsRead) {
  Pipe pipe;
  auto watch = loop_.watch(pipe.ends[0], EventLoop::kReadable, [&](unsigned how) {
    EXPECT_EQ(how, EventLoop::kReadable);
    seen_ += pipe.read().value();
  });
  ASSERT_TRUE(watch);
  pipe.write('x');
  pipe.write('y');
  EXPECT_EQ(loop_.run_ready(), 1U);
  EXPECT_EQ(loop_.run_ready(), 1U);
  EXPECT_EQ(loop_.run_ready(), 0U);
  EXPECT_EQ(seen_, "xy");
}

TEST_F(EventLoopTest, APausedWatchIsSilentAndKeepsItsEvent) {
  Pipe pipe;
  auto watch = loop_.watch(pipe.ends[0], EventLoop::kReadable, [&](unsigned) {
                      seen_ += pipe.read().value();
                    }).value();
  watch.set_interest(EventLoop::kNothing);
  pipe.write('x');
  EXPECT_EQ(loop_.run_ready(), 0U);
  EXPECT_EQ(loop_.run_ready(), 0U);
  watch.set_interest(EventLoop::kReadable);
  EXPECT_EQ(loop_.run_ready(), 1U);
  EXPECT_EQ(seen_, "x");
}

TEST_F(EventLoopTest, APausedWatchOfAHungUpPipeDoesNotSpin) {
  Pipe pipe;
  auto watch = loop_.watch(pipe.ends[0], EventLoop::kNothing, [](unsigned) { FAIL(); }).value();
  pipe.close_write();
  loop_.run_ready();
  EXPECT_EQ(loop_.run_ready(), 0U);
}

TEST_F(EventLoopTest, HangUpCountsAsReadable) {
  Pipe pipe;
  unsigned how = 0;
  auto watch =
      loop_.watch(pipe.ends[0], EventLoop::kReadable, [&](unsigned now) { how = now; }).value();
  pipe.close_write();
  loop_.run_ready();
  EXPECT_EQ(how, EventLoop::kReadable);
}

TEST_F(EventLoopTest, AWatchMayEndInItsOwnHandlerAndInAnothers) {
  Pipe first;
  Pipe second;
  std::array<EventLoop::Watch, 2> watches;
  const auto end_both = [&](unsigned) {
    for (auto& watch : watches) watch.end();
    seen_ += 'x';
  };
  watches[0] = loop_.watch(first.ends[0], EventLoop::kReadable, end_both).value();
  watches[1] = loop_.watch(second.ends[0], EventLoop::kReadable, end_both).value();
  first.write('a');
  second.write('b');
  EXPECT_EQ(loop_.run_ready(), 1U);
  EXPECT_EQ(loop_.run_ready(), 0U);
  EXPECT_EQ(seen_, "x");
}

TEST_F(EventLoopTest, AWatchFromAnotherThreadWakesASleepingLoop) {
  Pipe pipe;
  pipe.write('x');
  EventLoop::Watch watch;
  std::thread other{[&] {
    watch = loop_.watch(pipe.ends[0], EventLoop::kReadable, [&](unsigned) {
                    seen_ += pipe.read().value();
                    loop_.stop();
                  }).value();
  }};
  loop_.run();
  other.join();
  EXPECT_EQ(seen_, "x");
}

TEST_F(EventLoopTest, AnAlwaysReadyWatchFromAnotherThreadWakesASleepingLoop) {
  const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  EventLoop::Watch watch;
  std::thread other{[&] {
    watch = loop_.watch(fd, EventLoop::kNothing, [&](unsigned) { loop_.stop(); }).value();
    watch.set_interest(EventLoop::kReadable);
  }};
  loop_.run();
  other.join();
  watch.end();
  ::close(fd);
}

// What the handler refers to stays as long as it runs.
TEST_F(EventLoopTest, AWatchEndedByAnotherThreadWhileItsHandlerRuns) {
  Pipe pipe;
  auto token = std::make_shared<int>(7);
  const std::weak_ptr<int> seen = token;
  EventLoop::Watch watch;
  watch = loop_.watch(pipe.ends[0], EventLoop::kReadable, [&, token = std::move(token)](unsigned) {
                  std::thread{[&] { watch.end(); }}.join();
                  EXPECT_EQ(*token, 7);
                  EXPECT_FALSE(seen.expired());
                }).value();
  pipe.write('x');
  EXPECT_EQ(loop_.run_ready(), 1U);
  EXPECT_TRUE(seen.expired());
  EXPECT_EQ(loop_.run_ready(), 0U);
}

TEST_F(EventLoopTest, WhatTheHostCannotWatchIsAlwaysReady) {
  const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  {
    auto watch = loop_.watch(fd, EventLoop::kReadable, [&](unsigned) { seen_ += 'r'; }).value();
    loop_.run_ready();
    loop_.run_ready();
    watch.set_interest(EventLoop::kNothing);
    EXPECT_EQ(loop_.run_ready(), 0U);
  }
  EXPECT_EQ(seen_, "rr");
  ::close(fd);
}

TEST_F(EventLoopTest, WatchingAClosedDescriptorIsAnError) {
  const auto watch = loop_.watch(-1, EventLoop::kReadable, [](unsigned) {});
  ASSERT_FALSE(watch);
  EXPECT_NE(watch.error().message.find("descriptor -1"), std::string::npos);
}

TEST_F(EventLoopTest, AlarmsRingInTheOrderOfTheirTimes) {
  EventLoop::Alarm late{loop_, [this] { seen_ += 'l'; }};
  EventLoop::Alarm early{loop_, [this] { seen_ += 'e'; }};
  late.set(2);
  early.set(1);
  EXPECT_EQ(loop_.run_ready(), 2U);
  EXPECT_EQ(loop_.run_ready(), 0U);
  EXPECT_EQ(seen_, "el");
}

TEST_F(EventLoopTest, AnAlarmOfTheFutureIsNotDueAndCanBeClearedAndMoved) {
  EventLoop::Alarm alarm{loop_, [this] { seen_ += 'a'; }};
  alarm.set(EventLoop::now_ns() + 3'600'000'000'000);
  EXPECT_EQ(loop_.run_ready(), 0U);
  alarm.set(1);
  alarm.clear();
  EXPECT_EQ(loop_.run_ready(), 0U);
  alarm.set(1);
  EXPECT_EQ(loop_.run_ready(), 1U);
}

TEST_F(EventLoopTest, AnAlarmWakesASleepingLoop) {
  EventLoop::Alarm alarm{loop_, [this] { loop_.stop(); }};
  alarm.set(EventLoop::now_ns() + 1'000'000);
  loop_.run();
}

TEST_F(EventLoopTest, AnAlarmSetFromAnotherThreadWakesASleepingLoop) {
  EventLoop::Alarm alarm{loop_, [this] { loop_.stop(); }};
  std::thread other{[&] { alarm.set(1); }};
  loop_.run();
  other.join();
}

TEST_F(EventLoopTest, AlarmsOfTheFutureRingAfterOthersThatWereDueAtOnce) {
  EventLoop::Alarm last{loop_, [this] { loop_.stop(); }};
  EventLoop::Alarm middle{loop_, [this] { seen_ += 'm'; }};
  EventLoop::Alarm at_once{loop_, [&] {
                             seen_ += 'o';
                             middle.set(EventLoop::now_ns() + 1'000'000);
                             last.set(EventLoop::now_ns() + 3'000'000);
                           }};
  last.set(EventLoop::now_ns() + 3'600'000'000'000);
  at_once.set(1);
  loop_.run();
  EXPECT_EQ(seen_, "om");
}

TEST_F(EventLoopTest, AnAlarmMaySetItselfAgain) {
  EventLoop::Alarm* self = nullptr;
  EventLoop::Alarm alarm{loop_, [&] {
                           seen_ += 'a';
                           if (seen_.size() == 3) return loop_.stop();
                           self->set(EventLoop::now_ns() + 1000);
                         }};
  self = &alarm;
  alarm.set(1);
  loop_.run();
  EXPECT_EQ(seen_, "aaa");
}

TEST_F(EventLoopTest, ManyThreadsPostAndNothingIsLost) {
  constexpr int kThreads = 4;
  constexpr int kEach = 1000;
  int count = 0;  // the loop thread's
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i)
        loop_.post([&] {
          if (++count == kThreads * kEach) loop_.stop();
        });
    });
  loop_.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kEach);
}

TEST_F(EventLoopTest, DroppedWorkIsDestroyedWithTheLoop) {
  auto token = std::make_shared<int>(0);
  loop_.post([token] {});
  owner_.reset();
  EXPECT_EQ(token.use_count(), 1);
}

void run_inside_itself() {
  auto loop = EventLoop::make().value();
  loop->post([&] { loop->run_ready(); });
  loop->run_ready();
}

TEST(EventLoopDeathTest, RunningItInsideItselfEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run_inside_itself(), "run twice at the same time");
}

}  // namespace
}  // namespace holdfast
