// SPDX-License-Identifier: Apache-2.0
// A stretch of addresses as an inclusive pair, so that the whole 64-bit space has a size and no sum
// of first and size is ever computed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace holdfast {

inline constexpr std::uint64_t kAddressMax = std::numeric_limits<std::uint64_t>::max();

/// Both ends belong to it; there is no empty extent.
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t last = kAddressMax;

  /// Nothing if `size` is 0 or the extent would not fit in 64 bits.
  static constexpr std::optional<Extent> of_size(std::uint64_t first, std::uint64_t size) {
    if (size == 0 || size - 1 > kAddressMax - first) return std::nullopt;
    return Extent{first, first + (size - 1)};
  }
  static constexpr Extent everything() { return {0, kAddressMax}; }

  constexpr bool contains(std::uint64_t address) const {
    return first <= address && address <= last;
  }
  constexpr bool contains(Extent other) const { return first <= other.first && other.last <= last; }
  constexpr bool meets(Extent other) const { return first <= other.last && other.first <= last; }
  /// Bytes less one: the only size that always fits.
  constexpr std::uint64_t span() const { return last - first; }

  friend constexpr bool operator==(Extent, Extent) = default;
};

constexpr std::optional<Extent> intersect(Extent a, Extent b) {
  if (!a.meets(b)) return std::nullopt;
  return Extent{std::max(a.first, b.first), std::min(a.last, b.last)};
}

/// Moves an extent up. Nothing if its first address leaves the space; its last one is clamped.
constexpr std::optional<Extent> shift_up(Extent e, std::uint64_t by) {
  if (e.first > kAddressMax - by) return std::nullopt;
  return Extent{e.first + by, e.last > kAddressMax - by ? kAddressMax : e.last + by};
}

/// Moves an extent down. Nothing if its last address leaves the space; its first one is clamped.
constexpr std::optional<Extent> shift_down(Extent e, std::uint64_t by) {
  if (e.last < by) return std::nullopt;
  return Extent{e.first < by ? 0 : e.first - by, e.last - by};
}

}  // namespace holdfast
