// SPDX-License-Identifier: Apache-2.0
// A read or a write on its way: what of its bytes is left, and where in the file it goes on. The
// host may do less than it was asked to; whoever asks goes on from there.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/block/request.hpp"

namespace holdfast::block {

class Transfer {
 public:
  Transfer() = default;
  explicit Transfer(const Order& order);

  std::uint64_t at() const { return at_; }  // of the file
  /// As the host wants them; none of them is empty.
  std::span<const iovec> left() const { return std::span{vectors_}.subspan(first_); }
  bool is_over() const { return first_ == vectors_.size(); }

  /// So many bytes more were done.
  void advance(std::size_t bytes);
  /// What is left is read as zeroes.
  void end_with_zeroes();

 private:
  std::uint64_t at_ = 0;
  std::vector<iovec> vectors_;
  std::size_t first_ = 0;  // that is left
};

}  // namespace holdfast::block
