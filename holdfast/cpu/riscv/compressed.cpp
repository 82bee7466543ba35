// SPDX-License-Identifier: Apache-2.0
// SPEC: volume I, chapter 16 ("C" standard extension), RV64 column of tables 16.5 to 16.7.
#include "holdfast/cpu/riscv/decode.hpp"

namespace holdfast::cpu::riscv {
namespace {

using u32 = std::uint32_t;

/// The compressed halfword and the pieces the encodings are made of.
class Half {
 public:
  explicit constexpr Half(std::uint16_t bits) : bits_{bits} {}

  constexpr u32 field(unsigned first, unsigned width) const {
    return (bits_ >> first) & ((1u << width) - 1);
  }
  /// Moves bit `from` of the halfword to bit `to` of the result.
  constexpr u32 move(unsigned from, unsigned to) const { return field(from, 1) << to; }

  constexpr u32 row() const { return field(0, 2) << 3 | field(13, 3); }
  constexpr u32 rd() const { return field(7, 5); }
  constexpr u32 rs2() const { return field(2, 5); }
  constexpr u32 rd_short() const { return 8 + field(2, 3); }   // also rs2'
  constexpr u32 rs1_short() const { return 8 + field(7, 3); }  // also rd' of arithmetic

  constexpr u32 immediate6() const {  // sign-extended to 12 bits
    const u32 low = field(2, 5);
    return move(12, 0) != 0 ? low | 0xfe0 : low;
  }
  constexpr u32 shift() const { return field(12, 1) << 5 | field(2, 5); }
  constexpr u32 word_offset() const { return move(6, 2) | field(10, 3) << 3 | move(5, 6); }
  constexpr u32 double_offset() const { return field(10, 3) << 3 | field(5, 2) << 6; }

 private:
  u32 bits_;
};

constexpr u32 make_r(u32 opcode, u32 f3, u32 f7, u32 rd, u32 rs1, u32 rs2) {
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}
constexpr u32 make_i(u32 opcode, u32 f3, u32 rd, u32 rs1, u32 immediate) {
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | (immediate & 0xfff) << 20;
}
constexpr u32 make_s(u32 opcode, u32 f3, u32 rs1, u32 rs2, u32 immediate) {
  return opcode | (immediate & 0x1f) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 |
         (immediate >> 5 & 0x7f) << 25;
}
constexpr u32 make_j(u32 rd, u32 offset) {
  return 0x6f | rd << 7 | (offset >> 12 & 0xff) << 12 | (offset >> 11 & 1) << 20 |
         (offset >> 1 & 0x3ff) << 21 | (offset >> 20 & 1) << 31;
}
constexpr u32 make_b(u32 f3, u32 rs1, u32 offset) {
  return 0x63 | (offset >> 11 & 1) << 7 | (offset >> 1 & 0xf) << 8 | f3 << 12 | rs1 << 15 |
         (offset >> 5 & 0x3f) << 25 | (offset >> 12 & 1) << 31;
}

constexpr u32 kOpImm = 0x13, kOpImm32 = 0x1b, kOp = 0x33, kOp32 = 0x3b, kLui = 0x37;
constexpr u32 kLoad = 0x03, kLoadFp = 0x07, kStore = 0x23, kStoreFp = 0x27, kJalr = 0x67;
constexpr u32 kNone = 0;

constexpr u32 addi4spn(Half h) {
  const u32 offset = h.field(11, 2) << 4 | h.field(7, 4) << 6 | h.move(6, 2) | h.move(5, 3);
  return offset == 0 ? kNone : make_i(kOpImm, 0, h.rd_short(), 2, offset);
}

constexpr u32 addi16sp_or_lui(Half h) {
  if (h.rd() == 2) {
    u32 offset = h.move(6, 4) | h.move(2, 5) | h.move(5, 6) | h.field(3, 2) << 7;
    if (h.move(12, 0) != 0) offset |= 0xe00;
    return offset == 0 ? kNone : make_i(kOpImm, 0, 2, 2, offset);
  }
  u32 upper = h.field(2, 5);
  if (h.move(12, 0) != 0) upper |= 0xfffe0;
  return upper == 0 ? kNone : kLui | h.rd() << 7 | upper << 12;
}

constexpr u32 register_arithmetic(Half h) {
  const u32 rd = h.rs1_short(), rs2 = h.rd_short();
  if (h.field(12, 1) == 0) {
    constexpr u32 kF3[] = {0, 4, 6, 7};  // sub, xor, or, and
    const u32 which = h.field(5, 2);
    return make_r(kOp, kF3[which], which == 0 ? 0x20 : 0, rd, rd, rs2);
  }
  switch (h.field(5, 2)) {
    case 0:
      return make_r(kOp32, 0, 0x20, rd, rd, rs2);  // subw
    case 1:
      return make_r(kOp32, 0, 0, rd, rd, rs2);  // addw
    default:
      return kNone;
  }
}

constexpr u32 arithmetic(Half h) {
  const u32 rd = h.rs1_short();
  switch (h.field(10, 2)) {
    case 0:
      return make_i(kOpImm, 5, rd, rd, h.shift());  // srli
    case 1:
      return make_i(kOpImm, 5, rd, rd, 0x400 | h.shift());  // srai
    case 2:
      return make_i(kOpImm, 7, rd, rd, h.immediate6());  // andi
    default:
      return register_arithmetic(h);
  }
}

constexpr u32 jump_offset(Half h) {
  u32 offset = h.field(3, 3) << 1 | h.move(11, 4) | h.move(2, 5) | h.move(7, 6) | h.move(6, 7) |
               h.field(9, 2) << 8 | h.move(8, 10);
  if (h.move(12, 0) != 0) offset |= 0xfffff800;
  return offset;
}

constexpr u32 branch_offset(Half h) {
  u32 offset = h.field(3, 2) << 1 | h.field(10, 2) << 3 | h.move(2, 5) | h.field(5, 2) << 6;
  if (h.move(12, 0) != 0) offset |= 0xffffff00;
  return offset;
}

constexpr u32 jump_or_move(Half h) {
  const bool link = h.field(12, 1) != 0;
  if (h.rs2() != 0) return make_r(kOp, 0, 0, h.rd(), link ? h.rd() : 0, h.rs2());  // add, mv
  if (h.rd() != 0) return make_i(kJalr, 0, link ? 1 : 0, h.rd(), 0);
  return link ? 0x00100073 : kNone;  // ebreak
}

constexpr u32 word_sp_load(Half h) {
  return h.field(4, 3) << 2 | h.move(12, 5) | h.field(2, 2) << 6;
}
constexpr u32 double_sp_load(Half h) {
  return h.field(5, 2) << 3 | h.move(12, 5) | h.field(2, 3) << 6;
}
constexpr u32 word_sp_store(Half h) {
  return h.field(9, 4) << 2 | h.field(7, 2) << 6;
}
constexpr u32 double_sp_store(Half h) {
  return h.field(10, 3) << 3 | h.field(7, 3) << 6;
}

constexpr u32 expand(Half h) {
  const u32 rd = h.rd(), rs1s = h.rs1_short(), rds = h.rd_short();
  switch (h.row()) {
    // Quadrant 0
    case 0:
      return addi4spn(h);
    case 1:
      return make_i(kLoadFp, 3, rds, rs1s, h.double_offset());  // fld
    case 2:
      return make_i(kLoad, 2, rds, rs1s, h.word_offset());  // lw
    case 3:
      return make_i(kLoad, 3, rds, rs1s, h.double_offset());  // ld
    case 5:
      return make_s(kStoreFp, 3, rs1s, rds, h.double_offset());  // fsd
    case 6:
      return make_s(kStore, 2, rs1s, rds, h.word_offset());  // sw
    case 7:
      return make_s(kStore, 3, rs1s, rds, h.double_offset());  // sd
    // Quadrant 1
    case 8:
      return make_i(kOpImm, 0, rd, rd, h.immediate6());  // addi
    case 9:
      return rd == 0 ? kNone : make_i(kOpImm32, 0, rd, rd, h.immediate6());  // addiw
    case 10:
      return make_i(kOpImm, 0, rd, 0, h.immediate6());  // li
    case 11:
      return addi16sp_or_lui(h);
    case 12:
      return arithmetic(h);
    case 13:
      return make_j(0, jump_offset(h));
    case 14:
      return make_b(0, rs1s, branch_offset(h));  // beqz
    case 15:
      return make_b(1, rs1s, branch_offset(h));  // bnez
    // Quadrant 2
    case 16:
      return make_i(kOpImm, 1, rd, rd, h.shift());  // slli
    case 17:
      return make_i(kLoadFp, 3, rd, 2, double_sp_load(h));  // fldsp
    case 18:
      return rd == 0 ? kNone : make_i(kLoad, 2, rd, 2, word_sp_load(h));  // lwsp
    case 19:
      return rd == 0 ? kNone : make_i(kLoad, 3, rd, 2, double_sp_load(h));  // ldsp
    case 20:
      return jump_or_move(h);
    case 21:
      return make_s(kStoreFp, 3, 2, h.rs2(), double_sp_store(h));  // fsdsp
    case 22:
      return make_s(kStore, 2, 2, h.rs2(), word_sp_store(h));  // swsp
    case 23:
      return make_s(kStore, 3, 2, h.rs2(), double_sp_store(h));  // sdsp
    default:
      return kNone;
  }
}

}  // namespace

std::uint32_t expand_compressed(std::uint16_t half) {
  return expand(Half{half});
}

}  // namespace holdfast::cpu::riscv
