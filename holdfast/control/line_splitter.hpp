// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into lines, whatever the pieces are that it comes in. Each byte is looked at
// once. A line that is too long is not kept: it is reported when it ends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::control {

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t most) : most_{most} {}

  /// Calls `line(std::string_view)` for each line that ends in `bytes`, without its end, and
  /// `too_long(std::size_t)` with the length of one that was. Neither splits the same lines again.
  template <class Line, class TooLong>
  void split(std::string_view bytes, Line line, TooLong too_long) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto piece = bytes.substr(0, end);
      bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
      const std::size_t length = length_ + piece.size();
      if (end == bytes.npos) return keep(piece, length);
      length_ = 0;
      if (length > most_) {
        forget();
        too_long(length);
      } else if (line_.empty()) {
        line(piece);
      } else {
        line_ += piece;
        std::string whole;
        whole.swap(line_);
        line(std::string_view{whole});
      }
    }
  }

  /// What has come of a line that has not ended is forgotten.
  void forget() {
    line_.clear();
    line_.shrink_to_fit();
    length_ = 0;
  }
  std::size_t held() const { return line_.size(); }

 private:
  void keep(std::string_view piece, std::size_t length) {
    if (length <= most_)
      line_ += piece;
    else
      line_ = std::string{};
    length_ = length;
  }

  const std::size_t most_;
  std::string line_;
  std::size_t length_ = 0;  // of the line so far, kept or not
};

}  // namespace holdfast::control
