// SPDX-License-Identifier: Apache-2.0
// An engine: what does a back-end's requests, on threads of its own. It starts those when there is
// something to do.
//
// Whoever completes a request may let go of the last reference to the back-end, and so of the engine, on
// one of the engine's own threads. What its threads touch therefore lives as long as they do, and the
// engine waits at its end for all but the thread it is on.
#pragma once

#include <string_view>

#include "holdfast/base/ref.hpp"
#include "holdfast/block/request.hpp"

namespace holdfast::block {

class Engine {
 public:
  /// Nothing is in flight, but for what the calling thread is completing.
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// "thread pool", "io_uring"
  virtual std::string_view kind() const = 0;
  /// Any thread; never completes before it returns, and never waits for the host.
  virtual void start(Ref<Request> request) = 0;
  /// What is cancelled and has not begun is completed soon. Any thread.
  virtual void drop_cancelled() = 0;

 protected:
  Engine() = default;
};

/// How a request ends that was cancelled.
IoResult cancelled();
/// How a request ends that the host was not asked about, if it does.
std::optional<IoResult> settled(const Request& request);

}  // namespace holdfast::block
