// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace holdfast::memory {

enum class RegionKind : std::uint8_t {
  kContainer,    // shows its children
  kRam,          // direct
  kRom,          // reads direct, writes refused
  kRomDevice,    // reads direct or by callback, writes by callback
  kMmio,         // callbacks; may have children, which lie above
  kAlias,        // a window onto another region
  kReservation,  // claims addresses: reads 0, writes dropped, decode error
};

/// "container", "RAM", …, for messages.
const char* to_string(RegionKind kind);

/// Whether the region itself answers, so that nothing below shows through.
constexpr bool terminates(RegionKind kind) {
  return kind != RegionKind::kContainer && kind != RegionKind::kAlias;
}
/// Whether others can be put into it.
constexpr bool holds_regions(RegionKind kind) {
  return kind == RegionKind::kContainer || kind == RegionKind::kMmio;
}

}  // namespace holdfast::memory
