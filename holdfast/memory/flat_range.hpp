// SPDX-License-Identifier: Apache-2.0
// One stretch of a flat view: these addresses show that target, from that offset on.
#pragma once

#include <cstdint>

namespace holdfast::memory {

class RegionControl;  // the control block of what a range shows
class View;           // what a link range continues in

enum class RangeFlags : std::uint16_t {
  kNone = 0,
  kReadOnly = 1,
  kRomdDirect = 2,  // ROM device in direct mode: reads go to its memory
  kNonVolatile = 4,
  kUnmergeable = 8,  // must keep its borders: never joined with a neighbour
  kLink = 16,        // the target is a view: look the address up there
};

constexpr RangeFlags operator|(RangeFlags a, RangeFlags b) {
  return static_cast<RangeFlags>(static_cast<std::uint16_t>(a) | static_cast<std::uint16_t>(b));
}
constexpr RangeFlags operator&(RangeFlags a, RangeFlags b) {
  return static_cast<RangeFlags>(static_cast<std::uint16_t>(a) & static_cast<std::uint16_t>(b));
}
constexpr RangeFlags& operator|=(RangeFlags& a, RangeFlags b) { return a = a | b; }
constexpr bool any(RangeFlags flags) { return flags != RangeFlags::kNone; }

/// A value. Both ends belong to it; `offset` is where `first` lies inside the target.
/// The target is kept alive by whoever publishes the view, not by the range.
struct FlatRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  const void* target = nullptr;  // a const View* if kLink is set, else a const RegionControl*
  std::uint64_t offset = 0;
  RangeFlags flags = RangeFlags::kNone;

  constexpr bool is_link() const { return any(flags & RangeFlags::kLink); }
  /// Only if !is_link().
  const RegionControl* control() const { return static_cast<const RegionControl*>(target); }
  /// Only if is_link().
  const View* view() const { return static_cast<const View*>(target); }
  /// The offset in the target of an address inside the range.
  constexpr std::uint64_t offset_of(std::uint64_t address) const {
    return offset + (address - first);
  }

  friend constexpr bool operator==(const FlatRange&, const FlatRange&) = default;
};

}  // namespace holdfast::memory
