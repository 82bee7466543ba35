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

/// The same for an aligned access of one of rules.plain_sizes(): one callback, nothing to adapt.
inline MemTxResult dispatch_plain(MmioHandler& handler, BusAccess& access) {
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * access.size);
  if (!handler.accepts(access.offset, access.size, access.is_write, access.attrs)) [[unlikely]] {
    if (!access.is_write) access.value = 0;
    return MemTxResult::kDecodeError;
  }
  if (access.is_write)
    return handler.write(access.offset, access.size, access.value & mask, access.attrs);
  std::uint64_t value = 0;
  const MemTxResult result = handler.read(access.offset, access.size, value, access.attrs);
  access.value = value & mask;
  return result;
}

/// How many of `length` bytes at `offset` a byte-wise transfer hands to the region at once.
unsigned transfer_size(const AccessRules& rules, std::uint64_t offset, std::uint64_t length);

}  // namespace holdfast::memory
