// SPDX-License-Identifier: Apache-2.0
// A window of an address space that is used again and again: a ring, a queue, a mailbox. It needs
// no listener: each use compares generations and, if the map moved, translates anew.
#pragma once

#include <cstdint>
#include <span>

#include "holdfast/memory/port.hpp"

namespace holdfast::memory {

/// Used by one thread at a time, usually inside its device's gate.
class CachedWindow {
 public:
  /// The `extent` of `space`; what is there may come and go.
  CachedWindow(Ref<SpaceControl> space, Extent extent, MemTxAttrs attrs = {})
      : port_{std::move(space)}, extent_{extent}, attrs_{attrs} {}

  Extent extent() const { return extent_; }

  /// 1, 2, 4 or 8 bytes, little-endian. kDecodeError, without an access, outside of the window.
  MemTxResult load(std::uint64_t offset, unsigned size, std::uint64_t& value);
  MemTxResult store(std::uint64_t offset, unsigned size, std::uint64_t value);
  MemTxResult read(std::uint64_t offset, std::span<std::byte> bytes);
  MemTxResult write(std::uint64_t offset, std::span<const std::byte> bytes);

 private:
  bool holds(std::uint64_t offset, std::uint64_t length) const {
    return length == 0 ||
           (offset <= extent_.span() && length - 1 <= extent_.span() - offset);
  }

  Port port_;
  Extent extent_;
  MemTxAttrs attrs_;
};

}  // namespace holdfast::memory
