// SPDX-License-Identifier: Apache-2.0
// A decoded instruction: its operands taken apart and the function that carries it out.
#pragma once

#include <cstdint>

namespace holdfast::cpu::riscv {

struct Core;
struct Instruction;

/// How an instruction ended, seen from the block it stands in.
enum class Flow : unsigned {
  kNext,  // done; the following instruction of the block is next
  kJump,  // done; `Core::pc` says what is next
  kEnd,   // done; the following instruction is next, but must be looked up again
  kTrap,  // not done; `Core::exception` says why
};

using Handler = Flow (*)(Core&, const Instruction&);

/// The index that writes to x0 are sent to: nothing reads it.
inline constexpr std::uint8_t kDiscard = 32;

struct Instruction {
  Handler run = nullptr;
  std::int32_t immediate = 0;  // sign-extended; the register number for CSR instructions
  std::uint32_t raw = 0;       // as fetched: 16 bits if compressed
  std::uint8_t rd = kDiscard;  // integer destinations: kDiscard for x0
  std::uint8_t rs1 = 0;
  std::uint8_t rs2 = 0;
  std::uint8_t rs3 = 0;
  std::uint16_t page_offset = 0;  // of its first byte in its page
  std::uint8_t length = 0;        // 2 or 4; 0 for the mark at the end of a block
  std::uint8_t rounding = 0;      // the rm field of floating-point instructions
};

}  // namespace holdfast::cpu::riscv
