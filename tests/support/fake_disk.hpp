// SPDX-License-Identifier: Apache-2.0
// A block back-end in memory that does what it was asked for when the test says so, on the test's
// thread. It can be told to fail.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/block/backend.hpp"

namespace holdfast::test {

class FakeDisk final : public block::Backend {
 public:
  static Ref<FakeDisk> make(std::size_t bytes, block::Access access = block::Access::kReadWrite) {
    return Ref<FakeDisk>::adopt(new FakeDisk{bytes, access});
  }
  static Ref<block::Backend> as_backend(const Ref<FakeDisk>& disk) {
    return Ref<block::Backend>::share(disk.get());
  }

  std::string location() const override { return "'memory'"; }
  std::uint64_t size() const override { return bytes.size(); }
  block::Access access() const override { return access_; }
  std::string_view engine() const override { return "by hand"; }

  /// Does the request that has waited longest; false if there is none.
  bool finish_one() {
    Ref<block::Request> request = take();
    if (!request) return false;
    request->finish(outcome(*request));
    return true;
  }
  void finish_all() {
    while (finish_one()) {
    }
  }
  /// Does all, and is done with all together.
  void finish_together() {
    std::vector<block::Finished> all;
    while (auto request = take()) {
      auto result = outcome(*request);
      all.push_back({std::move(request), std::move(result)});
    }
    block::finish(all);
  }
  std::size_t waiting() {
    LockGuard guard{mutex_};
    return requests_.size();
  }
  /// What the request is that has waited longest.
  block::Order first_order() {
    LockGuard guard{mutex_};
    return requests_.front()->order();
  }

  std::vector<std::byte> bytes;
  std::vector<block::Order> done;  // all that was asked for and done
  std::optional<block::Failure> failure;  // of what comes

 private:
  FakeDisk(std::size_t size, block::Access access)
      : Backend{"drive 'fake'"}, bytes(size), access_{access} {}
  ~FakeDisk() override = default;

  void start(Ref<block::Request> request) override {
    LockGuard guard{mutex_};
    requests_.push_back(std::move(request));
  }
  Ref<block::Request> take() {
    LockGuard guard{mutex_};
    if (requests_.empty()) return {};
    auto request = std::move(requests_.front());
    requests_.pop_front();
    return request;
  }
  block::IoResult outcome(const block::Request& request) {
    if (request.decision()) return *request.decision();
    if (request.is_cancelled())
      return std::unexpected{block::IoError{block::Failure::kCancelled, "cancelled"}};
    if (failure) return std::unexpected{block::IoError{*failure, "as the test wants it"}};
    perform_on_bytes(request.order());
    done.push_back(request.order());
    return {};
  }
  void perform_on_bytes(const block::Order& order) {
    using Kind = block::Order::Kind;
    std::byte* at = bytes.data() + order.offset;
    if (order.kind == Kind::kWriteZeroes || order.kind == Kind::kDiscard)
      std::fill_n(at, order.length, std::byte{0});
    if (order.kind != Kind::kRead && order.kind != Kind::kWrite) return;
    for (const auto piece : order.bytes) {
      if (order.kind == Kind::kRead)
        std::memcpy(piece.data(), at, piece.size());
      else
        std::memcpy(at, piece.data(), piece.size());
      at += piece.size();
    }
  }

  const block::Access access_;
  Mutex mutex_{LockRank::kLeaf, "fake disk"};
  std::deque<Ref<block::Request>> requests_ HF_GUARDED_BY(mutex_);
};

}  // namespace holdfast::test
