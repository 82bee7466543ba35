// SPDX-License-Identifier: Apache-2.0
// A copy of a back-end's output in a file: `logfile=PATH`. It is written on the loop thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/chardev/front_end.hpp"

namespace holdfast::chardev {

class OutputLog {
 public:
  enum class Existing : std::uint8_t { kTruncate, kAppend };
  static Result<std::unique_ptr<OutputLog>> make(EventLoop& loop, std::string path,
                                                 Existing existing);
  /// Writes what is held first. On the loop thread, or while nobody runs the loop.
  ~OutputLog();

  /// How many bytes it takes now; who was told less than he wanted is told by `on_room` of more.
  std::size_t room(std::size_t wanted);
  /// From any thread, inside a gate or not.
  void append(Bytes bytes);
  void set_on_room(std::function<void()> on_room) { on_room_ = std::move(on_room); }
  /// On the loop thread, or while nobody runs the loop.
  void flush();

 private:
  OutputLog(EventLoop& loop, std::string path, Descriptor file);
  void write_out(const std::vector<std::uint8_t>& bytes);

  static constexpr std::size_t kHeld = 1 << 20;  // bytes, against a guest faster than the disk

  const std::string path_;
  const Descriptor file_;
  std::function<void()> on_room_;
  bool broken_ = false;  // the loop thread's
  Mutex mutex_{LockRank::kLeaf, "output log"};
  std::vector<std::uint8_t> held_ HF_GUARDED_BY(mutex_);
  bool refused_ HF_GUARDED_BY(mutex_) = false;
  EventLoop::Alarm due_;
};

}  // namespace holdfast::chardev
