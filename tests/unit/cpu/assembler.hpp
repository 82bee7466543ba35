// SPDX-License-Identifier: Apache-2.0
// Enough of an assembler to write test programs as C++: one function an instruction, from the
// encodings of the specification, independent of the decoder under test.
#pragma once

#include <cstdint>

namespace holdfast::test::riscv {

using Word = std::uint32_t;
using Reg = std::uint32_t;

inline constexpr Reg kZero = 0, kRa = 1, kSp = 2, kT0 = 5, kT1 = 6, kT2 = 7, kA0 = 10, kA1 = 11,
                     kA2 = 12, kA3 = 13, kA4 = 14, kA5 = 15;

constexpr Word r_type(Word opcode, Word f3, Word f7, Reg rd, Reg rs1, Reg rs2) {
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}
constexpr Word i_type(Word opcode, Word f3, Reg rd, Reg rs1, std::int32_t immediate) {
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | static_cast<Word>(immediate) << 20;
}
constexpr Word s_type(Word opcode, Word f3, Reg rs1, Reg rs2, std::int32_t immediate) {
  const auto u = static_cast<Word>(immediate);
  return opcode | (u & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (u >> 5 & 127) << 25;
}
constexpr Word b_type(Word f3, Reg rs1, Reg rs2, std::int32_t offset) {
  const auto u = static_cast<Word>(offset);
  return 0x63 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
         (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}

constexpr Word lui(Reg rd, Word upper20) {
  return 0x37 | rd << 7 | upper20 << 12;
}
constexpr Word auipc(Reg rd, Word upper20) {
  return 0x17 | rd << 7 | upper20 << 12;
}
constexpr Word addi(Reg rd, Reg rs1, std::int32_t i) {
  return i_type(0x13, 0, rd, rs1, i);
}
constexpr Word li(Reg rd, std::int32_t i) {
  return addi(rd, kZero, i);
}
constexpr Word nop() {
  return addi(0, 0, 0);
}
constexpr Word op(Word f3, Word f7, Reg rd, Reg rs1, Reg rs2) {
  return r_type(0x33, f3, f7, rd, rs1, rs2);
}
constexpr Word op32(Word f3, Word f7, Reg rd, Reg rs1, Reg rs2) {
  return r_type(0x3b, f3, f7, rd, rs1, rs2);
}
constexpr Word add(Reg rd, Reg rs1, Reg rs2) {
  return op(0, 0, rd, rs1, rs2);
}
constexpr Word jal(Reg rd, std::int32_t offset) {
  const auto u = static_cast<Word>(offset);
  return 0x6f | rd << 7 | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
         (u >> 20 & 1) << 31;
}
constexpr Word jalr(Reg rd, Reg rs1, std::int32_t i) {
  return i_type(0x67, 0, rd, rs1, i);
}
constexpr Word beq(Reg a, Reg b, std::int32_t offset) {
  return b_type(0, a, b, offset);
}
constexpr Word bne(Reg a, Reg b, std::int32_t offset) {
  return b_type(1, a, b, offset);
}

constexpr Word load(Word f3, Reg rd, Reg base, std::int32_t i = 0) {
  return i_type(0x03, f3, rd, base, i);
}
constexpr Word store(Word f3, Reg base, Reg source, std::int32_t i = 0) {
  return s_type(0x23, f3, base, source, i);
}
constexpr Word lb(Reg rd, Reg base, std::int32_t i = 0) {
  return load(0, rd, base, i);
}
constexpr Word lh(Reg rd, Reg base, std::int32_t i = 0) {
  return load(1, rd, base, i);
}
constexpr Word lw(Reg rd, Reg base, std::int32_t i = 0) {
  return load(2, rd, base, i);
}
constexpr Word ld(Reg rd, Reg base, std::int32_t i = 0) {
  return load(3, rd, base, i);
}
constexpr Word lbu(Reg rd, Reg base, std::int32_t i = 0) {
  return load(4, rd, base, i);
}
constexpr Word lhu(Reg rd, Reg base, std::int32_t i = 0) {
  return load(5, rd, base, i);
}
constexpr Word lwu(Reg rd, Reg base, std::int32_t i = 0) {
  return load(6, rd, base, i);
}
constexpr Word sb(Reg source, Reg base, std::int32_t i = 0) {
  return store(0, base, source, i);
}
constexpr Word sh(Reg source, Reg base, std::int32_t i = 0) {
  return store(1, base, source, i);
}
constexpr Word sw(Reg source, Reg base, std::int32_t i = 0) {
  return store(2, base, source, i);
}
constexpr Word sd(Reg source, Reg base, std::int32_t i = 0) {
  return store(3, base, source, i);
}

constexpr Word kWordWidth = 2, kDoubleWidth = 3;
constexpr Word amo(Word f5, Word width, Reg rd, Reg address, Reg source) {
  return r_type(0x2f, width, f5 << 2, rd, address, source);
}
constexpr Word lr(Word width, Reg rd, Reg address) {
  return amo(2, width, rd, address, 0);
}
constexpr Word sc(Word width, Reg rd, Reg address, Reg source) {
  return amo(3, width, rd, address, source);
}

constexpr Word csrrw(Reg rd, Word csr, Reg rs1) {
  return 0x1073 | rd << 7 | rs1 << 15 | csr << 20;
}
constexpr Word csrrs(Reg rd, Word csr, Reg rs1) {
  return 0x2073 | rd << 7 | rs1 << 15 | csr << 20;
}
constexpr Word csrrc(Reg rd, Word csr, Reg rs1) {
  return 0x3073 | rd << 7 | rs1 << 15 | csr << 20;
}
constexpr Word csrrwi(Reg rd, Word csr, Word i) {
  return 0x5073 | rd << 7 | i << 15 | csr << 20;
}
constexpr Word csrr(Reg rd, Word csr) {
  return csrrs(rd, csr, 0);
}
constexpr Word csrw(Word csr, Reg rs1) {
  return csrrw(0, csr, rs1);
}

constexpr Word cbo_inval(Reg rs1) {
  return 0x0000200f | rs1 << 15;
}
constexpr Word cbo_clean(Reg rs1) {
  return 0x0010200f | rs1 << 15;
}
constexpr Word cbo_flush(Reg rs1) {
  return 0x0020200f | rs1 << 15;
}
constexpr Word cbo_zero(Reg rs1) {
  return 0x0040200f | rs1 << 15;
}

constexpr Word ecall() {
  return 0x00000073;
}
constexpr Word ebreak() {
  return 0x00100073;
}
constexpr Word mret() {
  return 0x30200073;
}
constexpr Word sret() {
  return 0x10200073;
}
constexpr Word wfi() {
  return 0x10500073;
}
constexpr Word fence_i() {
  return 0x0000100f;
}
constexpr Word sfence_vma() {
  return 0x12000073;
}

/// funct5 and format (0 single, 1 double) of OP-FP.
constexpr Word op_fp(Word f5, Word format, Word rm, Reg rd, Reg rs1, Reg rs2) {
  return r_type(0x53, rm, f5 << 2 | format, rd, rs1, rs2);
}

namespace csr {
inline constexpr Word kFflags = 0x001, kFrm = 0x002, kFcsr = 0x003, kSstatus = 0x100, kSie = 0x104,
                      kStvec = 0x105, kScounteren = 0x106, kSscratch = 0x140, kSepc = 0x141,
                      kScause = 0x142, kStval = 0x143, kSip = 0x144, kStimecmp = 0x14d,
                      kSatp = 0x180, kMstatus = 0x300, kMisa = 0x301, kMedeleg = 0x302,
                      kMideleg = 0x303, kMie = 0x304, kMtvec = 0x305, kMcounteren = 0x306,
                      kMenvcfg = 0x30a, kSenvcfg = 0x10a, kMcountinhibit = 0x320, kMscratch = 0x340, kMepc = 0x341,
                      kMcause = 0x342, kMtval = 0x343, kMip = 0x344, kPmpcfg0 = 0x3a0,
                      kPmpaddr0 = 0x3b0, kMcycle = 0xb00, kMinstret = 0xb02, kCycle = 0xc00,
                      kTime = 0xc01, kInstret = 0xc02, kMhartid = 0xf14;
}  // namespace csr

}  // namespace holdfast::test::riscv
