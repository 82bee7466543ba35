// SPDX-License-Identifier: Apache-2.0
// What a region of registers consists of: callbacks, and the accesses they accept.
#pragma once

#include <bit>
#include <cstdint>

#include "holdfast/memory/attrs.hpp"

namespace holdfast::memory {

enum class Endian : std::uint8_t { kLittle, kBig };

/// What the guest may do (`valid`) and what the callbacks implement (`impl`); the core adapts one to
/// the other. Sizes in bytes, powers of two up to 8.
struct AccessRules {
  struct Sizes {
    std::uint8_t min = 1;
    std::uint8_t max = 4;
    bool unaligned = false;

    constexpr bool are_possible() const {
      return std::has_single_bit(min) && std::has_single_bit(max) && min <= max && max <= 8;
    }
  };
  Sizes valid{};
  Sizes impl{};
  Endian endian = Endian::kLittle;
  bool any_valid_size = false;  // accept every size, whatever `valid` says

  /// The sizes (OR-ed: each is a bit of its own) whose aligned accesses are one callback that sees
  /// the value as the bus shows it.
  constexpr unsigned plain_sizes() const {
    unsigned sizes = 0;
    for (unsigned size = 1; size <= 8; size *= 2) {
      const bool is_valid = any_valid_size || (valid.min <= size && size <= valid.max);
      if (is_valid && impl.min <= size && size <= impl.max) sizes |= size;
    }
    return endian == Endian::kLittle ? sizes : 0;
  }
};

/// The callbacks of one region. Called inside the gate of the region's owner, with a size that
/// `impl` allows; `offset` counts from the region's start.
class MmioHandler {
 public:
  virtual ~MmioHandler() = default;
  virtual MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           MemTxAttrs attrs) = 0;
  virtual MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            MemTxAttrs attrs) = 0;
  /// A last word on whether an access is acceptable; asked after `valid`, before any callback.
  virtual bool accepts(std::uint64_t /*offset*/, unsigned /*size*/, bool /*is_write*/,
                       MemTxAttrs /*attrs*/) {
    return true;
  }
};

}  // namespace holdfast::memory
