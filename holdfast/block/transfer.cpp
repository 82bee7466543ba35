// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/transfer.hpp"

#include <algorithm>
#include <array>

#include "holdfast/memory/guest_bytes.hpp"

namespace holdfast::block {

Transfer::Transfer(const Order& order) : at_{order.offset} {
  vectors_.reserve(order.bytes.size());
  for (const std::span<std::byte> piece : order.bytes)
    if (!piece.empty()) vectors_.push_back({piece.data(), piece.size()});
}

void Transfer::advance(std::size_t bytes) {
  at_ += bytes;
  while (bytes != 0) {
    iovec& piece = vectors_[first_];
    const std::size_t here = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + here;
    piece.iov_len -= here;
    bytes -= here;
    if (piece.iov_len == 0) ++first_;
  }
}

void Transfer::end_with_zeroes() {
  static constexpr std::array<std::byte, 4096> kNothing{};
  while (!is_over()) {
    const iovec& piece = vectors_[first_];
    const std::size_t here = std::min(piece.iov_len, kNothing.size());
    memory::copy_guest_bytes(static_cast<std::byte*>(piece.iov_base), kNothing.data(), here);
    advance(here);
  }
}

}  // namespace holdfast::block
