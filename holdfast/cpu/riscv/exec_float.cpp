// SPDX-License-Identifier: Apache-2.0
// F and D. The arithmetic is in fp.cpp; here is what surrounds it: whether the unit is on, the
// rounding mode, NaN boxing, and where results and flags go.
// SPEC: volume I, chapters 11 and 12.
#include <type_traits>

#include "holdfast/cpu/riscv/exec.hpp"
#include "holdfast/cpu/riscv/fp.hpp"

namespace holdfast::cpu::riscv {
namespace {

using fp::Double;
using fp::Environment;
using fp::Single;

constexpr u64 kBox = 0xffffffff'00000000;

bool is_on(const Core& core) {
  return (core.csr.mstatus & mstatus::kFs) != 0;
}
void touch(Core& core) {
  core.csr.mstatus |= mstatus::kFs;
}

/// A single that is not boxed reads as the canonical NaN.
template <class F>
typename F::Bits read(const Core& core, unsigned index) {
  const u64 value = core.f[index];
  if constexpr (std::is_same_v<F, Single>)
    return (value & kBox) == kBox ? static_cast<u32>(value) : Single::kCanonicalNan;
  else
    return value;
}
template <class F>
void write(Core& core, unsigned index, typename F::Bits value) {
  if constexpr (std::is_same_v<F, Single>)
    core.f[index] = kBox | value;
  else
    core.f[index] = value;
  touch(core);
}

void accrue(Core& core, const Environment& env) {
  if (env.flags == 0) return;
  core.csr.fflags = static_cast<std::uint8_t>(core.csr.fflags | env.flags);
  touch(core);
}

/// The environment of an instruction that rounds. False: it is illegal now.
bool begin(const Core& core, const Instruction& i, Environment& env) {
  constexpr unsigned kDynamic = 7, kLast = 4;
  const unsigned mode = i.rounding == kDynamic ? core.csr.frm : i.rounding;
  if (!is_on(core) || mode > kLast) return false;
  env.rounding = static_cast<fp::Rounding>(mode);
  return true;
}

template <class F>
using Two = typename F::Bits (*)(typename F::Bits, typename F::Bits, Environment&);

template <class F, Two<F> Function>
Flow arithmetic(Core& core, const Instruction& i) {
  Environment env;
  if (!begin(core, i, env)) return core.illegal(i);
  write<F>(core, i.rd, Function(read<F>(core, i.rs1), read<F>(core, i.rs2), env));
  accrue(core, env);
  return Flow::kNext;
}

template <class F>
Flow square_root(Core& core, const Instruction& i) {
  Environment env;
  if (!begin(core, i, env)) return core.illegal(i);
  write<F>(core, i.rd, fp::square_root<F>(read<F>(core, i.rs1), env));
  accrue(core, env);
  return Flow::kNext;
}

enum class Sign : std::uint8_t { kKeep, kFlip };

template <class F, Sign Product, Sign Addend>
Flow multiply_add(Core& core, const Instruction& i) {
  Environment env;
  if (!begin(core, i, env)) return core.illegal(i);
  auto a = read<F>(core, i.rs1);
  auto c = read<F>(core, i.rs3);
  if (Product == Sign::kFlip) a ^= F::kSign;
  if (Addend == Sign::kFlip) c ^= F::kSign;
  write<F>(core, i.rd, fp::multiply_add<F>(a, read<F>(core, i.rs2), c, env));
  accrue(core, env);
  return Flow::kNext;
}

/// Instructions whose rm field selects the operation instead.
template <class F, Two<F> Function>
Flow select(Core& core, const Instruction& i) {
  if (!is_on(core)) return core.illegal(i);
  Environment env;
  write<F>(core, i.rd, Function(read<F>(core, i.rs1), read<F>(core, i.rs2), env));
  accrue(core, env);
  return Flow::kNext;
}

template <class F>
typename F::Bits inject(typename F::Bits a, typename F::Bits b, Environment&) {
  return (a & ~F::kSign) | (b & F::kSign);
}
template <class F>
typename F::Bits inject_negated(typename F::Bits a, typename F::Bits b, Environment&) {
  return (a & ~F::kSign) | (~b & F::kSign);
}
template <class F>
typename F::Bits inject_xor(typename F::Bits a, typename F::Bits b, Environment&) {
  return a ^ (b & F::kSign);
}

template <class F>
using Comparison = bool (*)(typename F::Bits, typename F::Bits, Environment&);

template <class F, Comparison<F> Function>
Flow compare(Core& core, const Instruction& i) {
  if (!is_on(core)) return core.illegal(i);
  Environment env;
  core.x[i.rd] = Function(read<F>(core, i.rs1), read<F>(core, i.rs2), env) ? 1 : 0;
  accrue(core, env);
  return Flow::kNext;
}

template <class F>
Flow classify(Core& core, const Instruction& i) {
  if (!is_on(core)) return core.illegal(i);
  core.x[i.rd] = fp::classify<F>(read<F>(core, i.rs1));
  return Flow::kNext;
}

template <class F, fp::Integer Type>
Flow to_integer(Core& core, const Instruction& i) {
  Environment env;
  if (!begin(core, i, env)) return core.illegal(i);
  core.x[i.rd] = fp::to_integer<F>(read<F>(core, i.rs1), Type, env);
  accrue(core, env);
  return Flow::kNext;
}

template <class F, fp::Integer Type>
Flow from_integer(Core& core, const Instruction& i) {
  Environment env;
  if (!begin(core, i, env)) return core.illegal(i);
  write<F>(core, i.rd, fp::from_integer<F>(core.x[i.rs1], Type, env));
  accrue(core, env);
  return Flow::kNext;
}

Flow widen(Core& core, const Instruction& i) {
  Environment env;
  if (!begin(core, i, env)) return core.illegal(i);
  write<Double>(core, i.rd, fp::widen(read<Single>(core, i.rs1), env));
  accrue(core, env);
  return Flow::kNext;
}

Flow narrow(Core& core, const Instruction& i) {
  Environment env;
  if (!begin(core, i, env)) return core.illegal(i);
  write<Single>(core, i.rd, fp::narrow(core.f[i.rs1], env));
  accrue(core, env);
  return Flow::kNext;
}

/// Moves transfer bits: no boxing is checked.
template <class F>
Flow move_to_integer(Core& core, const Instruction& i) {
  if (!is_on(core)) return core.illegal(i);
  core.x[i.rd] = std::is_same_v<F, Single> ? extend_word(core.f[i.rs1]) : core.f[i.rs1];
  return Flow::kNext;
}

template <class F>
Flow move_from_integer(Core& core, const Instruction& i) {
  if (!is_on(core)) return core.illegal(i);
  write<F>(core, i.rd, static_cast<typename F::Bits>(core.x[i.rs1]));
  return Flow::kNext;
}

// The table: funct7 is funct5 and, in its lowest bits, the format (0 single, 1 double).

constexpr u32 kOpFp = 0x53;

template <class F>
constexpr u32 format_bits() {
  return std::is_same_v<F, Single> ? 0 : 1;
}
template <class F>
constexpr Extension extension_of() {
  return std::is_same_v<F, Single> ? Extension::kF : Extension::kD;
}

template <class F>
constexpr Row rounded(const char* name, u32 f5, Handler run) {
  return {name,           0xfe00007f,        kOpFp | (f5 << 2 | format_bits<F>()) << 25,
          Format::kFloat, extension_of<F>(), run};
}
template <class F>
constexpr Row selected(const char* name, u32 f5, u32 rm, Format format, Handler run) {
  return {name,   kMaskFunct7,       funct7(kOpFp, rm, f5 << 2 | format_bits<F>()),
          format, extension_of<F>(), run};
}
/// One operand; rs2 selects.
template <class F>
constexpr Row converted(const char* name, u32 f5, u32 rs2, Format format, Handler run) {
  return {name,   0xfff0007f,        kOpFp | rs2 << 20 | (f5 << 2 | format_bits<F>()) << 25,
          format, extension_of<F>(), run};
}
template <class F>
constexpr Row moved(const char* name, u32 f5, u32 rm, Format format, Handler run) {
  return {name,   0xfff0707f,        kOpFp | rm << 12 | (f5 << 2 | format_bits<F>()) << 25,
          format, extension_of<F>(), run};
}
template <class F>
constexpr Row fused(const char* name, u32 opcode, Handler run) {
  return {name,           0x0600007f,        opcode | format_bits<F>() << 25,
          Format::kFloat, extension_of<F>(), run};
}

using fp::Integer;
constexpr Format kToInteger = Format::kFloatToInteger;

constexpr Row kRows[] = {
    fused<Single>("fmadd.s", 0x43, multiply_add<Single, Sign::kKeep, Sign::kKeep>),
    fused<Single>("fmsub.s", 0x47, multiply_add<Single, Sign::kKeep, Sign::kFlip>),
    fused<Single>("fnmsub.s", 0x4b, multiply_add<Single, Sign::kFlip, Sign::kKeep>),
    fused<Single>("fnmadd.s", 0x4f, multiply_add<Single, Sign::kFlip, Sign::kFlip>),
    rounded<Single>("fadd.s", 0x00, arithmetic<Single, fp::add<Single>>),
    rounded<Single>("fsub.s", 0x01, arithmetic<Single, fp::subtract<Single>>),
    rounded<Single>("fmul.s", 0x02, arithmetic<Single, fp::multiply<Single>>),
    rounded<Single>("fdiv.s", 0x03, arithmetic<Single, fp::divide<Single>>),
    converted<Single>("fsqrt.s", 0x0b, 0, Format::kFloat, square_root<Single>),
    selected<Single>("fsgnj.s", 0x04, 0, Format::kFloat, select<Single, inject<Single>>),
    selected<Single>("fsgnjn.s", 0x04, 1, Format::kFloat, select<Single, inject_negated<Single>>),
    selected<Single>("fsgnjx.s", 0x04, 2, Format::kFloat, select<Single, inject_xor<Single>>),
    selected<Single>("fmin.s", 0x05, 0, Format::kFloat, select<Single, fp::minimum<Single>>),
    selected<Single>("fmax.s", 0x05, 1, Format::kFloat, select<Single, fp::maximum<Single>>),
    selected<Single>("fle.s", 0x14, 0, kToInteger, compare<Single, fp::less_or_equal<Single>>),
    selected<Single>("flt.s", 0x14, 1, kToInteger, compare<Single, fp::less<Single>>),
    selected<Single>("feq.s", 0x14, 2, kToInteger, compare<Single, fp::equal<Single>>),
    converted<Single>("fcvt.w.s", 0x18, 0, kToInteger, to_integer<Single, Integer::kWord>),
    converted<Single>("fcvt.wu.s", 0x18, 1, kToInteger, to_integer<Single, Integer::kUnsignedWord>),
    converted<Single>("fcvt.l.s", 0x18, 2, kToInteger, to_integer<Single, Integer::kLong>),
    converted<Single>("fcvt.lu.s", 0x18, 3, kToInteger, to_integer<Single, Integer::kUnsignedLong>),
    converted<Single>("fcvt.s.w", 0x1a, 0, Format::kFloat, from_integer<Single, Integer::kWord>),
    converted<Single>("fcvt.s.wu", 0x1a, 1, Format::kFloat,
                      from_integer<Single, Integer::kUnsignedWord>),
    converted<Single>("fcvt.s.l", 0x1a, 2, Format::kFloat, from_integer<Single, Integer::kLong>),
    converted<Single>("fcvt.s.lu", 0x1a, 3, Format::kFloat,
                      from_integer<Single, Integer::kUnsignedLong>),
    moved<Single>("fmv.x.w", 0x1c, 0, kToInteger, move_to_integer<Single>),
    moved<Single>("fclass.s", 0x1c, 1, kToInteger, classify<Single>),
    moved<Single>("fmv.w.x", 0x1e, 0, Format::kFloat, move_from_integer<Single>),

    fused<Double>("fmadd.d", 0x43, multiply_add<Double, Sign::kKeep, Sign::kKeep>),
    fused<Double>("fmsub.d", 0x47, multiply_add<Double, Sign::kKeep, Sign::kFlip>),
    fused<Double>("fnmsub.d", 0x4b, multiply_add<Double, Sign::kFlip, Sign::kKeep>),
    fused<Double>("fnmadd.d", 0x4f, multiply_add<Double, Sign::kFlip, Sign::kFlip>),
    rounded<Double>("fadd.d", 0x00, arithmetic<Double, fp::add<Double>>),
    rounded<Double>("fsub.d", 0x01, arithmetic<Double, fp::subtract<Double>>),
    rounded<Double>("fmul.d", 0x02, arithmetic<Double, fp::multiply<Double>>),
    rounded<Double>("fdiv.d", 0x03, arithmetic<Double, fp::divide<Double>>),
    converted<Double>("fsqrt.d", 0x0b, 0, Format::kFloat, square_root<Double>),
    selected<Double>("fsgnj.d", 0x04, 0, Format::kFloat, select<Double, inject<Double>>),
    selected<Double>("fsgnjn.d", 0x04, 1, Format::kFloat, select<Double, inject_negated<Double>>),
    selected<Double>("fsgnjx.d", 0x04, 2, Format::kFloat, select<Double, inject_xor<Double>>),
    selected<Double>("fmin.d", 0x05, 0, Format::kFloat, select<Double, fp::minimum<Double>>),
    selected<Double>("fmax.d", 0x05, 1, Format::kFloat, select<Double, fp::maximum<Double>>),
    selected<Double>("fle.d", 0x14, 0, kToInteger, compare<Double, fp::less_or_equal<Double>>),
    selected<Double>("flt.d", 0x14, 1, kToInteger, compare<Double, fp::less<Double>>),
    selected<Double>("feq.d", 0x14, 2, kToInteger, compare<Double, fp::equal<Double>>),
    {"fcvt.s.d", 0xfff0007f, 0x40100053, Format::kFloat, Extension::kD, narrow},
    {"fcvt.d.s", 0xfff0007f, 0x42000053, Format::kFloat, Extension::kD, widen},
    converted<Double>("fcvt.w.d", 0x18, 0, kToInteger, to_integer<Double, Integer::kWord>),
    converted<Double>("fcvt.wu.d", 0x18, 1, kToInteger, to_integer<Double, Integer::kUnsignedWord>),
    converted<Double>("fcvt.l.d", 0x18, 2, kToInteger, to_integer<Double, Integer::kLong>),
    converted<Double>("fcvt.lu.d", 0x18, 3, kToInteger, to_integer<Double, Integer::kUnsignedLong>),
    converted<Double>("fcvt.d.w", 0x1a, 0, Format::kFloat, from_integer<Double, Integer::kWord>),
    converted<Double>("fcvt.d.wu", 0x1a, 1, Format::kFloat,
                      from_integer<Double, Integer::kUnsignedWord>),
    converted<Double>("fcvt.d.l", 0x1a, 2, Format::kFloat, from_integer<Double, Integer::kLong>),
    converted<Double>("fcvt.d.lu", 0x1a, 3, Format::kFloat,
                      from_integer<Double, Integer::kUnsignedLong>),
    moved<Double>("fmv.x.d", 0x1c, 0, kToInteger, move_to_integer<Double>),
    moved<Double>("fclass.d", 0x1c, 1, kToInteger, classify<Double>),
    moved<Double>("fmv.d.x", 0x1e, 0, Format::kFloat, move_from_integer<Double>),
};

}  // namespace

std::span<const Row> float_rows() {
  return kRows;
}

}  // namespace holdfast::cpu::riscv
