// SPDX-License-Identifier: Apache-2.0
// M: multiplication and division. Division by zero and overflow have results, not traps.
// SPEC: volume I, chapter 7, table 7.1.
#include "holdfast/cpu/riscv/exec.hpp"

namespace holdfast::cpu::riscv {
namespace {

constexpr u64 kMostNegative = u64{1} << 63;
constexpr u64 kMinusOne = ~u64{0};

constexpr i128 wide(u64 value) {
  return static_cast<i128>(as_signed(value));
}

constexpr u64 multiply(u64 a, u64 b) {
  return a * b;
}
constexpr u64 multiply_high(u64 a, u64 b) {
  return static_cast<u64>((wide(a) * wide(b)) >> 64);
}
constexpr u64 multiply_high_mixed(u64 a, u64 b) {
  return static_cast<u64>((wide(a) * static_cast<i128>(b)) >> 64);
}
constexpr u64 multiply_high_unsigned(u64 a, u64 b) {
  return static_cast<u64>((static_cast<u128>(a) * b) >> 64);
}
constexpr u64 multiply_word(u64 a, u64 b) {
  return extend_word(a * b);
}

constexpr u64 divide(u64 a, u64 b) {
  if (b == 0) return kMinusOne;
  if (a == kMostNegative && b == kMinusOne) return a;
  return static_cast<u64>(as_signed(a) / as_signed(b));
}
constexpr u64 divide_unsigned(u64 a, u64 b) {
  return b == 0 ? kMinusOne : a / b;
}
constexpr u64 remainder(u64 a, u64 b) {
  if (b == 0) return a;
  if (b == kMinusOne) return 0;
  return static_cast<u64>(as_signed(a) % as_signed(b));
}
constexpr u64 remainder_unsigned(u64 a, u64 b) {
  return b == 0 ? a : a % b;
}

constexpr u64 low(u64 value) {
  return value & 0xffffffff;
}
constexpr u64 divide_word(u64 a, u64 b) {
  return extend_word(divide(extend_word(a), extend_word(b)));
}
constexpr u64 divide_unsigned_word(u64 a, u64 b) {
  return extend_word(divide_unsigned(low(a), low(b)));
}
constexpr u64 remainder_word(u64 a, u64 b) {
  return extend_word(remainder(extend_word(a), extend_word(b)));
}
constexpr u64 remainder_unsigned_word(u64 a, u64 b) {
  return extend_word(remainder_unsigned(low(a), low(b)));
}

constexpr Row op(const char* name, std::uint32_t opcode, std::uint32_t f3, Handler run) {
  return {name, kMaskFunct7, funct7(opcode, f3, 1), Format::kR, Extension::kM, run};
}

constexpr Row kRows[] = {
    op("mul", 0x33, 0, binary<multiply>),
    op("mulh", 0x33, 1, binary<multiply_high>),
    op("mulhsu", 0x33, 2, binary<multiply_high_mixed>),
    op("mulhu", 0x33, 3, binary<multiply_high_unsigned>),
    op("div", 0x33, 4, binary<divide>),
    op("divu", 0x33, 5, binary<divide_unsigned>),
    op("rem", 0x33, 6, binary<remainder>),
    op("remu", 0x33, 7, binary<remainder_unsigned>),
    op("mulw", 0x3b, 0, binary<multiply_word>),
    op("divw", 0x3b, 4, binary<divide_word>),
    op("divuw", 0x3b, 5, binary<divide_unsigned_word>),
    op("remw", 0x3b, 6, binary<remainder_word>),
    op("remuw", 0x3b, 7, binary<remainder_unsigned_word>),
};

}  // namespace

std::span<const Row> multiply_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
