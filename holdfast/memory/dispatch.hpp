// SPDX-License-Identifier: Apache-2.0
// Turns one access of a bus master into the handler calls that a device implements: widths, byte
// order, alignment. Pure adaptation: gates and maps are elsewhere.
#pragma once

#include <cstdint>

#include "holdfast/memory/mmio.hpp"

namespace holdfast::memory {

/// One access as the bus shows it. `value` is little-endian: its low byte is at `offset`.
struct BusAccess {
  std::uint64_t offset = 0;  // inside the region
  unsigned size = 0;         // 1, 2, 4 or 8 bytes
  std::uint64_t value = 0;   // what is written, or what was read
  bool is_write = false;
  MemTxAttrs attrs{};
};

/// Performs the access. If the rules or the handler reject it, nothing is called, a read gives 0 and
/// the result is kDecodeError. Results of several calls are OR-ed.
MemTxResult dispatch(MmioHandler& handler, const AccessRules& rules, BusAccess& access);

/// How many of `length` bytes at `offset` a byte-wise transfer hands to the region at once.
unsigned transfer_size(const AccessRules& rules, std::uint64_t offset, std::uint64_t length);

}  // namespace holdfast::memory
