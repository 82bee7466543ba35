// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qtest/log.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "holdfast/base/event_loop.hpp"

namespace holdfast::control {

Result<QtestLog> QtestLog::open(const std::optional<std::string>& path) {
  if (!path) return QtestLog{STDERR_FILENO, false};
  if (*path == "none") return QtestLog{-1, false};
  constexpr mode_t kReadableByAll = 0644;
  const int fd = ::open(path->c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kReadableByAll);
  if (fd < 0) return fail("-qtest-log {}: {}", *path, std::strerror(errno));
  return QtestLog{fd, true};
}

QtestLog::~QtestLog() {
  if (owned_ && fd_ >= 0) close(fd_);
}

void QtestLog::opened() {
  start_ns_ = EventLoop::now_ns();
  write('I', "OPENED");
}

void QtestLog::write(char kind, std::string_view text) {
  if (fd_ < 0) return;
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t ns = EventLoop::now_ns() - start_ns_;
  const std::string line =
      fmt::format("[{} {}{}.{:06}] {}{}\n", kind, text == "OPENED" ? "" : "+", ns / kSecond,
                  ns % kSecond / 1000, text.substr(0, kLongest), text.size() > kLongest ? "..." : "");
  [[maybe_unused]] const auto written = ::write(fd_, line.data(), line.size());
}

}  // namespace holdfast::control
