// SPDX-License-Identifier: Apache-2.0
// The bytes of a function's configuration space: what they are, which bits a guest can write, which it
// clears by writing ones, and what a reset makes of them. What a write *means* is said by the parts of
// the function that own the registers.
//
// A function has as many bytes as it has registers for; beyond them everything reads as zero and
// nothing can be written. How much of that a guest finds, 256 bytes or the 4 KiB of ECAM, is said by the function.
//
// LOCK: the function's gate.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/devices/pci/registers.hpp"

namespace holdfast::devices::pci {

class ConfigSpace {
 public:
  ConfigSpace() : bytes_(kConfigSize) {}

  unsigned size() const { return static_cast<unsigned>(bytes_.size()); }

  // --- made, before the device is realized. Values are little-endian, 1, 2 or 4 bytes --------------

  /// What a register is after reset, and now.
  void define(unsigned at, unsigned bytes, std::uint32_t value);
  /// Bits that a guest can write, besides those it could before.
  void allow(unsigned at, unsigned bytes, std::uint32_t mask);
  /// Bits that a guest no longer can write.
  void forbid(unsigned at, unsigned bytes, std::uint32_t mask);
  /// Bits that a guest clears by writing ones.
  void clear_by_ones(unsigned at, unsigned bytes, std::uint32_t mask);
  /// Makes room for registers up to there.
  void grow(unsigned size);

  // --- used ---------------------------------------------------------------------------------------

  /// Zero where nothing is. Up to 4 bytes at any offset.
  std::uint32_t get(unsigned at, unsigned bytes) const;
  std::uint16_t get16(unsigned at) const { return static_cast<std::uint16_t>(get(at, 2)); }
  std::uint8_t get8(unsigned at) const { return static_cast<std::uint8_t>(get(at, 1)); }
  /// The function's own change; no mask applies.
  void put(unsigned at, unsigned bytes, std::uint32_t value);
  /// The guest's, the same.
  void write(unsigned at, unsigned bytes, std::uint32_t value);
  void reset();

 private:
  struct Byte {
    std::uint8_t now = 0;
    std::uint8_t at_reset = 0;
    std::uint8_t writable = 0;
    std::uint8_t clears = 0;
  };
  template <class Change>
  void each(unsigned at, unsigned bytes, std::uint32_t value, Change change);

  std::vector<Byte> bytes_;
};

}  // namespace holdfast::devices::pci
