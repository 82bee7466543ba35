// SPDX-License-Identifier: Apache-2.0
// RV64I: arithmetic, logic, shifts, comparisons.
#include "holdfast/cpu/riscv/core.hpp"
#include "holdfast/cpu/riscv/exec.hpp"

namespace holdfast::cpu::riscv {
namespace {

constexpr u64 add(u64 a, u64 b) {
  return a + b;
}
constexpr u64 sub(u64 a, u64 b) {
  return a - b;
}
constexpr u64 bit_and(u64 a, u64 b) {
  return a & b;
}
constexpr u64 bit_or(u64 a, u64 b) {
  return a | b;
}
constexpr u64 bit_xor(u64 a, u64 b) {
  return a ^ b;
}
constexpr u64 less(u64 a, u64 b) {
  return as_signed(a) < as_signed(b);
}
constexpr u64 below(u64 a, u64 b) {
  return a < b;
}
constexpr u64 shift_left(u64 a, u64 b) {
  return a << (b & 63);
}
constexpr u64 shift_right(u64 a, u64 b) {
  return a >> (b & 63);
}
constexpr u64 shift_arithmetic(u64 a, u64 b) {
  return static_cast<u64>(as_signed(a) >> (b & 63));
}
constexpr u64 add_word(u64 a, u64 b) {
  return extend_word(a + b);
}
constexpr u64 sub_word(u64 a, u64 b) {
  return extend_word(a - b);
}
constexpr u64 shift_left_word(u64 a, u64 b) {
  return extend_word(a << (b & 31));
}
constexpr u64 shift_right_word(u64 a, u64 b) {
  return extend_word((a & 0xffffffff) >> (b & 31));
}
constexpr u64 shift_arithmetic_word(u64 a, u64 b) {
  return static_cast<u64>(as_signed(extend_word(a)) >> (b & 31));
}

Flow load_upper(Core& core, const Instruction& i) {
  core.x[i.rd] = extend(i.immediate);
  return Flow::kNext;
}
Flow add_upper_to_pc(Core& core, const Instruction& i) {
  core.x[i.rd] = core.pc_of(i) + extend(i.immediate);
  return Flow::kNext;
}

constexpr std::uint32_t kOp = 0x33, kOp32 = 0x3b, kOpImm = 0x13, kOpImm32 = 0x1b;

constexpr Row op(const char* name, std::uint32_t f3, std::uint32_t f7, Handler run) {
  return {name, kMaskFunct7, funct7(kOp, f3, f7), Format::kR, Extension::kI, run};
}
constexpr Row op_word(const char* name, std::uint32_t f3, std::uint32_t f7, Handler run) {
  return {name, kMaskFunct7, funct7(kOp32, f3, f7), Format::kR, Extension::kI, run};
}
constexpr Row op_immediate(const char* name, std::uint32_t f3, Handler run) {
  return {name, kMaskFunct3, funct3(kOpImm, f3), Format::kI, Extension::kI, run};
}
constexpr Row op_shift(const char* name, std::uint32_t f3, std::uint32_t f7, Handler run) {
  return {name, kMaskShift, funct7(kOpImm, f3, f7), Format::kShift, Extension::kI, run};
}
constexpr Row op_shift_word(const char* name, std::uint32_t f3, std::uint32_t f7, Handler run) {
  return {name, kMaskFunct7, funct7(kOpImm32, f3, f7), Format::kShift, Extension::kI, run};
}

constexpr Row kRows[] = {
    {"lui", kMaskOpcode, 0x37, Format::kU, Extension::kI, load_upper},
    {"auipc", kMaskOpcode, 0x17, Format::kU, Extension::kI, add_upper_to_pc},

    op_immediate("addi", 0, immediate<add>),
    op_immediate("slti", 2, immediate<less>),
    op_immediate("sltiu", 3, immediate<below>),
    op_immediate("xori", 4, immediate<bit_xor>),
    op_immediate("ori", 6, immediate<bit_or>),
    op_immediate("andi", 7, immediate<bit_and>),
    op_shift("slli", 1, 0x00, immediate<shift_left>),
    op_shift("srli", 5, 0x00, immediate<shift_right>),
    op_shift("srai", 5, 0x20, immediate<shift_arithmetic>),

    op("add", 0, 0x00, binary<add>),
    op("sub", 0, 0x20, binary<sub>),
    op("sll", 1, 0x00, binary<shift_left>),
    op("slt", 2, 0x00, binary<less>),
    op("sltu", 3, 0x00, binary<below>),
    op("xor", 4, 0x00, binary<bit_xor>),
    op("srl", 5, 0x00, binary<shift_right>),
    op("sra", 5, 0x20, binary<shift_arithmetic>),
    op("or", 6, 0x00, binary<bit_or>),
    op("and", 7, 0x00, binary<bit_and>),

    {"addiw", kMaskFunct3, funct3(kOpImm32, 0), Format::kI, Extension::kI, immediate<add_word>},
    op_shift_word("slliw", 1, 0x00, immediate<shift_left_word>),
    op_shift_word("srliw", 5, 0x00, immediate<shift_right_word>),
    op_shift_word("sraiw", 5, 0x20, immediate<shift_arithmetic_word>),
    op_word("addw", 0, 0x00, binary<add_word>),
    op_word("subw", 0, 0x20, binary<sub_word>),
    op_word("sllw", 1, 0x00, binary<shift_left_word>),
    op_word("srlw", 5, 0x00, binary<shift_right_word>),
    op_word("sraw", 5, 0x20, binary<shift_arithmetic_word>),
};

}  // namespace

std::span<const Row> integer_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
