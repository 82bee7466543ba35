// SPDX-License-Identifier: Apache-2.0
// What every back-end does with requests, for each that there is: a file by io_uring, by threads, around
// the host's cache; nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <latch>
#include <memory>
#include <random>

#include "holdfast/block/file.hpp"
#include "holdfast/block/null.hpp"
#include "tests/support/temp_file.hpp"

namespace holdfast::block {
namespace {

using ::holdfast::testing::TempFile;

constexpr std::uint64_t kSize = 1U << 20U;

struct Way {
  const char* name;
  EngineChoice engine;
  Cache cache;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class FileRequests : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    auto opened = open();
    if (!opened && GetParam().engine == EngineChoice::kUring)
      GTEST_SKIP() << "this host has no io_uring: " << opened.error().message;
    ASSERT_TRUE(opened) << opened.error().message;
    drive_ = *opened;
  }
  Result<Ref<Backend>> open(Access access = Access::kReadWrite, Discard discard = Discard::kUnmap) {
    drive_ = {};
    return File::open({.name = "drive 'd0'", .path = file_.path(), .access = access,
                       .cache = GetParam().cache, .discard = discard, .engine = GetParam().engine});
  }
  /// Aligned as the host may want it.
  static std::span<std::byte> page() {
    alignas(4096) static thread_local std::array<std::byte, 65536> bytes;
    return bytes;
  }
  IoResult ask(Order order) { return drive_->perform(std::move(order)); }
  IoResult write(std::uint64_t offset, std::span<std::byte> bytes,
                 Order::Durability durability = Order::Durability::kCached) {
    return ask({.kind = Order::Kind::kWrite, .offset = offset, .length = bytes.size(),
                .bytes = {bytes}, .durability = durability});
  }
  IoResult read(std::uint64_t offset, std::span<std::byte> bytes) {
    return ask({.kind = Order::Kind::kRead, .offset = offset, .length = bytes.size(), .bytes = {bytes}});
  }
  static std::string text(const IoResult& result) { return result ? "" : result.error().message; }
  static Failure failure(const IoResult& result) {
    return result ? Failure::kCancelled : result.error().failure;
  }

  TempFile file_{kSize};
  Ref<Backend> drive_;
};

TEST_P(FileRequests, ComeBackWithTheBytes) {
  auto bytes = page().first(8192);
  std::ranges::fill(bytes, std::byte{0x5a});
  const auto written = write(4096, bytes);
  ASSERT_TRUE(written) << text(written);
  EXPECT_EQ(file_.bytes(4096, 1)[0], 0x5a);
  EXPECT_EQ(file_.bytes(12288, 1)[0], 0);
  std::ranges::fill(bytes, std::byte{0});
  const auto got = read(4096, bytes);
  ASSERT_TRUE(got) << text(got);
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0x5a}; }));
}

TEST_P(FileRequests, TakeBytesOfAnyShapeFromAnywhere) {
  file_.put(1000, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  std::array<std::byte, 3> first{};
  std::array<std::byte, 1> second{};
  std::array<std::byte, 6> third{};
  const auto got = ask({.kind = Order::Kind::kRead, .offset = 1000, .length = 10,
                        .bytes = {first, std::span<std::byte>{}, second, third}});
  ASSERT_TRUE(got) << text(got);
  EXPECT_EQ(first[2], std::byte{3});
  EXPECT_EQ(second[0], std::byte{4});
  EXPECT_EQ(third[5], std::byte{10});
  // More pieces than one call of the host takes.
  std::vector<std::byte> many(3000);
  Order order{.kind = Order::Kind::kWrite, .offset = 5, .length = many.size()};
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i] = static_cast<std::byte>(i);
    order.bytes.push_back(std::span{many}.subspan(i, 1));
  }
  const auto put = ask(std::move(order));
  ASSERT_TRUE(put) << text(put);
  EXPECT_EQ(file_.bytes(5 + 2999, 1)[0], static_cast<unsigned char>(2999));
}

TEST_P(FileRequests, AreDoneThoughTheyAreManyAtOnce) {
  constexpr std::size_t kMany = 1000;
  std::vector<std::vector<std::byte>> buffers(kMany, std::vector<std::byte>(64));
  std::latch left{kMany};
  std::atomic<unsigned> failed = 0;
  for (std::size_t i = 0; i < kMany; ++i) {
    std::ranges::fill(buffers[i], static_cast<std::byte>(i % 251));
    drive_->submit(Request::make({.kind = Order::Kind::kWrite, .offset = i * 64, .length = 64,
                                  .bytes = {buffers[i]}},
                                 [&](const IoResult& result) {
                                   if (!result) ++failed;
                                   left.count_down();
                                 }));
  }
  left.wait();
  EXPECT_EQ(failed, 0U);
  for (std::size_t i = 0; i < kMany; i += 37)
    EXPECT_EQ(file_.bytes(i * 64 + 63, 1)[0], i % 251) << i;
}

// What the ring does not do itself leaves its room to those that come after.
TEST_P(FileRequests, AreDoneThoughTheRingDoesNoneOfThem) {
  constexpr std::size_t kMany = 300;
  std::latch left{kMany};
  for (std::size_t i = 0; i < kMany; ++i)
    drive_->submit(Request::make({.kind = Order::Kind::kDiscard, .offset = i * 512, .length = 512},
                                 [&](const IoResult&) { left.count_down(); }));
  left.wait();
}

TEST_P(FileRequests, FlushDiscardAndZero) {
  auto bytes = page().first(16384);
  std::ranges::fill(bytes, std::byte{0x77});
  ASSERT_TRUE(write(0, bytes, Order::Durability::kStable));
  const auto flushed = ask({.kind = Order::Kind::kFlush});
  EXPECT_TRUE(flushed) << text(flushed);
  for (const auto zeroing : {Order::Zeroing::kAllocate, Order::Zeroing::kMayDiscard}) {
    const std::uint64_t at = zeroing == Order::Zeroing::kAllocate ? 100 : 5000;
    const auto zeroed = ask({.kind = Order::Kind::kWriteZeroes, .offset = at, .length = 3000,
                             .durability = Order::Durability::kStable, .zeroing = zeroing});
    ASSERT_TRUE(zeroed) << text(zeroed);
    EXPECT_EQ(file_.bytes(at - 1, 2), (std::vector<unsigned char>{0x77, 0}));
    EXPECT_EQ(file_.bytes(at + 2999, 2), (std::vector<unsigned char>{0, 0x77}));
  }
  const auto discarded = ask({.kind = Order::Kind::kDiscard, .offset = 8192, .length = 4096});
  ASSERT_TRUE(discarded) << text(discarded);
  EXPECT_EQ(file_.bytes(8192, 1)[0], 0);
  EXPECT_EQ(file_.bytes(12288, 1)[0], 0x77);
}

TEST_P(FileRequests, LeaveBytesAloneIfDiscardIsIgnored) {
  drive_ = open(Access::kReadWrite, Discard::kIgnore).value();
  auto bytes = page().first(4096);
  std::ranges::fill(bytes, std::byte{0x77});
  ASSERT_TRUE(write(0, bytes));
  ASSERT_TRUE(ask({.kind = Order::Kind::kDiscard, .offset = 0, .length = 4096}));
  EXPECT_EQ(file_.bytes(0, 1)[0], 0x77);
}

TEST_P(FileRequests, BeyondTheEndAreRefused) {
  auto bytes = page().first(512);
  EXPECT_EQ(failure(read(kSize - 511, bytes)), Failure::kOutOfRange);
  EXPECT_EQ(failure(write(~std::uint64_t{0} - 4, bytes)), Failure::kOutOfRange);
  EXPECT_EQ(failure(ask({.kind = Order::Kind::kDiscard, .offset = kSize, .length = 1})),
            Failure::kOutOfRange);
  EXPECT_TRUE(read(kSize, {}));
  EXPECT_TRUE(text(read(kSize, bytes)).starts_with(
      "drive 'd0': cannot read 512 bytes at 1048576 of 1048576: out of range"));
}

TEST_P(FileRequests, ToWriteAreRefusedIfItIsOnlyRead) {
  drive_ = open(Access::kReadOnly).value();
  auto bytes = page().first(512);
  EXPECT_EQ(failure(write(0, bytes)), Failure::kReadOnly);
  EXPECT_EQ(failure(ask({.kind = Order::Kind::kWriteZeroes, .offset = 0, .length = 4})),
            Failure::kReadOnly);
  EXPECT_TRUE(read(0, bytes));
  EXPECT_TRUE(ask({.kind = Order::Kind::kFlush}));
}

TEST_P(FileRequests, OfAFileThatShrankReadZeroesBehindItsEnd) {
  auto bytes = page().first(16384);
  std::ranges::fill(bytes, std::byte{0x77});
  ASSERT_TRUE(write(0, bytes));
  ASSERT_EQ(truncate(file_.path().c_str(), 4096), 0);
  const auto got = read(0, bytes);
  EXPECT_TRUE(got) << text(got);
  EXPECT_EQ(bytes[4095], std::byte{0x77});
  EXPECT_TRUE(std::ranges::all_of(bytes.subspan(4096), [](std::byte b) { return b == std::byte{0}; }));
  std::ranges::fill(bytes, std::byte{0x78});
  EXPECT_TRUE(write(8192, bytes));  // it grows again
  EXPECT_EQ(file_.bytes(8191, 2), (std::vector<unsigned char>{0, 0x78}));
}

TEST_P(FileRequests, OutliveWhoeverHadTheBackEnd) {
  auto bytes = std::make_shared<std::vector<std::byte>>(4096, std::byte{0x11});
  std::latch done{1};
  // The last reference goes on the back-end's own thread.
  drive_->submit(Request::make({.kind = Order::Kind::kWrite, .offset = 0, .length = 4096, .bytes = {*bytes}},
                               [bytes, keep = drive_, &done](const IoResult& result) mutable {
                                 EXPECT_TRUE(result);
                                 keep = {};
                                 done.count_down();
                               }));
  drive_ = {};
  done.wait();
  EXPECT_EQ(file_.bytes(4095, 1)[0], 0x11);
  // It is closed soon: another writer gets in then.
  Result<Ref<Backend>> again = open();
  while (!again) again = open();
}

// A program over a few overlapping places, against a plain array; one request at a time is the oracle's.
TEST_P(FileRequests, AgreeWithAnArray) {
  std::mt19937 random{20261};
  std::vector<std::byte> oracle(kSize);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  for (int step = 0; step < 400; ++step) {
    const std::uint64_t granule = below(2) == 0 ? 1 : 512;
    const std::uint64_t offset = below(64) * granule * 7;
    const std::uint64_t length = (1 + below(20)) * granule;
    auto bytes = page().subspan(below(2) * 8, length);
    const auto here = std::span{oracle}.subspan(offset, length);
    switch (below(4)) {
      case 0: {
        std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
        const auto done = write(offset, bytes);
        ASSERT_TRUE(done) << text(done);
        std::ranges::copy(bytes, here.begin());
        break;
      }
      case 1: {
        const auto done = read(offset, bytes);
        ASSERT_TRUE(done) << text(done);
        ASSERT_TRUE(std::ranges::equal(bytes, here)) << step;
        break;
      }
      default: {
        const auto kind = below(2) == 0 ? Order::Kind::kWriteZeroes : Order::Kind::kDiscard;
        ASSERT_TRUE(ask({.kind = kind, .offset = offset, .length = length}));
        std::ranges::fill(here, std::byte{0});
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, FileRequests,
    ::testing::Values(Way{"uring", EngineChoice::kUring, Cache::kWriteBack},
                      Way{"threads", EngineChoice::kThreads, Cache::kWriteBack},
                      Way{"uring_through", EngineChoice::kUring, Cache::kWriteThrough},
                      Way{"threads_through", EngineChoice::kThreads, Cache::kWriteThrough},
                      Way{"threads_unsafe", EngineChoice::kThreads, Cache::kUnsafe},
                      Way{"uring_direct", EngineChoice::kUring, Cache::kNone},
                      Way{"threads_direct", EngineChoice::kThreads, Cache::kDirectSync}),
    [](const auto& one) { return std::string{one.param.name}; });

TEST(FileEngine, IsTheBestThereIs) {
  const TempFile file{4096};
  const auto of = [&](EngineChoice choice) {
    return File::open({.name = "drive 'd0'", .path = file.path(), .engine = choice});
  };
  EXPECT_EQ(of(EngineChoice::kThreads).value()->engine(), "thread pool");
  const bool has_ring = of(EngineChoice::kUring).has_value();
  EXPECT_EQ(of(EngineChoice::kBest).value()->engine(), has_ring ? "io_uring" : "thread pool");
}

TEST(FileSize, IsChangedByResize) {
  const TempFile file{4096};
  const auto drive = File::open({.name = "drive 'd0'", .path = file.path()}).value();
  ASSERT_TRUE(drive->resize(16384));
  EXPECT_EQ(drive->size(), 16384U);
  std::array<std::byte, 4> bytes{};
  EXPECT_TRUE(drive->write(16380, bytes));
  ASSERT_TRUE(drive->resize(512));
  EXPECT_FALSE(drive->perform({.kind = Order::Kind::kRead, .offset = 512, .length = 4, .bytes = {bytes}}));
  EXPECT_FALSE(drive->resize(~std::uint64_t{0}));
}

TEST(Null, TakesWhateverItIsGivenAndReadsZeroesIfToldTo) {
  std::array<std::byte, 3> bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  const auto plain = Null::make({.name = "node 'n'", .size = 4096});
  EXPECT_TRUE(plain->perform({.kind = Order::Kind::kRead, .offset = 0, .length = 3, .bytes = {bytes}}));
  EXPECT_EQ(bytes[0], std::byte{1});
  const auto zero = Null::make({.name = "node 'n'", .size = 4096, .read_zeroes = true});
  EXPECT_TRUE(zero->perform({.kind = Order::Kind::kRead, .offset = 0, .length = 3, .bytes = {bytes}}));
  EXPECT_EQ(bytes[2], std::byte{0});
  EXPECT_FALSE(zero->perform({.kind = Order::Kind::kRead, .offset = 4095, .length = 3, .bytes = {bytes}}));
  EXPECT_TRUE(zero->perform({.kind = Order::Kind::kFlush}));
  EXPECT_EQ(zero->engine(), "null");
}

TEST(Null, TakesItsTimeUnlessNobodyWantsItAnyMore) {
  const auto slow = Null::make({.name = "node 'n'", .latency = std::chrono::hours{1}});
  std::latch done{1};
  std::optional<Failure> failure;
  const auto request = Request::make({.kind = Order::Kind::kFlush}, [&](const IoResult& result) {
    if (!result) failure = result.error().failure;
    done.count_down();
  });
  slow->submit(request);
  request->cancel();
  slow->drop_cancelled();
  done.wait();
  EXPECT_EQ(failure, Failure::kCancelled);
}

// It was cancelled on its way to the back-end, which has dropped what was cancelled before it came.
TEST(Null, DoesNotWaitForWhatNobodyWantsBeforeItComes) {
  const auto slow = Null::make({.name = "node 'n'", .latency = std::chrono::hours{1}});
  for (const bool is_late : {false, true}) {
    std::latch done{1};
    const auto request =
        Request::make({.kind = Order::Kind::kFlush}, [&](const IoResult&) { done.count_down(); });
    if (is_late) request->cancel();
    slow->submit(request);
    if (!is_late) {
      request->cancel();
      slow->drop_cancelled();
    }
    done.wait();
  }
}

}  // namespace
}  // namespace holdfast::block
