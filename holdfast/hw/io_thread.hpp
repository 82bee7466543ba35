// SPDX-License-Identifier: Apache-2.0
// A thread for input and output: what a user makes with `-object iothread` or `object-add`. It runs an
// event loop of its own, until it is destroyed.
//
// Nobody has work for it yet: block and character back-ends have threads of their own. How it would poll
// and how many helpers it would have is kept, and changes nothing.
//
// Owned by the machine. Control thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/hw/context.hpp"
#include "holdfast/object/object.hpp"

namespace holdfast::hw {

class IoThread final : public object::Object {
 public:
  static const object::Type kType;

  /// Without a thread: properties may be set. Fails if the host refuses descriptors.
  static Result<std::unique_ptr<IoThread>> make(Context& context, std::string id);
  /// Begins, once. Error: properties that do not fit together, or the host refuses a thread.
  Result<void> start();
  ~IoThread() override;

  const std::string& id() const { return id_; }
  EventLoop& loop() { return *loop_; }
  /// As the host's kernel counts, once it runs, which is waited for; of one that has been started.
  int host_id() const;

 private:
  IoThread(Context& context, std::string id, std::unique_ptr<EventLoop> loop);
  void run();

  std::int64_t least_helpers() const { return least_helpers_; }
  Result<void> set_least_helpers(std::int64_t count);
  std::int64_t most_helpers() const { return most_helpers_; }
  Result<void> set_most_helpers(std::int64_t count);
  /// Before it is started they come one after the other.
  Result<void> check_helpers(std::int64_t least, std::int64_t most) const;

  static const object::Property kProperties[];

  const std::string id_;
  const std::unique_ptr<EventLoop> loop_;
  std::int64_t longest_poll_ = 32768;  // ns
  std::int64_t poll_growth_ = 0;
  std::int64_t poll_shrinkage_ = 0;
  std::int64_t most_at_once_ = 0;
  std::int64_t least_helpers_ = 0;
  std::int64_t most_helpers_ = 64;
  std::atomic<int> host_id_{0};  // stored by the thread
  std::thread thread_;
};

}  // namespace holdfast::hw
