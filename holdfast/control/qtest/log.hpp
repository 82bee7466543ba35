// SPDX-License-Identifier: Apache-2.0
// What was said in a qtest conversation, a line each, with seconds since the client came.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/base/result.hpp"

namespace holdfast::control {

class QtestLog {
 public:
  /// To a file, which is emptied; "none" is nowhere, nothing is standard error.
  static Result<QtestLog> open(const std::optional<std::string>& path);
  QtestLog(QtestLog&& other) noexcept
      : fd_{std::exchange(other.fd_, -1)}, owned_{other.owned_}, start_ns_{other.start_ns_} {}
  QtestLog& operator=(QtestLog&&) = delete;
  ~QtestLog();

  void opened();
  void closed() { write('I', "CLOSED"); }
  void received(std::string_view line) { write('R', line); }
  void sent(std::string_view line) { write('S', line); }

 private:
  QtestLog(int fd, bool owned) : fd_{fd}, owned_{owned} {}
  void write(char kind, std::string_view text);

  static constexpr std::size_t kLongest = 1024;  // of a line, as it is logged

  int fd_;
  bool owned_;
  std::uint64_t start_ns_ = 0;
};

}  // namespace holdfast::control
