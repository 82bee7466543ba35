// SPDX-License-Identifier: Apache-2.0
// Turns instruction words into decoded instructions.
//
// The instructions themselves are described where they are carried out: each exec_*.cpp ends with
// a table of rows, and the decoder is nothing but those tables sorted by major opcode.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/cpu/riscv/instruction.hpp"
#include "holdfast/cpu/riscv/isa.hpp"

namespace holdfast::cpu::riscv {

/// Where the operands stand in the word, and what kind of register rd names.
enum class Format : std::uint8_t {
  kR,               // rd, rs1, rs2
  kI,               // rd, rs1, 12-bit immediate
  kS,               // rs1, rs2, 12-bit immediate in two pieces
  kB,               // rs1, rs2, branch offset
  kU,               // rd, upper immediate
  kJ,               // rd, jump offset
  kShift,           // rd, rs1, 6-bit amount
  kCsr,             // rd, rs1 or 5-bit immediate, register number
  kFloat,           // floating rd, rs1, rs2, rs3, rm
  kFloatToInteger,  // integer rd, rs1, rs2, rm
  kFloatLoad,       // floating rd, rs1, 12-bit immediate
  kNone,
};

/// Whether a block may go on behind the instruction.
enum class Ends : std::uint8_t { kNo, kYes };

struct Row {
  const char* name{};
  std::uint32_t mask{};
  std::uint32_t match{};
  Format format{};
  Extension extension{};
  Handler run{};
  Ends ends = Ends::kNo;
};

class Decoder {
 public:
  explicit Decoder(IsaSet isa);
  IsaSet isa() const { return isa_; }

  struct Decoded {
    Instruction instruction;
    Ends ends = Ends::kNo;
  };
  /// `word` holds at least the instruction's bytes: the upper half is ignored for compressed ones.
  /// What is no instruction decodes to one that raises an illegal-instruction exception.
  Decoded decode(std::uint32_t word) const;

  /// The row a 32-bit instruction matches, or nullptr.
  const Row* find(std::uint32_t word) const;

 private:
  IsaSet isa_;
  std::array<std::vector<Row>, 32> by_opcode_;  // by bits 6 to 2
};

/// 2 or 4, from the first halfword.
constexpr unsigned length_of(std::uint32_t word) {
  return (word & 3) == 3 ? 4 : 2;
}

/// The 32-bit instruction a compressed one stands for; 0, which is no instruction, if none.
std::uint32_t expand_compressed(std::uint16_t half);

// The groups, each with its rows.
std::span<const Row> integer_rows();
std::span<const Row> multiply_rows();
std::span<const Row> bit_rows();
std::span<const Row> branch_rows();
std::span<const Row> memory_rows();
std::span<const Row> atomic_rows();
std::span<const Row> float_rows();
std::span<const Row> system_rows();
Flow illegal_instruction(Core& core, const Instruction& instruction);

/// Rows with the usual fields fixed: opcode (7 bits), funct3, funct7.
constexpr std::uint32_t kMaskOpcode = 0x7f;
constexpr std::uint32_t kMaskFunct3 = 0x707f;
constexpr std::uint32_t kMaskFunct7 = 0xfe00707f;
constexpr std::uint32_t kMaskShift = 0xfc00707f;
constexpr std::uint32_t kMaskAll = 0xffffffff;
constexpr std::uint32_t funct3(std::uint32_t opcode, std::uint32_t f3) {
  return opcode | f3 << 12;
}
constexpr std::uint32_t funct7(std::uint32_t opcode, std::uint32_t f3, std::uint32_t f7) {
  return opcode | f3 << 12 | f7 << 25;
}

}  // namespace holdfast::cpu::riscv
