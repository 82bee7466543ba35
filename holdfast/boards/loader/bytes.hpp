// SPDX-License-Identifier: Apache-2.0
// Numbers in a file, wherever they stand.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>

namespace holdfast::boards {

/// The little-endian number at `offset`, which the caller has checked to lie inside.
template <std::unsigned_integral T>
T little(std::span<const std::byte> bytes, std::size_t offset) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// Whether `count` things of `size` bytes from `offset` on lie inside a file of `total` bytes.
constexpr bool inside(std::uint64_t offset, std::uint64_t count, std::uint64_t size,
                      std::uint64_t total) {
  return offset <= total && (size == 0 || count <= (total - offset) / size);
}

}  // namespace holdfast::boards
