// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/flash/cfi_query.hpp"

#include <bit>

namespace holdfast::devices {
namespace {

void put16(CfiTable& table, std::size_t at, std::uint64_t value) {
  table[at] = static_cast<std::uint8_t>(value);
  table[at + 1] = static_cast<std::uint8_t>(value >> 8U);
}

std::uint64_t log2(std::uint64_t power) { return static_cast<std::uint64_t>(std::countr_zero(power)); }

}  // namespace

CfiTable cfi_table(const CfiChip& chip) {
  CfiTable table{};
  // Identification: the Intel/Sharp extended command set, whose own table is at 0x31; no alternative.
  table[0x10] = 'Q';
  table[0x11] = 'R';
  table[0x12] = 'Y';
  put16(table, 0x13, 0x0001);
  put16(table, 0x15, 0x0031);
  // Voltages: 4.5 to 5.5 V; no programming voltage of its own.
  table[0x1b] = 0x45;
  table[0x1c] = 0x55;
  // Times, as powers of two: 128 µs a word and a buffer, 1 s a block; at most 16 times as much.
  table[0x1f] = 7;
  table[0x20] = 7;
  table[0x21] = 10;
  table[0x23] = table[0x24] = table[0x25] = 4;
  // Geometry: x8 and x16, blocks of one size.
  table[0x27] = static_cast<std::uint8_t>(log2(chip.size));
  put16(table, 0x28, 0x0002);
  put16(table, 0x2a, log2(chip.buffer_size));
  table[0x2c] = 1;
  put16(table, 0x2d, chip.size / chip.block_size - 1);
  put16(table, 0x2f, chip.block_size / 256);
  // The command set's own table, version 1.0: no optional feature is promised.
  table[0x31] = 'P';
  table[0x32] = 'R';
  table[0x33] = 'I';
  table[0x34] = '1';
  table[0x35] = '0';
  table[0x3f] = 1;  // protection fields
  return table;
}

}  // namespace holdfast::devices
