// SPDX-License-Identifier: Apache-2.0
// What a flash chip answers to the common flash interface's query: which commands it obeys, its
// voltages, times and blocks.
// SPEC: JEDEC JESD68.01 "Common Flash Interface", 3.
#pragma once

#include <array>
#include <cstdint>

namespace holdfast::devices {

/// One chip of a bank. Sizes are in bytes.
struct CfiChip {
  std::uint64_t size;        // a power of two
  std::uint32_t block_size;  // a multiple of 256
  std::uint32_t buffer_size; // of a buffered program, a power of two
};

/// Byte k is what the chip shows at its word address k, in the low half of the word.
using CfiTable = std::array<std::uint8_t, 0x40>;

CfiTable cfi_table(const CfiChip& chip);

}  // namespace holdfast::devices
