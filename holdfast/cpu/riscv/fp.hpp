// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary32 and binary64 arithmetic as RISC-V defines it, in integers: the same bits and
// flags on every host. NaN results are the canonical NaN; tininess is detected after rounding.
// SPEC: IEEE 754-2019; volume I, chapters 11 and 12.
#pragma once

#include <cstdint>

namespace holdfast::cpu::riscv::fp {

/// By their encoding in rm and frm.
enum class Rounding : std::uint8_t {
  kNearestEven = 0,
  kTowardZero = 1,
  kDown = 2,
  kUp = 3,
  kNearestAway = 4,
};

/// By their place in fflags.
inline constexpr std::uint8_t kInexact = 1, kUnderflow = 2, kOverflow = 4, kDivideByZero = 8,
                              kInvalid = 16;

/// What an operation is given and what it leaves: flags only accumulate.
struct Environment {
  Rounding rounding = Rounding::kNearestEven;
  std::uint8_t flags = 0;
  void raise(std::uint8_t flag) { flags = static_cast<std::uint8_t>(flags | flag); }
};

template <class BitsType, unsigned FractionBits, unsigned ExponentBits>
struct Format {
  using Bits = BitsType;
  static constexpr unsigned kFractionBits = FractionBits;
  static constexpr int kMaxExponentField = (1 << ExponentBits) - 1;
  static constexpr int kBias = (1 << (ExponentBits - 1)) - 1;
  static constexpr Bits kSign = Bits{1} << (FractionBits + ExponentBits);
  static constexpr Bits kFraction = (Bits{1} << FractionBits) - 1;
  static constexpr Bits kInfinity = static_cast<Bits>(kMaxExponentField) << FractionBits;
  static constexpr Bits kQuiet = Bits{1} << (FractionBits - 1);
  static constexpr Bits kCanonicalNan = kInfinity | kQuiet;
};
using Single = Format<std::uint32_t, 23, 8>;
using Double = Format<std::uint64_t, 52, 11>;

template <class F>
typename F::Bits add(typename F::Bits a, typename F::Bits b, Environment& env);
template <class F>
typename F::Bits subtract(typename F::Bits a, typename F::Bits b, Environment& env);
template <class F>
typename F::Bits multiply(typename F::Bits a, typename F::Bits b, Environment& env);
template <class F>
typename F::Bits divide(typename F::Bits a, typename F::Bits b, Environment& env);
template <class F>
typename F::Bits square_root(typename F::Bits a, Environment& env);
/// a * b + c with one rounding. Signs of a and c are the caller's to flip for the other three.
template <class F>
typename F::Bits multiply_add(typename F::Bits a, typename F::Bits b, typename F::Bits c,
                              Environment& env);

/// minimumNumber and maximumNumber: a NaN loses against a number, -0 is below +0.
template <class F>
typename F::Bits minimum(typename F::Bits a, typename F::Bits b, Environment& env);
template <class F>
typename F::Bits maximum(typename F::Bits a, typename F::Bits b, Environment& env);

/// Quiet: only a signalling NaN is invalid.
template <class F>
bool equal(typename F::Bits a, typename F::Bits b, Environment& env);
/// Signalling: any NaN is invalid.
template <class F>
bool less(typename F::Bits a, typename F::Bits b, Environment& env);
template <class F>
bool less_or_equal(typename F::Bits a, typename F::Bits b, Environment& env);

/// One bit of ten, as FCLASS returns it.
template <class F>
std::uint64_t classify(typename F::Bits a);

Double::Bits widen(Single::Bits a, Environment& env);
Single::Bits narrow(Double::Bits a, Environment& env);

/// Integers of 32 or 64 bits. What does not fit, infinities and NaN included, gives the nearest
/// bound (NaN the upper one) and is invalid. 32-bit results are sign-extended.
enum class Integer : std::uint8_t { kWord, kUnsignedWord, kLong, kUnsignedLong };
template <class F>
std::uint64_t to_integer(typename F::Bits a, Integer type, Environment& env);
template <class F>
typename F::Bits from_integer(std::uint64_t value, Integer type, Environment& env);

}  // namespace holdfast::cpu::riscv::fp
