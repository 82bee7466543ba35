// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/decode.hpp"

namespace holdfast::cpu::riscv {
namespace {

constexpr std::uint32_t field(std::uint32_t word, unsigned first, unsigned width) {
  return (word >> first) & ((1u << width) - 1);
}
constexpr std::int32_t sign_extend(std::uint32_t value, unsigned width) {
  return static_cast<std::int32_t>(value << (32 - width)) >> (32 - width);
}

constexpr std::int32_t immediate_i(std::uint32_t w) {
  return sign_extend(field(w, 20, 12), 12);
}
constexpr std::int32_t immediate_s(std::uint32_t w) {
  return sign_extend(field(w, 25, 7) << 5 | field(w, 7, 5), 12);
}
constexpr std::int32_t immediate_b(std::uint32_t w) {
  return sign_extend(
      field(w, 31, 1) << 12 | field(w, 7, 1) << 11 | field(w, 25, 6) << 5 | field(w, 8, 4) << 1,
      13);
}
constexpr std::int32_t immediate_j(std::uint32_t w) {
  return sign_extend(
      field(w, 31, 1) << 20 | field(w, 12, 8) << 12 | field(w, 20, 1) << 11 | field(w, 21, 10) << 1,
      21);
}

constexpr std::int32_t immediate_of(Format format, std::uint32_t w) {
  switch (format) {
    case Format::kI:
    case Format::kFloatLoad:
      return immediate_i(w);
    case Format::kS:
      return immediate_s(w);
    case Format::kB:
      return immediate_b(w);
    case Format::kU:
      return static_cast<std::int32_t>(w & 0xfffff000);
    case Format::kJ:
      return immediate_j(w);
    case Format::kShift:
      return static_cast<std::int32_t>(field(w, 20, 6));
    case Format::kCsr:
      return static_cast<std::int32_t>(field(w, 20, 12));
    default:
      return 0;
  }
}

constexpr bool writes_float(Format format) {
  return format == Format::kFloat || format == Format::kFloatLoad;
}

Instruction take_apart(const Row& row, std::uint32_t w) {
  const auto rd = static_cast<std::uint8_t>(field(w, 7, 5));
  return {.run = row.run,
          .immediate = immediate_of(row.format, w),
          .rd = rd == 0 && !writes_float(row.format) ? kDiscard : rd,
          .rs1 = static_cast<std::uint8_t>(field(w, 15, 5)),
          .rs2 = static_cast<std::uint8_t>(field(w, 20, 5)),
          .rs3 = static_cast<std::uint8_t>(field(w, 27, 5)),
          .rounding = static_cast<std::uint8_t>(field(w, 12, 3))};
}

}  // namespace

Decoder::Decoder(IsaSet isa) : isa_{isa} {
  for (const auto rows : {integer_rows(), multiply_rows(), bit_rows(), branch_rows(), memory_rows(),
                          atomic_rows(), float_rows(), system_rows()})
    for (const Row& row : rows)
      if (isa.has(row.extension)) by_opcode_[field(row.match, 2, 5)].push_back(row);
}

const Row* Decoder::find(std::uint32_t word) const {
  if (length_of(word) != 4) return nullptr;
  for (const Row& row : by_opcode_[field(word, 2, 5)])
    if ((word & row.mask) == row.match) return &row;
  return nullptr;
}

Decoder::Decoded Decoder::decode(std::uint32_t word) const {
  const unsigned length = length_of(word);
  const std::uint32_t raw = length == 2 ? word & 0xffff : word;
  std::uint32_t wide = raw;
  if (length == 2)
    wide = isa_.has(Extension::kC) ? expand_compressed(static_cast<std::uint16_t>(raw)) : 0;

  Decoded decoded{.instruction = {.run = illegal_instruction}, .ends = Ends::kYes};
  if (const Row* row = find(wide)) decoded = {take_apart(*row, wide), row->ends};
  decoded.instruction.raw = raw;
  decoded.instruction.length = static_cast<std::uint8_t>(length);
  return decoded;
}

}  // namespace holdfast::cpu::riscv
