// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/disassemble.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string_view>

#include "holdfast/cpu/riscv/csr.hpp"
#include "holdfast/cpu/riscv/decode.hpp"

namespace holdfast::cpu::riscv {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

constexpr std::array<const char*, 32> kIntegerNames{
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr std::array<const char*, 32> kFloatNames{
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1", "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4", "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
constexpr std::array<const char*, 8> kRoundings{"rne", "rtz",     "rdn",     "rup",
                                                "rmm", "unknown", "unknown", "dyn"};

// Major opcodes, bits 6 to 0.
constexpr u32 kLoad = 0x03, kMiscMem = 0x0f, kStoreFp = 0x27, kAmo = 0x2f;
constexpr u32 kFmadd = 0x43, kFnmadd = 0x4f, kOpFp = 0x53, kJalr = 0x67;

constexpr u32 kFieldRd = 0x1fu << 7, kFieldF3 = 7u << 12, kFieldRs2 = 0x1fu << 20;
constexpr u32 kDynamic = 7;

constexpr u32 field(u32 word, unsigned first, unsigned width) {
  return word >> first & ((1u << width) - 1);
}

std::string csr_text(u32 number) {
  const char* name = csr_name(number);
  if (name == nullptr) return fmt::format("{:#x}", number);
  // The event counters share rows: their names are a stem and a number.
  const u32 index = number & 0x1f;
  switch (index < 3 ? 0 : number & ~0x1fu) {
    case 0xb00:
      return fmt::format("mhpmcounter{}", index);
    case 0x320:
      return fmt::format("mhpmevent{}", index);
    case 0xc00:
      return fmt::format("hpmcounter{}", index);
    default:
      return name;
  }
}

/// What a FENCE orders: of input, output, reads and writes, those in the set.
std::string fence_set(u32 set) {
  std::string text;
  for (unsigned i = 0; i < 4; ++i)
    if ((set & 8u >> i) != 0) text += "iorw"[i];
  return text.empty() ? "unknown" : text;
}

/// Fills a template in which letters stand for operands and anything else for itself.
class Operands {
 public:
  Operands(const Instruction& i, u32 word, u64 pc) : i_{i}, word_{word}, pc_{pc} {}

  std::string fill(std::string_view pattern) const {
    std::string text;
    for (const char letter : pattern) text += operand(letter);
    return text;
  }

 private:
  std::string operand(char letter) const {
    switch (letter) {
      case 'd':
        return kIntegerNames[field(word_, 7, 5)];
      case 's':
        return kIntegerNames[i_.rs1];
      case 't':
        return kIntegerNames[i_.rs2];
      case 'D':
        return kFloatNames[field(word_, 7, 5)];
      case 'S':
        return kFloatNames[i_.rs1];
      case 'T':
        return kFloatNames[i_.rs2];
      case 'U':
        return kFloatNames[i_.rs3];
      case 'i':
        return std::to_string(i_.immediate);
      case 'x':  // a shift amount
        return fmt::format("{:#x}", i_.immediate & 0x3f);
      case 'u':
        return fmt::format("{:#x}", static_cast<u32>(i_.immediate) >> 12);
      case 'b':  // a place relative to this one
        return fmt::format("{:#x}", pc_ + static_cast<u64>(std::int64_t{i_.immediate}));
      case 'c':
        return csr_text(static_cast<u32>(i_.immediate));
      case 'z':  // an immediate in rs1's place
        return std::to_string(i_.rs1);
      case 'm':
        return kRoundings[i_.rounding];
      case 'p':
        return fence_set(field(word_, 24, 4)) + "," + fence_set(field(word_, 20, 4));
      default:
        return std::string(1, letter);
    }
  }

  Instruction i_;
  u32 word_;
  u64 pc_;
};

// Instructions of 32 bits -------------------------------------------------------------------------
// Operands follow from the row: a field that its mask fixes is none.

std::string float_pattern(const Row& row, u32 word) {
  const u32 opcode = field(word, 0, 7), funct5 = field(word, 27, 5);
  const bool fused = opcode >= kFmadd && opcode <= kFnmadd;
  const bool from_integer = opcode == kOpFp && (funct5 == 0x1a || funct5 == 0x1e);
  std::string pattern = row.format == Format::kFloatToInteger ? "d," : "D,";
  pattern += from_integer ? 's' : 'S';
  if ((row.mask & kFieldRs2) == 0) pattern += ",T";
  if (fused) pattern += ",U";
  if ((row.mask & kFieldF3) != 0) return pattern;
  // What cannot be inexact is written without a mode when it has the assembler's one.
  const bool exact = std::strcmp(row.name, "fcvt.d.w") == 0 ||
                     std::strcmp(row.name, "fcvt.d.wu") == 0 ||
                     std::strcmp(row.name, "fcvt.d.s") == 0;
  if (field(word, 12, 3) != (exact ? 0 : kDynamic)) pattern += ",m";
  return pattern;
}

std::string register_pattern(const Row& row, u32 word) {
  const bool two = (row.mask & kFieldRs2) == 0;
  switch (field(word, 0, 7)) {
    case kAmo:
      return two ? "d,t,(s)" : "d,(s)";
    case kMiscMem:  // cache blocks
      return "(s)";
    default:
      return std::string((row.mask & kFieldRd) == 0 ? "d," : "") + (two ? "s,t" : "s");
  }
}

std::string immediate_pattern(u32 word) {
  switch (field(word, 0, 7)) {
    case kLoad:
    case kJalr:
      return "d,i(s)";
    case kMiscMem:
      return "(s)";
    default:
      return "d,s,i";
  }
}

std::string pattern_of(const Row& row, u32 word) {
  switch (row.format) {
    case Format::kR:
      return register_pattern(row, word);
    case Format::kI:
      return immediate_pattern(word);
    case Format::kS:
      return field(word, 0, 7) == kStoreFp ? "T,i(s)" : "t,i(s)";
    case Format::kB:
      return "s,t,b";
    case Format::kU:
      return "d,u";
    case Format::kJ:
      return "d,b";
    case Format::kShift:
      return "d,s,x";
    case Format::kCsr:
      return field(word, 14, 1) != 0 ? "d,c,z" : "d,c,s";
    case Format::kFloat:
    case Format::kFloatToInteger:
      return float_pattern(row, word);
    case Format::kFloatLoad:
      return "D,i(s)";
    default:
      return field(word, 0, 7) == kMiscMem && field(word, 12, 3) == 0 ? "p" : "";
  }
}

constexpr u32 kFenceTso = 0x8330000f, kPause = 0x0100000f;  // fences that have names

std::string name_of(const Row& row, u32 word) {
  std::string name = row.name;
  if (field(word, 0, 7) != kAmo) return name;
  constexpr const char* kOrders[] = {"", ".rl", ".aq", ".aqrl"};
  return name + kOrders[field(word, 25, 2)];
}

std::string joined(std::string name, const std::string& operands) {
  return operands.empty() ? name : std::move(name) + " " + operands;
}

// Compressed instructions -------------------------------------------------------------------------
// Their operands are those of the instruction they stand for.

struct CompressedRow {
  const char* name;
  std::uint16_t mask;
  std::uint16_t match;
  const char* pattern;
};

// Earlier rows are the special cases of later ones.
constexpr CompressedRow kCompressed[] = {
    {"c.addi4spn", 0xe003, 0x0000, "d,s,i"},
    {"c.fld", 0xe003, 0x2000, "D,i(s)"},
    {"c.lw", 0xe003, 0x4000, "d,i(s)"},
    {"c.ld", 0xe003, 0x6000, "d,i(s)"},
    {"c.fsd", 0xe003, 0xa000, "T,i(s)"},
    {"c.sw", 0xe003, 0xc000, "t,i(s)"},
    {"c.sd", 0xe003, 0xe000, "t,i(s)"},

    {"c.addi", 0xe003, 0x0001, "d,i"},
    {"c.addiw", 0xe003, 0x2001, "d,i"},
    {"c.li", 0xe003, 0x4001, "d,i"},
    {"c.addi16sp", 0xef83, 0x6101, "d,i"},
    {"c.lui", 0xe003, 0x6001, "d,u"},
    {"c.srli64", 0xfc7f, 0x8001, "d"},
    {"c.srli", 0xec03, 0x8001, "d,x"},
    {"c.srai64", 0xfc7f, 0x8401, "d"},
    {"c.srai", 0xec03, 0x8401, "d,x"},
    {"c.andi", 0xec03, 0x8801, "d,i"},
    {"c.sub", 0xfc63, 0x8c01, "d,t"},
    {"c.xor", 0xfc63, 0x8c21, "d,t"},
    {"c.or", 0xfc63, 0x8c41, "d,t"},
    {"c.and", 0xfc63, 0x8c61, "d,t"},
    {"c.subw", 0xfc63, 0x9c01, "d,t"},
    {"c.addw", 0xfc63, 0x9c21, "d,t"},
    {"c.j", 0xe003, 0xa001, "b"},
    {"c.beqz", 0xe003, 0xc001, "s,b"},
    {"c.bnez", 0xe003, 0xe001, "s,b"},

    {"c.slli64", 0xf07f, 0x0002, "d"},
    {"c.slli", 0xe003, 0x0002, "d,x"},
    {"c.fldsp", 0xe003, 0x2002, "D,i(s)"},
    {"c.lwsp", 0xe003, 0x4002, "d,i(s)"},
    {"c.ldsp", 0xe003, 0x6002, "d,i(s)"},
    {"c.jr", 0xf07f, 0x8002, "s"},
    {"c.mv", 0xf003, 0x8002, "d,t"},
    {"c.ebreak", 0xffff, 0x9002, ""},
    {"c.jalr", 0xf07f, 0x9002, "s"},
    {"c.add", 0xf003, 0x9002, "d,t"},
    {"c.fsdsp", 0xe003, 0xa002, "T,i(s)"},
    {"c.swsp", 0xe003, 0xc002, "t,i(s)"},
    {"c.sdsp", 0xe003, 0xe002, "t,i(s)"},
};

const CompressedRow* find_compressed(u32 half) {
  for (const CompressedRow& row : kCompressed)
    if ((half & row.mask) == row.match) return &row;
  return nullptr;
}

const Decoder& everything() {
  static const Decoder decoder{IsaSet::all()};
  return decoder;
}

std::string disassemble_compressed(u32 half, u64 pc) {
  const u32 word = expand_compressed(static_cast<std::uint16_t>(half));
  const CompressedRow* row = everything().find(word) == nullptr ? nullptr : find_compressed(half);
  if (row == nullptr) return fmt::format(".2byte {:#x}", half);
  const Instruction instruction = everything().decode(word).instruction;
  return joined(row->name, Operands{instruction, word, pc}.fill(row->pattern));
}

}  // namespace

std::string disassemble(u32 instruction, u64 pc) {
  if (length_of(instruction) == 2) return disassemble_compressed(instruction & 0xffff, pc);
  const Row* row = everything().find(instruction);
  if (row == nullptr) return fmt::format(".4byte {:#x}", instruction);
  if (instruction == kFenceTso) return "fence.tso";
  if (instruction == kPause) return "pause";
  const Operands operands{everything().decode(instruction).instruction, instruction, pc};
  return joined(name_of(*row, instruction), operands.fill(pattern_of(*row, instruction)));
}

}  // namespace holdfast::cpu::riscv
