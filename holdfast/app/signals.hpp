// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM and SIGHUP as events of the loop, so that the machine ends in order.
#pragma once

#include <functional>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

class Signals {
 public:
  Signals() = default;
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Before any other thread exists: threads inherit what is blocked.
  Result<void> block();
  /// `arrived` is called on the loop's thread for each signal.
  Result<void> watch(EventLoop& loop, std::function<void()> arrived);
  void forget() { watch_.end(); }

 private:
  int fd_ = -1;
  EventLoop::Watch watch_;
};

}  // namespace holdfast::app
