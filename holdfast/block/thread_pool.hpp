// SPDX-License-Identifier: Apache-2.0
// The engine that works everywhere: a few threads, each of which does one request at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "holdfast/block/engine.hpp"

namespace holdfast::block {

class ThreadPool final : public Engine {
 public:
  /// Does what the order says, and waits for it. Called on several threads at once; what it refers to
  /// outlives the pool's threads, so it owns that.
  using Perform = std::function<IoResult(const Order& order)>;
  static constexpr std::size_t kThreads = 4;

  explicit ThreadPool(Perform perform, std::size_t most_threads = kThreads);
  ~ThreadPool() override;

  std::string_view kind() const override { return "thread pool"; }
  void start(Ref<Request> request) override;
  void drop_cancelled() override {}  // looked at when its turn comes, which is soon

 private:
  struct Crew;
  const std::shared_ptr<Crew> crew_;
};

}  // namespace holdfast::block
