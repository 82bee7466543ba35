// SPDX-License-Identifier: Apache-2.0
// A back-end at a server: what it answers, what it refuses, and what becomes of requests when it is slow,
// is killed, and comes back.
#include "holdfast/block/nbd.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <latch>
#include <optional>

#include "tests/support/nbd_server.hpp"

namespace holdfast::block {
namespace {

using ::holdfast::testing::NbdServer;
using std::chrono::hours;

constexpr std::uint64_t kSize = 4U << 20U;

/// A request, and how it ended.
class Asked {
 public:
  Asked(const Ref<Backend>& drive, Order order)
      : request_{Request::make(std::move(order), [this](const IoResult& result) {
          result_ = result;
          done_.count_down();
        })} {
    drive->submit(request_);
  }
  IoResult wait() {
    done_.wait();
    return *result_;
  }
  Request& request() { return *request_; }

 private:
  std::latch done_{1};
  std::optional<IoResult> result_;
  Ref<Request> request_;
};

class NbdTest : public ::testing::Test {
 protected:
  Result<Ref<Backend>> open(Nbd::Options options = {}) {
    options.name = "node 'n'";
    options.path = server_.path();
    return Nbd::open(std::move(options));
  }
  static Order order(Order::Kind kind, std::uint64_t offset, std::span<std::byte> bytes) {
    return {.kind = kind, .offset = offset, .length = bytes.size(), .bytes = {bytes}};
  }
  static std::string text(const IoResult& result) { return result ? "" : result.error().message; }
  static std::optional<Failure> failure(const IoResult& result) {
    if (result) return std::nullopt;
    return result.error().failure;
  }

  NbdServer server_;
  std::array<std::byte, 512> bytes_{};
};

TEST_F(NbdTest, ReadsWritesAndTheRest) {
  server_.start({"memory", "4M"});
  const auto opened = open({.name = {}, .discard = Discard::kUnmap});
  ASSERT_TRUE(opened) << opened.error().message;
  const auto& drive = *opened;
  EXPECT_EQ(drive->size(), kSize);
  EXPECT_EQ(drive->engine(), "libnbd");
  // More than one command carries, in pieces.
  std::vector<std::byte> much(3'000'001);
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<std::byte>(i * 7);
  Order write{.kind = Order::Kind::kWrite, .offset = 11, .length = much.size(),
              .durability = Order::Durability::kStable};
  for (std::size_t at = 0; at < much.size(); at += 777'777)
    write.bytes.push_back(std::span{much}.subspan(at, std::min<std::size_t>(777'777, much.size() - at)));
  const auto written = drive->perform(std::move(write));
  ASSERT_TRUE(written) << text(written);
  std::vector<std::byte> back(much.size());
  std::span<std::byte> first = std::span{back}.first(5);
  std::span<std::byte> rest = std::span{back}.subspan(5);
  const auto read = drive->perform({.kind = Order::Kind::kRead, .offset = 11, .length = back.size(),
                                    .bytes = {first, rest}});
  ASSERT_TRUE(read) << text(read);
  EXPECT_EQ(back, much);
  EXPECT_TRUE(drive->perform({.kind = Order::Kind::kFlush}));
  EXPECT_TRUE(drive->perform({.kind = Order::Kind::kWriteZeroes, .offset = 100, .length = 2'000'000}));
  EXPECT_TRUE(drive->perform({.kind = Order::Kind::kDiscard, .offset = 2'500'000, .length = 100'000}));
  ASSERT_TRUE(drive->perform(order(Order::Kind::kRead, 1'999'800, bytes_)));
  EXPECT_EQ(bytes_[299], std::byte{0});
  EXPECT_EQ(bytes_[300], much[2'000'100 - 11]);
  EXPECT_EQ(failure(drive->perform(order(Order::Kind::kRead, kSize - 511, bytes_))), Failure::kOutOfRange);
}

TEST_F(NbdTest, ByTcp) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length), 0);
  ::close(probe);
  const std::string port = std::to_string(ntohs(address.sin_port));
  server_.start({"-i", "127.0.0.1", "-p", port, "memory", "4M"}, false);
  const auto drive = Nbd::open({.name = "node 'n'", .host = "127.0.0.1", .port = port});
  ASSERT_TRUE(drive) << drive.error().message;
  EXPECT_EQ((*drive)->location(), "'nbd:127.0.0.1:" + port + "/'");
  EXPECT_TRUE((*drive)->perform(order(Order::Kind::kWrite, 0, bytes_)));
}

TEST_F(NbdTest, ThatIsNotThereSaysSo) {
  const auto nobody = open();
  ASSERT_FALSE(nobody);
  EXPECT_TRUE(nobody.error().message.starts_with("node 'n': cannot connect to 'nbd:" + server_.path()))
      << nobody.error().message;
}

TEST_F(NbdTest, ThatIsOnlyReadSaysSo) {
  server_.start({"-r", "memory", "4M"});
  const auto writer = open();
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().message.find("only lets it be read"), std::string::npos);
  const auto reader = open({.name = {}, .access = Access::kReadOnly});
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE((*reader)->perform(order(Order::Kind::kRead, 0, bytes_)));
  EXPECT_EQ(failure((*reader)->perform(order(Order::Kind::kWrite, 0, bytes_))), Failure::kReadOnly);
}

TEST_F(NbdTest, ItsErrorsAreTheRequests) {
  server_.start({"--filter=error", "memory", "4M", "error-pwrite-rate=1", "error-pwrite=ENOSPC",
                 "error-pread-rate=1", "error-pread=EIO"});
  const auto drive = open().value();
  const auto read = drive->perform(order(Order::Kind::kRead, 512, bytes_));
  EXPECT_EQ(failure(read), Failure::kInputOutput);
  EXPECT_EQ(text(read), "node 'n': the server cannot read 512 bytes at 512: Input/output error");
  EXPECT_EQ(failure(drive->perform(order(Order::Kind::kWrite, 512, bytes_))), Failure::kNoSpace);
  EXPECT_TRUE(drive->perform({.kind = Order::Kind::kFlush}));
}

TEST_F(NbdTest, ASlowOneIsWaitedForByNobodyElse) {
  server_.start({"--filter=delay", "memory", "4M", "delay-write=3600"});
  const auto drive = open().value();
  Asked slow{drive, order(Order::Kind::kWrite, 0, bytes_)};
  std::array<std::byte, 512> other{};
  EXPECT_TRUE(drive->perform(order(Order::Kind::kRead, 512, other)));  // past it
  slow.request().cancel();
  drive->drop_cancelled();
  EXPECT_EQ(failure(slow.wait()), Failure::kCancelled);
}

TEST_F(NbdTest, ThatIsLimitedGetsThere) {
  server_.start({"--filter=rate", "memory", "4M", "rate=64M"});
  const auto drive = open().value();
  std::vector<std::byte> much(2U << 20U, std::byte{3});
  EXPECT_TRUE(drive->perform(order(Order::Kind::kWrite, 0, much)));
  std::ranges::fill(much, std::byte{0});
  EXPECT_TRUE(drive->perform(order(Order::Kind::kRead, 0, much)));
  EXPECT_EQ(much.back(), std::byte{3});
}

TEST_F(NbdTest, KilledInMidTransferIsAnErrorUntilItIsBack) {
  server_.start({"--filter=delay", "memory", "4M", "delay-write=3600"});
  const auto drive = open().value();
  Asked slow{drive, order(Order::Kind::kWrite, 0, bytes_)};
  std::array<std::byte, 512> other{};
  EXPECT_TRUE(drive->perform(order(Order::Kind::kRead, 512, other)));
  server_.kill();
  EXPECT_EQ(failure(slow.wait()), Failure::kInputOutput);
  const auto gone = drive->perform(order(Order::Kind::kRead, 0, other));
  EXPECT_EQ(failure(gone), Failure::kInputOutput);
  EXPECT_TRUE(text(gone).starts_with("node 'n': the server is not there: ")) << text(gone);
  server_.start({"memory", "4M"});
  const auto again = drive->perform(order(Order::Kind::kWrite, 0, bytes_));
  EXPECT_TRUE(again) << text(again);
}

TEST_F(NbdTest, WithPatienceNothingIsLostOverAKilledServer) {
  server_.start({"--filter=delay", "memory", "4M", "delay-write=3600"});
  const auto drive = open({.name = {}, .reconnect_delay = hours{1}}).value();
  std::ranges::fill(bytes_, std::byte{0x42});
  Asked first{drive, order(Order::Kind::kWrite, 0, bytes_)};
  Asked second{drive, order(Order::Kind::kWrite, 4096, bytes_)};
  std::array<std::byte, 512> other{};
  EXPECT_TRUE(drive->perform(order(Order::Kind::kRead, 512, other)));
  server_.kill();
  Asked late{drive, order(Order::Kind::kWrite, 8192, bytes_)};
  Asked unwanted{drive, order(Order::Kind::kWrite, 8192, bytes_)};
  unwanted.request().cancel();
  drive->drop_cancelled();
  EXPECT_EQ(failure(unwanted.wait()), Failure::kCancelled);
  server_.start({"memory", "4M"});
  for (Asked* one : {&first, &second, &late}) {
    const auto done = one->wait();
    EXPECT_TRUE(done) << text(done);
  }
  for (const std::uint64_t at : {0U, 4096U, 8192U}) {
    ASSERT_TRUE(drive->perform(order(Order::Kind::kRead, at, other)));
    EXPECT_EQ(other[511], std::byte{0x42});
  }
}

// A server that dies of the request: each connection gets one of its own, which ends when it is asked.
TEST_F(NbdTest, OneThatDiesOfTheRequestGetsItOnceMore) {
  const std::string asked = ::testing::TempDir() + "holdfast-asked-" + std::to_string(getpid());
  server_.start_for_each({"eval", "get_size=echo 4096", "pread=echo >> " + asked + "; kill -9 $PPID"});
  const auto drive = open({.name = {}, .access = Access::kReadOnly}).value();
  const auto read = drive->perform(order(Order::Kind::kRead, 0, bytes_));
  EXPECT_EQ(failure(read), Failure::kInputOutput);
  EXPECT_EQ(std::filesystem::file_size(asked), 2U) << "lines of nothing";
  std::filesystem::remove(asked);
}

TEST_F(NbdTest, OneThatShutsDownIsLikeOneThatIsGone) {
  server_.start({"--filter=error", "memory", "4M", "error-pread-rate=1", "error-pread=ESHUTDOWN"});
  {
    const auto hasty = open().value();
    EXPECT_EQ(failure(hasty->perform(order(Order::Kind::kRead, 0, bytes_))), Failure::kInputOutput);
  }
  const auto patient = open({.name = {}, .reconnect_delay = hours{1}}).value();
  Asked read{patient, order(Order::Kind::kRead, 0, bytes_)};
  std::array<std::byte, 512> other{};
  EXPECT_TRUE(patient->perform(order(Order::Kind::kWrite, 0, other)));
  server_.kill();
  server_.start({"memory", "4M"});
  const auto done = read.wait();
  EXPECT_TRUE(done) << text(done);
}

// It was cancelled on its way to the back-end, which has dropped what was cancelled before it came.
TEST_F(NbdTest, WhatNobodyWantsBeforeItComesIsNotWaitedFor) {
  server_.start({"memory", "4M"});
  const auto drive = open({.name = {}, .reconnect_delay = hours{1}}).value();
  server_.kill();
  Asked waits{drive, order(Order::Kind::kRead, 0, bytes_)};
  std::latch done{1};
  std::optional<Failure> ended;
  const auto request = Request::make(order(Order::Kind::kRead, 0, bytes_), [&](const IoResult& result) {
    ended = failure(result);
    done.count_down();
  });
  request->cancel();
  drive->submit(request);
  done.wait();
  EXPECT_EQ(ended, Failure::kCancelled);
  EXPECT_EQ(failure(drive->perform(order(Order::Kind::kRead, kSize, bytes_))), Failure::kOutOfRange);
  waits.request().cancel();
  drive->drop_cancelled();
  EXPECT_EQ(failure(waits.wait()), Failure::kCancelled);
}

// A server that can flush, and knows no writes that last by themselves, is told to flush.
TEST_F(NbdTest, WritesThroughLastWithoutTheServersHelp) {
  const std::string flushed = ::testing::TempDir() + "holdfast-flushed-" + std::to_string(getpid());
  server_.start({"eval", "get_size=echo 4096", "pread=exit 1", "can_write=exit 0", "pwrite=cat > /dev/null",
                 "can_fua=echo none", "can_flush=exit 0", "flush=echo >> " + flushed});
  for (const Cache cache : {Cache::kWriteThrough, Cache::kDirectSync, Cache::kWriteBack}) {
    const auto drive = open({.name = {}, .cache = cache}).value();
    EXPECT_TRUE(drive->perform(order(Order::Kind::kWrite, 0, bytes_)));
    EXPECT_TRUE(drive->perform(order(Order::Kind::kWriteZeroes, 0, bytes_)));
  }
  EXPECT_EQ(std::filesystem::file_size(flushed), 4U) << "lines of nothing";
  std::filesystem::remove(flushed);
}

TEST_F(NbdTest, OneThatComesBackWithAnotherSizeIsNotTheSame) {
  server_.start({"memory", "4M"});
  const auto drive = open().value();
  server_.kill();
  server_.start({"memory", "8M"});
  auto done = drive->perform(order(Order::Kind::kRead, 0, bytes_));
  // Whichever the back-end saw first, the end of the one or the size of the other.
  EXPECT_EQ(failure(done), Failure::kInputOutput);
  EXPECT_TRUE(text(done).starts_with("node 'n': the server is not there: ")) << text(done);
}

TEST_F(NbdTest, MayGoWithRequestsThatNobodyWants) {
  server_.start({"--filter=delay", "memory", "4M", "delay-read=3600"});
  for (int i = 0; i < 20; ++i) {
    auto drive = open().value();
    Asked slow{drive, order(Order::Kind::kRead, 0, bytes_)};
    slow.request().cancel();
    drive->drop_cancelled();
    EXPECT_EQ(failure(slow.wait()), Failure::kCancelled);
  }
}

}  // namespace
}  // namespace holdfast::block
