// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/output_log.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "holdfast/base/log.hpp"

namespace holdfast::chardev {

Result<std::unique_ptr<OutputLog>> OutputLog::make(EventLoop& loop, std::string path,
                                                   Existing existing) {
  const int how = existing == Existing::kAppend ? O_APPEND : O_TRUNC;
  Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666)};
  if (!file) return fail("logfile '{}': {}", path, std::strerror(errno));
  return std::unique_ptr<OutputLog>{new OutputLog{loop, std::move(path), std::move(file)}};
}

OutputLog::OutputLog(EventLoop& loop, std::string path, Descriptor file)
    : path_{std::move(path)}, file_{std::move(file)}, due_{loop, [this] { flush(); }} {}

OutputLog::~OutputLog() {
  on_room_ = {};
  flush();
}

std::size_t OutputLog::room(std::size_t wanted) {
  LockGuard guard{mutex_};
  const std::size_t free = kHeld - std::min(kHeld, held_.size());
  refused_ = refused_ || free < wanted;
  return std::min(free, wanted);
}

void OutputLog::append(Bytes bytes) {
  if (bytes.empty()) return;
  bool wake = false;
  {
    LockGuard guard{mutex_};
    wake = held_.empty();
    held_.insert(held_.end(), bytes.begin(), bytes.end());
  }
  if (wake) due_.set(1);
}

void OutputLog::flush() {
  std::vector<std::uint8_t> bytes;
  bool refused = false;
  {
    LockGuard guard{mutex_};
    bytes.swap(held_);
    refused = std::exchange(refused_, false);
  }
  write_out(bytes);
  if (refused && on_room_) on_room_();
}

void OutputLog::write_out(const std::vector<std::uint8_t>& bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && !broken_) {
    const auto count = ::write(file_.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    broken_ = count <= 0;
    if (broken_)
      log::warn("logfile '{}': {}; nothing more is written to it", path_, std::strerror(errno));
    else
      done += static_cast<std::size_t>(count);
  }
}

}  // namespace holdfast::chardev
