// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/dispatch.hpp"

#include <algorithm>
#include <bit>

namespace holdfast::memory {
namespace {

std::uint64_t mask_of(unsigned size) { return ~std::uint64_t{0} >> (64 - 8 * size); }

std::uint64_t swap_bytes(std::uint64_t value, unsigned size) {
  return std::byteswap(value) >> (64 - 8 * size);
}

bool accepted(MmioHandler& handler, const AccessRules& rules, const BusAccess& access) {
  if (!handler.accepts(access.offset, access.size, access.is_write, access.attrs)) return false;
  if (!rules.valid.unaligned && (access.offset & (access.size - 1)) != 0) return false;
  return rules.any_valid_size ||
         (rules.valid.min <= access.size && access.size <= rules.valid.max);
}

/// Where the piece that starts `i` bytes into the access stands in the value, in bits. Negative if
/// a callback that is wider than a big-endian access has the wanted bytes on top.
int shift_of(const AccessRules& rules, unsigned size, unsigned piece, unsigned i) {
  if (rules.endian == Endian::kLittle) return static_cast<int>(8 * i);
  return 8 * (static_cast<int>(size) - static_cast<int>(piece) - static_cast<int>(i));
}

std::uint64_t shifted(std::uint64_t value, int left) {
  return left >= 0 ? value << left : value >> -left;
}

}  // namespace

MemTxResult dispatch(MmioHandler& handler, const AccessRules& rules, BusAccess& access) {
  if (!accepted(handler, rules, access)) {
    if (!access.is_write) access.value = 0;
    return MemTxResult::kDecodeError;
  }
  const unsigned piece = std::clamp<unsigned>(access.size, rules.impl.min, rules.impl.max);
  // Callbacks of a big-endian device see numbers; the bus sees bytes.
  const bool swap = rules.endian == Endian::kBig;
  std::uint64_t number =
      access.is_write && swap ? swap_bytes(access.value, access.size) : access.value;
  number = access.is_write ? number & mask_of(access.size) : 0;
  MemTxResult result = MemTxResult::kOk;
  for (unsigned i = 0; i < access.size; i += piece) {
    const int shift = shift_of(rules, access.size, piece, i);
    if (access.is_write) {
      result |= handler.write(access.offset + i, piece, shifted(number, -shift) & mask_of(piece),
                              access.attrs);
    } else {
      std::uint64_t part = 0;
      result |= handler.read(access.offset + i, piece, part, access.attrs);
      number |= shifted(part & mask_of(piece), shift);
    }
  }
  if (!access.is_write) {
    number &= mask_of(access.size);
    access.value = swap ? swap_bytes(number, access.size) : number;
  }
  return result;
}

unsigned transfer_size(const AccessRules& rules, std::uint64_t offset, std::uint64_t length) {
  std::uint64_t size = std::min<std::uint64_t>(length, rules.any_valid_size ? 4 : rules.valid.max);
  if (!rules.impl.unaligned && offset != 0)
    size = std::min(size, std::uint64_t{1} << std::countr_zero(offset));
  return static_cast<unsigned>(std::bit_floor(size));
}

}  // namespace holdfast::memory
