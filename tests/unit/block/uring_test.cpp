// SPDX-License-Identifier: Apache-2.0
// A host on a bad day: it is out of memory for what it is handed, does half of it, is interrupted, says
// that it was cancelled. What a requester sees of that is the bytes, or one error.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/check.hpp"
#include "holdfast/base/descriptor.hpp"
#include "holdfast/block/file.hpp"
#include "holdfast/block/ring.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::block {
namespace {

using ::holdfast::testing::TempFile;

constexpr std::uint64_t kSize = 1U << 20U;

/// What never comes ends the test, whose requests would be waited for.
void await(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, const auto& until) {
  HF_CHECK(changed.wait_for(lock, std::chrono::minutes{1}, until), "it does not come");
}

/// Stands in for the host. What it is to do is said before the first request, or under `mutex`.
class Host {
 public:
  /// A transfer or a flush that came.
  struct Asked {
    int fd;
    std::uint64_t at;
    std::size_t bytes;
  };

  explicit Host(const std::string& path)
      : file_{::open(path.c_str(), O_RDWR | O_CLOEXEC)}, nudge_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}

  // What is to happen.
  unsigned refusals = 0;              // submissions of which it takes nothing
  std::optional<std::size_t> takes;   // so many entries of a submission, once
  std::deque<int> results;            // an error below 0, or so many bytes at most; then as it should be
  bool keeps = false;                 // what is asked, until it is cancelled or finished
  int when_cancelled = -ECANCELED;    // how what it keeps ends then, as in `results`
  unsigned interruptions = 0;         // of its sleep
  bool stands_still = false;          // time; else it passes at once

  // What it saw.
  std::mutex mutex;
  std::vector<Asked> asked;
  unsigned refused = 0;
  unsigned waits = 0;
  unsigned cancels = 0;
  unsigned asked_again_at_once = 0;

  void wait_asked(std::size_t times) {
    std::unique_lock lock{mutex};
    await(lock, came_, [&] { return asked.size() >= times; });
  }
  void wait_refused(unsigned times) {
    std::unique_lock lock{mutex};
    await(lock, came_, [&] { return refused >= times; });
  }
  void finish_kept() {
    const std::lock_guard lock{mutex};
    for (const io_uring_sqe& entry : std::exchange(kept_, {})) land(entry, INT_MAX);
    EXPECT_EQ(::eventfd_write(nudge_.get(), 1), 0);
  }
  void let_time_pass() {
    const std::lock_guard lock{mutex};
    stands_still = false;
    EXPECT_EQ(::eventfd_write(nudge_.get(), 1), 0);
  }

  // --- the ring's ---------------------------------------------------------------------------------

  io_uring_sqe& entry() { return entries_.emplace_back(); }

  bool submit(unsigned wanted) {
    std::unique_lock lock{mutex};
    asked_again_at_once += was_refused_ ? 1 : 0;
    was_refused_ = false;
    const std::size_t most = std::exchange(takes, {}).value_or(entries_.size());
    const bool refuses = !entries_.empty() && refusals != 0;
    for (std::size_t i = 0; !refuses && i < most; ++i) {
      perform(entries_.front());
      entries_.pop_front();
    }
    if (entries_.empty()) {
      if (interruptions != 0 && landings_.empty())
        --interruptions;
      else
        sleep(lock, [&] { return landings_.size() >= wanted; });
      return true;
    }
    refusals -= refuses ? 1 : 0;
    ++refused;
    was_refused_ = true;
    came_.notify_all();
    return false;
  }
  void wait() {
    std::unique_lock lock{mutex};
    ++waits;
    was_refused_ = false;
    sleep(lock, [&] { return !landings_.empty() || !stands_still; });
  }
  bool has_landings() {
    const std::lock_guard lock{mutex};
    return !landings_.empty();
  }
  void take(std::vector<Ring::Landing>& landings) {
    const std::lock_guard lock{mutex};
    for (const auto& landing : std::exchange(landings_, {})) landings.push_back(landing);
  }

 private:
  void perform(const io_uring_sqe& entry) {
    switch (entry.opcode) {
      case IORING_OP_POLL_ADD: watched_ = entry; return;
      case IORING_OP_ASYNC_CANCEL: return cancel(entry);
      default: break;
    }
    const auto vectors = vectors_of(entry);
    std::size_t bytes = 0;
    for (const iovec& piece : vectors) bytes += piece.iov_len;
    asked.push_back({.fd = entry.fd, .at = entry.off, .bytes = bytes});
    came_.notify_all();
    if (keeps) return kept_.push_back(entry);
    int result = INT_MAX;
    if (!results.empty()) {
      result = results.front();
      results.pop_front();
    }
    land(entry, result);
  }
  void cancel(const io_uring_sqe& entry) {
    ++cancels;
    const auto found = std::ranges::find(kept_, entry.addr, &io_uring_sqe::user_data);
    const bool is_there = found != kept_.end();
    if (is_there) {
      land(*found, when_cancelled);
      kept_.erase(found);
    }
    landings_.push_back({entry.user_data, is_there && when_cancelled == -ECANCELED ? 0 : -ENOENT});
  }
  void land(const io_uring_sqe& entry, int result) {
    landings_.push_back({entry.user_data, result < 0 ? result : transfer(entry, result)});
  }
  static std::vector<iovec> vectors_of(const io_uring_sqe& entry) {
    if (entry.opcode == IORING_OP_FSYNC) return {};
    const auto* const vectors = reinterpret_cast<const iovec*>(entry.addr);
    return {vectors, vectors + entry.len};
  }
  int transfer(const io_uring_sqe& entry, int most) const {
    std::vector<iovec> vectors = vectors_of(entry);
    auto left = static_cast<std::size_t>(most);
    for (iovec& piece : vectors) {
      piece.iov_len = std::min(piece.iov_len, left);
      left -= piece.iov_len;
    }
    const auto count = static_cast<int>(vectors.size());
    const auto at = static_cast<off_t>(entry.off);
    if (count == 0 || vectors.front().iov_len == 0) return 0;
    return static_cast<int>(entry.opcode == IORING_OP_READV
                                ? ::preadv(file_.get(), vectors.data(), count, at)
                                : ::pwritev(file_.get(), vectors.data(), count, at));
  }
  void sleep(std::unique_lock<std::mutex>& lock, const auto& until) {
    while (!until()) {
      std::array<pollfd, 2> looked{pollfd{nudge_.get(), POLLIN, 0},
                                   pollfd{watched_ ? watched_->fd : -1, POLLIN, 0}};
      lock.unlock();
      ::poll(looked.data(), looked.size(), -1);
      lock.lock();
      eventfd_t times = 0;
      if (looked[0].revents != 0) ::eventfd_read(nudge_.get(), &times);
      if (looked[1].revents != 0) landings_.push_back({std::exchange(watched_, {})->user_data, POLLIN});
    }
  }

  const Descriptor file_;  // through the cache, so that it can be asked for any number of bytes
  const Descriptor nudge_;
  std::condition_variable came_;
  std::deque<io_uring_sqe> entries_;  // the engine's alone
  bool was_refused_ = false;
  std::optional<io_uring_sqe> watched_;
  std::vector<io_uring_sqe> kept_;
  std::vector<Ring::Landing> landings_;
};

class RingOfHost final : public Ring {
 public:
  explicit RingOfHost(Host& host) : host_{host} {}
  io_uring_sqe& entry() override { return host_.entry(); }
  bool submit(unsigned landings) override { return host_.submit(landings); }
  void wait(std::chrono::milliseconds at_most) override {
    EXPECT_GT(at_most.count(), 0);
    host_.wait();
  }
  bool has_landings() override { return host_.has_landings(); }
  void take(std::vector<Landing>& landings) override { host_.take(landings); }

 private:
  Host& host_;  // the fixture's, which has the drive, too
};

/// A request, and how it ended.
class Asking {
 public:
  std::optional<Failure> failure() {
    std::unique_lock lock{mutex_};
    await(lock, ended_, [&] { return result_.has_value(); });
    return *result_ ? std::nullopt : std::optional{result_->error().failure};
  }
  void end(const IoResult& result) {
    const std::lock_guard lock{mutex_};
    EXPECT_FALSE(result_) << "it ends twice";
    result_ = result;
    ended_.notify_all();
  }
  Ref<Request> request;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<IoResult> result_;
};

class UringOnABadDay : public ::testing::Test {
 protected:
  void SetUp() override { drive_ = open(); }

  Ref<Backend> open(Cache cache = Cache::kWriteBack) {
    drive_ = {};
    auto opened = File::open({.name = "drive 'd0'", .path = file_.path(), .cache = cache,
                              .engine = EngineChoice::kUring, .make_ring = [this](unsigned entries) {
                                EXPECT_GE(entries, 256U);
                                return Result<std::unique_ptr<Ring>>{
                                    std::make_unique<RingOfHost>(host_)};
                              }});
    EXPECT_TRUE(opened) << opened.error().message;
    return *opened;
  }
  void ask(Asking& asking, Order order) {
    asking.request = Request::make(std::move(order),
                                   [&asking](const IoResult& result) { asking.end(result); });
    drive_->submit(asking.request);
  }
  /// Refuses once, and goes on when something is done or time passes.
  void be_out_of_memory() {
    const std::lock_guard lock{host_.mutex};
    host_.refusals = 1;
    host_.stands_still = true;
  }
  void drop(Asking& asking) {
    asking.request->cancel();
    drive_->drop_cancelled();
  }
  Order order(Order::Kind kind, std::uint64_t offset = 0, std::size_t length = 8192,
              std::size_t first = 5000) {
    const auto bytes = std::span{bytes_}.first(length);
    return {.kind = kind, .offset = offset, .length = length,
            .bytes = {bytes.first(first), bytes.subspan(first)}};
  }
  std::optional<Failure> perform(Order order) {
    Asking asking;
    ask(asking, std::move(order));
    return asking.failure();
  }
  /// The offsets and lengths that the host was asked for.
  std::vector<std::pair<std::uint64_t, std::size_t>> asked() {
    const std::lock_guard lock{host_.mutex};
    std::vector<std::pair<std::uint64_t, std::size_t>> all;
    for (const auto& one : host_.asked) all.emplace_back(one.at, one.bytes);
    return all;
  }
  static unsigned char pattern(std::size_t i) { return static_cast<unsigned char>(i * 7 + i / 256); }
  void fill_bytes() {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::byte>(pattern(i));
  }
  void fill_file() {
    std::vector<unsigned char> content(bytes_.size());
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = pattern(i);
    file_.put(0, content);
  }
  void expect_pattern(std::size_t length) {
    for (std::size_t i = 0; i < length; ++i)
      ASSERT_EQ(bytes_[i], static_cast<std::byte>(pattern(i))) << i;
  }

  alignas(4096) std::array<std::byte, 65536> bytes_{};
  TempFile file_{kSize};
  Host host_{file_.path()};
  Ref<Backend> drive_;
};

constexpr auto kRead = Order::Kind::kRead;
constexpr auto kWrite = Order::Kind::kWrite;

TEST_F(UringOnABadDay, IsAskedAgainLaterIfItIsOutOfMemory) {
  fill_file();
  host_.refusals = 5;
  EXPECT_EQ(perform(order(kRead)), std::nullopt);
  expect_pattern(8192);
  const std::lock_guard lock{host_.mutex};
  EXPECT_EQ(host_.refused, 5U);
  EXPECT_EQ(host_.waits, 5U);
  EXPECT_EQ(host_.asked_again_at_once, 0U);
  EXPECT_EQ(host_.asked.size(), 1U);
}

TEST_F(UringOnABadDay, IsAskedAgainWhenSomethingIsDoneIfItIsOutOfMemory) {
  host_.keeps = true;
  Asking first;
  Asking second;
  ask(first, order(kRead));
  host_.wait_asked(1);
  be_out_of_memory();
  ask(second, order(kWrite, 65536));
  host_.wait_refused(1);
  host_.finish_kept();
  EXPECT_EQ(first.failure(), std::nullopt);
  host_.wait_asked(2);
  host_.finish_kept();
  EXPECT_EQ(second.failure(), std::nullopt);
  const std::lock_guard lock{host_.mutex};
  EXPECT_EQ(host_.refused, 1U);
  EXPECT_EQ(host_.waits, 1U);
  EXPECT_EQ(host_.asked_again_at_once, 0U);
}

// Nobody wakes it: it was awake when that came.
TEST_F(UringOnABadDay, DoesNotSleepOverWhatCameWhileItWasOutOfMemory) {
  host_.keeps = true;
  Asking second;
  Asking third;
  drive_->submit(Request::make(order(kRead), [&](const IoResult& result) {
    EXPECT_TRUE(result);
    ask(third, order(kRead));
  }));
  host_.wait_asked(1);
  be_out_of_memory();
  ask(second, order(kRead));
  host_.wait_refused(1);
  host_.finish_kept();
  host_.wait_asked(3);
  host_.finish_kept();
  EXPECT_EQ(second.failure(), std::nullopt);
  EXPECT_EQ(third.failure(), std::nullopt);
}

TEST_F(UringOnABadDay, IsGivenNothingMoreUntilItHasTakenWhatThereIs) {
  host_.refusals = 3;
  host_.takes = 1;  // of the fourth
  constexpr std::size_t kMany = 300;
  std::vector<Asking> all(kMany);
  for (std::size_t i = 0; i < kMany; ++i) ask(all[i], order(kWrite, i * 512, 512, 100));
  for (Asking& one : all) EXPECT_EQ(one.failure(), std::nullopt);
  const std::lock_guard lock{host_.mutex};
  EXPECT_GE(host_.refused, 3U);
  EXPECT_EQ(host_.waits, host_.refused);
  EXPECT_EQ(host_.asked_again_at_once, 0U);
  EXPECT_EQ(host_.asked.size(), kMany);
}

TEST_F(UringOnABadDay, GoesOnWithReadsFromWhereItStopped) {
  fill_file();
  host_.results = {1000, 1, 4500};
  EXPECT_EQ(perform(order(kRead)), std::nullopt);
  expect_pattern(8192);
  using Ask = std::pair<std::uint64_t, std::size_t>;
  EXPECT_EQ(asked(), (std::vector<Ask>{{0, 8192}, {1000, 7192}, {1001, 7191}, {5501, 2691}}));
}

TEST_F(UringOnABadDay, GoesOnWithWritesFromWhereItStopped) {
  fill_bytes();
  host_.results = {5000, 3000};
  EXPECT_EQ(perform(order(kWrite, 100)), std::nullopt);
  const auto content = file_.bytes(100, 8192);
  for (std::size_t i = 0; i < content.size(); ++i) ASSERT_EQ(content[i], pattern(i)) << i;
  using Ask = std::pair<std::uint64_t, std::size_t>;
  EXPECT_EQ(asked(), (std::vector<Ask>{{100, 8192}, {5100, 3192}, {8100, 192}}));
}

// What is left may not be aligned any more as the host wants it; then it goes through the host's cache.
TEST_F(UringOnABadDay, GoesOnAroundTheCacheOnlyWithWhatIsAligned) {
  drive_ = open(Cache::kNone);
  fill_file();
  host_.results = {4096, 100};
  EXPECT_EQ(perform(order(kRead, 0, 12288, 4096)), std::nullopt);
  expect_pattern(12288);
  const std::lock_guard lock{host_.mutex};
  ASSERT_EQ(host_.asked.size(), 3U);
  EXPECT_EQ(host_.asked[0].fd, host_.asked[1].fd);
  EXPECT_NE(host_.asked[1].fd, host_.asked[2].fd);
}

TEST_F(UringOnABadDay, ReadsZeroesBehindTheEndOfAFileThatShrank) {
  fill_file();
  ASSERT_EQ(truncate(file_.path().c_str(), 5003), 0);
  std::ranges::fill(bytes_, std::byte{0xff});
  EXPECT_EQ(perform(order(kRead, 0, 40000)), std::nullopt);
  expect_pattern(5003);
  const auto is = [](std::byte value) { return [value](std::byte one) { return one == value; }; };
  EXPECT_TRUE(std::ranges::all_of(std::span{bytes_}.subspan(5003, 40000 - 5003), is(std::byte{0})));
  EXPECT_TRUE(std::ranges::all_of(std::span{bytes_}.subspan(40000), is(std::byte{0xff})));
  EXPECT_EQ(asked().size(), 2U);
  EXPECT_EQ(perform(order(kRead, 65536, 40000)), std::nullopt);
  EXPECT_TRUE(std::ranges::all_of(std::span{bytes_}.first(40000), is(std::byte{0})));
}

TEST_F(UringOnABadDay, HasNoSpaceIfItWritesNothingMore) {
  host_.results = {1000, 0};
  EXPECT_EQ(perform(order(kWrite)), Failure::kNoSpace);
}

TEST_F(UringOnABadDay, WaitsOnWhenItsSleepIsInterrupted) {
  host_.keeps = true;
  host_.interruptions = 3;
  Asking one;
  ask(one, order(kRead));
  host_.wait_asked(1);
  host_.finish_kept();
  EXPECT_EQ(one.failure(), std::nullopt);
  const std::lock_guard lock{host_.mutex};
  EXPECT_EQ(host_.asked.size(), 1U);
  EXPECT_EQ(host_.waits, 0U);
}

// By the thread of the pool, which waits; -ECANCELED is what nobody cancelled.
TEST_F(UringOnABadDay, HasDoneElsewhereWhatItWouldNotDoThisWay) {
  fill_file();
  for (const int error : {EINTR, EAGAIN, ECANCELED, EINVAL, EOPNOTSUPP}) {
    std::ranges::fill(bytes_, std::byte{0});
    const std::size_t before = asked().size();
    {
      const std::lock_guard lock{host_.mutex};
      host_.results = {300, -error};
    }
    EXPECT_EQ(perform(order(kRead)), std::nullopt) << error;
    expect_pattern(8192);
    EXPECT_EQ(asked().size(), before + 2) << error;
  }
}

TEST_F(UringOnABadDay, ReportsAnErrorOnce) {
  host_.results = {-EIO, -ENOSPC, 1000, -EIO, -EIO};
  EXPECT_EQ(perform(order(kRead)), Failure::kInputOutput);
  EXPECT_EQ(perform(order(kWrite)), Failure::kNoSpace);
  EXPECT_EQ(perform(order(kWrite)), Failure::kInputOutput);  // half of it is written
  EXPECT_EQ(perform({.kind = Order::Kind::kFlush}), Failure::kInputOutput);
  EXPECT_EQ(perform({.kind = Order::Kind::kFlush}), std::nullopt);
  EXPECT_EQ(perform(order(kRead)), std::nullopt);
}

TEST_F(UringOnABadDay, EndsWhatIsCancelled) {
  host_.keeps = true;
  for (const int result : {-ECANCELED, -EINTR, -EIO, 1000, 0}) {  // the last are half done
    const std::size_t before = asked().size();
    Asking one;
    {
      const std::lock_guard lock{host_.mutex};
      host_.when_cancelled = result;
    }
    ask(one, order(kRead));
    host_.wait_asked(before + 1);
    drop(one);
    EXPECT_EQ(one.failure(), Failure::kCancelled) << result;
    EXPECT_EQ(asked().size(), before + 1) << result;
  }
}

TEST_F(UringOnABadDay, CountsAsDoneWhatWasDoneBeforeItWasCancelled) {
  fill_file();
  host_.keeps = true;
  host_.when_cancelled = INT_MAX;
  Asking one;
  ask(one, order(kRead));
  host_.wait_asked(1);
  drop(one);
  EXPECT_EQ(one.failure(), std::nullopt);
  expect_pattern(8192);
  // The next one has its number, and is not the one that was cancelled.
  Asking next;
  ask(next, order(kRead));
  host_.wait_asked(2);
  drive_->drop_cancelled();
  host_.finish_kept();
  EXPECT_EQ(next.failure(), std::nullopt);
  const std::lock_guard lock{host_.mutex};
  EXPECT_EQ(host_.cancels, 1U);
}

TEST_F(UringOnABadDay, CancelsWhatItWasOutOfMemoryForOnceItHasIt) {
  host_.keeps = true;
  Asking first;
  ask(first, order(kRead));
  host_.wait_asked(1);
  be_out_of_memory();
  Asking second;
  ask(second, order(kRead));
  host_.wait_refused(1);
  drop(second);
  drop(first);
  host_.let_time_pass();
  EXPECT_EQ(first.failure(), Failure::kCancelled);
  EXPECT_EQ(second.failure(), Failure::kCancelled);
  const std::lock_guard lock{host_.mutex};
  EXPECT_EQ(host_.asked.size(), 2U);
  EXPECT_EQ(host_.cancels, 2U);
  EXPECT_EQ(host_.asked_again_at_once, 0U);
}

TEST(UringThatCannotBeMade, LeavesItToThreadsUnlessItIsInsistedOn) {
  const TempFile file{kSize};
  const auto with = [&](EngineChoice choice) {
    return File::open({.name = "drive 'd0'", .path = file.path(), .engine = choice,
                       .make_ring = [](unsigned) -> Result<std::unique_ptr<Ring>> {
                         return fail("io_uring: Operation not permitted");
                       }});
  };
  const auto insisted = with(EngineChoice::kUring);
  ASSERT_FALSE(insisted);
  EXPECT_EQ(insisted.error().message,
            "drive 'd0': io_uring: Operation not permitted; aio=threads does without");
  file.put(3, {1, 2, 3});
  const auto drive = with(EngineChoice::kBest).value();
  EXPECT_EQ(drive->engine(), "thread pool");
  std::array<std::byte, 3> bytes{};
  EXPECT_TRUE(drive->perform({.kind = kRead, .offset = 3, .length = 3, .bytes = {bytes}}));
  EXPECT_EQ(bytes[2], std::byte{3});
}

}  // namespace
}  // namespace holdfast::block
