// SPDX-License-Identifier: Apache-2.0
// Zba, Zbb, Zbc, Zbs and Zicond.
// SPEC: RISC-V Bit-Manipulation ISA-extensions 1.0.0; RISC-V Integer Conditional Operations 1.0.
#include <algorithm>
#include <bit>

#include "holdfast/cpu/riscv/exec.hpp"

namespace holdfast::cpu::riscv {
namespace {

constexpr u64 low(u64 value) {
  return value & 0xffffffff;
}

// Zba
template <unsigned Shift>
constexpr u64 shift_add(u64 a, u64 b) {
  return (a << Shift) + b;
}
template <unsigned Shift>
constexpr u64 shift_add_word(u64 a, u64 b) {
  return (low(a) << Shift) + b;
}
constexpr u64 shift_left_unsigned_word(u64 a, u64 b) {
  return low(a) << (b & 63);
}

// Zbb
constexpr u64 and_not(u64 a, u64 b) {
  return a & ~b;
}
constexpr u64 or_not(u64 a, u64 b) {
  return a | ~b;
}
constexpr u64 xor_not(u64 a, u64 b) {
  return ~(a ^ b);
}
constexpr u64 leading(u64 a) {
  return static_cast<u64>(std::countl_zero(a));
}
constexpr u64 trailing(u64 a) {
  return static_cast<u64>(std::countr_zero(a));
}
constexpr u64 population(u64 a) {
  return static_cast<u64>(std::popcount(a));
}
constexpr u64 leading_word(u64 a) {
  return static_cast<u64>(std::countl_zero(static_cast<u32>(a)));
}
constexpr u64 trailing_word(u64 a) {
  return static_cast<u64>(std::countr_zero(static_cast<u32>(a)));
}
constexpr u64 population_word(u64 a) {
  return static_cast<u64>(std::popcount(static_cast<u32>(a)));
}
constexpr u64 maximum(u64 a, u64 b) {
  return as_signed(a) < as_signed(b) ? b : a;
}
constexpr u64 minimum(u64 a, u64 b) {
  return as_signed(a) < as_signed(b) ? a : b;
}
constexpr u64 maximum_unsigned(u64 a, u64 b) {
  return std::max(a, b);
}
constexpr u64 minimum_unsigned(u64 a, u64 b) {
  return std::min(a, b);
}
constexpr u64 extend_byte(u64 a) {
  return static_cast<u64>(static_cast<i64>(static_cast<std::int8_t>(a)));
}
constexpr u64 extend_half(u64 a) {
  return static_cast<u64>(static_cast<i64>(static_cast<std::int16_t>(a)));
}
constexpr u64 zero_extend_half(u64 a) {
  return a & 0xffff;
}
constexpr u64 rotate_left(u64 a, u64 b) {
  return std::rotl(a, static_cast<int>(b & 63));
}
constexpr u64 rotate_right(u64 a, u64 b) {
  return std::rotr(a, static_cast<int>(b & 63));
}
constexpr u64 rotate_left_word(u64 a, u64 b) {
  return extend_word(std::rotl(static_cast<u32>(a), static_cast<int>(b & 31)));
}
constexpr u64 rotate_right_word(u64 a, u64 b) {
  return extend_word(std::rotr(static_cast<u32>(a), static_cast<int>(b & 31)));
}
constexpr u64 or_combine(u64 a) {
  u64 result = 0;
  for (unsigned shift = 0; shift < 64; shift += 8)
    if ((a >> shift & 0xff) != 0) result |= u64{0xff} << shift;
  return result;
}
constexpr u64 reverse_bytes(u64 a) {
  return __builtin_bswap64(a);
}

// Zbc
constexpr u64 carryless(u64 a, u64 b) {
  u64 result = 0;
  for (unsigned i = 0; i < 64; ++i)
    if ((b >> i & 1) != 0) result ^= a << i;
  return result;
}
constexpr u64 carryless_high(u64 a, u64 b) {
  u64 result = 0;
  for (unsigned i = 1; i < 64; ++i)
    if ((b >> i & 1) != 0) result ^= a >> (64 - i);
  return result;
}
constexpr u64 carryless_reversed(u64 a, u64 b) {
  u64 result = 0;
  for (unsigned i = 0; i < 64; ++i)
    if ((b >> i & 1) != 0) result ^= a >> (63 - i);
  return result;
}

// Zbs
constexpr u64 bit(u64 index) {
  return u64{1} << (index & 63);
}
constexpr u64 clear_bit(u64 a, u64 b) {
  return a & ~bit(b);
}
constexpr u64 extract_bit(u64 a, u64 b) {
  return a >> (b & 63) & 1;
}
constexpr u64 invert_bit(u64 a, u64 b) {
  return a ^ bit(b);
}
constexpr u64 set_bit(u64 a, u64 b) {
  return a | bit(b);
}

// Zicond
constexpr u64 zero_if_zero(u64 a, u64 b) {
  return b == 0 ? 0 : a;
}
constexpr u64 zero_if_not(u64 a, u64 b) {
  return b == 0 ? a : 0;
}

constexpr std::uint32_t kOp = 0x33, kOp32 = 0x3b, kOpImm = 0x13, kOpImm32 = 0x1b;
constexpr std::uint32_t kMaskUnary = 0xfff0707f;

constexpr Row two(const char* name, std::uint32_t opcode, std::uint32_t f3, std::uint32_t f7,
                  Extension extension, Handler run) {
  return {name, kMaskFunct7, funct7(opcode, f3, f7), Format::kR, extension, run};
}
/// One operand: funct12 in place of rs2 and funct7.
constexpr Row one(const char* name, std::uint32_t opcode, std::uint32_t f3, std::uint32_t f12,
                  Handler run) {
  return {name, kMaskUnary, opcode | f3 << 12 | f12 << 20, Format::kR, Extension::kZbb, run};
}
constexpr Row amount(const char* name, std::uint32_t f3, std::uint32_t f7, Extension extension,
                     Handler run) {
  return {name, kMaskShift, funct7(kOpImm, f3, f7), Format::kShift, extension, run};
}

constexpr Row kRows[] = {
    two("sh1add", kOp, 2, 0x10, Extension::kZba, binary<shift_add<1>>),
    two("sh2add", kOp, 4, 0x10, Extension::kZba, binary<shift_add<2>>),
    two("sh3add", kOp, 6, 0x10, Extension::kZba, binary<shift_add<3>>),
    two("add.uw", kOp32, 0, 0x04, Extension::kZba, binary<shift_add_word<0>>),
    two("sh1add.uw", kOp32, 2, 0x10, Extension::kZba, binary<shift_add_word<1>>),
    two("sh2add.uw", kOp32, 4, 0x10, Extension::kZba, binary<shift_add_word<2>>),
    two("sh3add.uw", kOp32, 6, 0x10, Extension::kZba, binary<shift_add_word<3>>),
    {"slli.uw", kMaskShift, funct7(kOpImm32, 1, 0x04), Format::kShift, Extension::kZba,
     immediate<shift_left_unsigned_word>},

    two("andn", kOp, 7, 0x20, Extension::kZbb, binary<and_not>),
    two("orn", kOp, 6, 0x20, Extension::kZbb, binary<or_not>),
    two("xnor", kOp, 4, 0x20, Extension::kZbb, binary<xor_not>),
    one("clz", kOpImm, 1, 0x600, unary<leading>),
    one("ctz", kOpImm, 1, 0x601, unary<trailing>),
    one("cpop", kOpImm, 1, 0x602, unary<population>),
    one("clzw", kOpImm32, 1, 0x600, unary<leading_word>),
    one("ctzw", kOpImm32, 1, 0x601, unary<trailing_word>),
    one("cpopw", kOpImm32, 1, 0x602, unary<population_word>),
    two("max", kOp, 6, 0x05, Extension::kZbb, binary<maximum>),
    two("maxu", kOp, 7, 0x05, Extension::kZbb, binary<maximum_unsigned>),
    two("min", kOp, 4, 0x05, Extension::kZbb, binary<minimum>),
    two("minu", kOp, 5, 0x05, Extension::kZbb, binary<minimum_unsigned>),
    one("sext.b", kOpImm, 1, 0x604, unary<extend_byte>),
    one("sext.h", kOpImm, 1, 0x605, unary<extend_half>),
    one("zext.h", kOp32, 4, 0x080, unary<zero_extend_half>),
    two("rol", kOp, 1, 0x30, Extension::kZbb, binary<rotate_left>),
    two("ror", kOp, 5, 0x30, Extension::kZbb, binary<rotate_right>),
    amount("rori", 5, 0x30, Extension::kZbb, immediate<rotate_right>),
    two("rolw", kOp32, 1, 0x30, Extension::kZbb, binary<rotate_left_word>),
    two("rorw", kOp32, 5, 0x30, Extension::kZbb, binary<rotate_right_word>),
    {"roriw", kMaskFunct7, funct7(kOpImm32, 5, 0x30), Format::kShift, Extension::kZbb,
     immediate<rotate_right_word>},
    one("orc.b", kOpImm, 5, 0x287, unary<or_combine>),
    one("rev8", kOpImm, 5, 0x6b8, unary<reverse_bytes>),

    two("clmul", kOp, 1, 0x05, Extension::kZbc, binary<carryless>),
    two("clmulh", kOp, 3, 0x05, Extension::kZbc, binary<carryless_high>),
    two("clmulr", kOp, 2, 0x05, Extension::kZbc, binary<carryless_reversed>),

    two("bclr", kOp, 1, 0x24, Extension::kZbs, binary<clear_bit>),
    two("bext", kOp, 5, 0x24, Extension::kZbs, binary<extract_bit>),
    two("binv", kOp, 1, 0x34, Extension::kZbs, binary<invert_bit>),
    two("bset", kOp, 1, 0x14, Extension::kZbs, binary<set_bit>),
    amount("bclri", 1, 0x24, Extension::kZbs, immediate<clear_bit>),
    amount("bexti", 5, 0x24, Extension::kZbs, immediate<extract_bit>),
    amount("binvi", 1, 0x34, Extension::kZbs, immediate<invert_bit>),
    amount("bseti", 1, 0x14, Extension::kZbs, immediate<set_bit>),

    two("czero.eqz", kOp, 5, 0x07, Extension::kZicond, binary<zero_if_zero>),
    two("czero.nez", kOp, 7, 0x07, Extension::kZicond, binary<zero_if_not>),
};

}  // namespace

std::span<const Row> bit_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
