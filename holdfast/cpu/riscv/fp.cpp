// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/fp.hpp"

#include <bit>
#include <utility>

namespace holdfast::cpu::riscv::fp {
namespace {

using u64 = std::uint64_t;
__extension__ using u128 = unsigned __int128;

enum class Kind : std::uint8_t { kZero, kFinite, kInfinity, kQuietNan, kSignallingNan };

/// A number taken apart. Finite and not zero: significand / 2^63 * 2^exponent, with the
/// significand's leading one in bit 63, subnormals included.
struct Number {
  Kind kind = Kind::kZero;
  bool negative = false;
  int exponent = 0;
  u64 significand = 0;

  bool is_nan() const { return kind == Kind::kQuietNan || kind == Kind::kSignallingNan; }
  bool is_zero() const { return kind == Kind::kZero; }
  bool is_infinite() const { return kind == Kind::kInfinity; }
};

template <class F>
bool is_negative(typename F::Bits a) {
  return (a & F::kSign) != 0;
}
template <class F>
bool is_nan(typename F::Bits a) {
  return (a & ~F::kSign) > F::kInfinity;
}
template <class F>
bool is_signalling(typename F::Bits a) {
  return is_nan<F>(a) && (a & F::kQuiet) == 0;
}

template <class F>
Number take_apart(typename F::Bits a) {
  Number n{.negative = is_negative<F>(a)};
  const int field = static_cast<int>((a & F::kInfinity) >> F::kFractionBits);
  const u64 fraction = a & F::kFraction;
  if (field == F::kMaxExponentField) {
    n.kind = fraction == 0         ? Kind::kInfinity
             : is_signalling<F>(a) ? Kind::kSignallingNan
                                   : Kind::kQuietNan;
  } else if (field != 0) {
    n.kind = Kind::kFinite;
    n.exponent = field - F::kBias;
    n.significand = (fraction | u64{1} << F::kFractionBits) << (63 - F::kFractionBits);
  } else if (fraction != 0) {
    const int shift = std::countl_zero(fraction);
    n.kind = Kind::kFinite;
    n.exponent = 1 - F::kBias + (63 - static_cast<int>(F::kFractionBits)) - shift;
    n.significand = fraction << shift;
  }
  return n;
}

template <class F>
typename F::Bits zero(bool negative) {
  return negative ? F::kSign : 0;
}
template <class F>
typename F::Bits infinity(bool negative) {
  return zero<F>(negative) | F::kInfinity;
}
template <class F>
typename F::Bits invalid(Environment& env) {
  env.raise(kInvalid);
  return F::kCanonicalNan;
}
/// The result of an operation one of whose operands is a NaN.
template <class F>
typename F::Bits nan_from(Environment& env, bool signalling) {
  if (signalling) env.raise(kInvalid);
  return F::kCanonicalNan;
}

/// Shifts right and keeps in the lowest bit whether anything was lost.
u64 shift_jam(u64 value, int by) {
  if (by <= 0) return value;
  if (by >= 64) return value != 0;
  const bool lost = value << (64 - by) != 0;
  return value >> by | u64{lost};
}
u128 shift_jam(u128 value, int by) {
  if (by <= 0) return value;
  if (by >= 128) return value != 0;
  const bool lost = value << (128 - by) != 0;
  return value >> by | u128{lost};
}

/// Whether a magnitude with these bits below its last one is rounded away from zero.
bool rounds_away(Rounding rounding, bool negative, bool odd, u64 rest, u64 half) {
  switch (rounding) {
    case Rounding::kNearestEven:
      return rest > half || (rest == half && odd);
    case Rounding::kNearestAway:
      return rest >= half;
    case Rounding::kDown:
      return negative && rest != 0;
    case Rounding::kUp:
      return !negative && rest != 0;
    default:
      return false;
  }
}

template <class F>
typename F::Bits overflowed(bool negative, Environment& env) {
  env.raise(kOverflow | kInexact);
  const bool to_infinity =
      env.rounding == Rounding::kNearestEven || env.rounding == Rounding::kNearestAway ||
      (env.rounding == Rounding::kDown && negative) || (env.rounding == Rounding::kUp && !negative);
  using Bits = typename F::Bits;
  return infinity<F>(negative) -
         (to_infinity ? Bits{0} : Bits{1});  // below infinity is the largest number
}

/// Rounds significand / 2^63 * 2^exponent (leading one in bit 63, lowest bit sticky) and packs it.
template <class F>
typename F::Bits round_pack(bool negative, int exponent, u64 significand, Environment& env) {
  constexpr int kShift = 63 - static_cast<int>(F::kFractionBits);
  constexpr u64 kRest = (u64{1} << kShift) - 1, kHalf = u64{1} << (kShift - 1);
  const auto away = [&](u64 s) {
    return rounds_away(env.rounding, negative, (s >> kShift & 1) != 0, s & kRest, kHalf);
  };

  int field = exponent + F::kBias;
  if (field >= F::kMaxExponentField) return overflowed<F>(negative, env);
  bool tiny = false;
  if (field <= 0) {
    // Tiny unless rounding to full precision would carry it up to the least normal number.
    const bool carries = field == 0 && significand >> kShift == (u64{2} << F::kFractionBits) - 1 &&
                         away(significand);
    tiny = !carries;
    significand = shift_jam(significand, 1 - field);
    field = 0;
  }
  // A normal number's leading one adds one to the exponent field below it; so does a carry.
  u64 bits = (field > 0 ? static_cast<u64>(field - 1) << F::kFractionBits : 0) +
             (significand >> kShift) + u64{away(significand)};
  if ((significand & kRest) != 0) {
    env.raise(kInexact);
    if (tiny) env.raise(kUnderflow);
  }
  if (bits >= F::kInfinity) return overflowed<F>(negative, env);
  return zero<F>(negative) | static_cast<typename F::Bits>(bits);
}

/// A magnitude with room to add: significand / 2^125 * 2^exponent, leading one in bit 125.
struct Wide {
  bool negative = false;
  int exponent = 0;
  u128 significand = 0;
};

Wide widened(const Number& n) {
  return {n.negative, n.exponent, static_cast<u128>(n.significand) << 62};
}

int leading_zeros(u128 value) {
  const auto high = static_cast<u64>(value >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<u64>(value));
}

/// The sum of two numbers that are not zero.
template <class F>
typename F::Bits add_wide(Wide a, Wide b, Environment& env) {
  if (a.exponent < b.exponent) std::swap(a, b);
  const u128 smaller = shift_jam(b.significand, a.exponent - b.exponent);
  bool negative = a.negative;
  u128 sum;
  if (a.negative == b.negative) {
    sum = a.significand + smaller;
  } else if (a.significand >= smaller) {
    sum = a.significand - smaller;
  } else {
    sum = smaller - a.significand;
    negative = b.negative;
  }
  if (sum == 0) return zero<F>(env.rounding == Rounding::kDown);
  const int zeros = leading_zeros(sum);
  sum <<= zeros;
  const u64 significand = static_cast<u64>(sum >> 64) | u64{static_cast<u64>(sum) != 0};
  return round_pack<F>(negative, a.exponent + 2 - zeros, significand, env);
}

/// The exact product of two finite numbers.
Wide product(const Number& a, const Number& b) {
  u128 p = static_cast<u128>(a.significand) * b.significand;  // leading one in bit 127 or 126
  int exponent = a.exponent + b.exponent;
  if (p >> 127 != 0)
    ++exponent;
  else
    p <<= 1;
  // At least 22 low bits are zero: two significands of at most 53 bits each.
  return {a.negative != b.negative, exponent, p >> 2};
}

u64 integer_root(u128 value, bool& exact) {
  u128 root = 0, rest = value;
  for (u128 bit = u128{1} << 126; bit != 0; bit >>= 2) {
    if (rest >= root + bit) {
      rest -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  exact = rest == 0;
  return static_cast<u64>(root);
}

/// Orders all but NaN; both zeros are equal.
template <class F>
bool is_below(typename F::Bits a, typename F::Bits b) {
  const bool a_negative = is_negative<F>(a), b_negative = is_negative<F>(b);
  if (a_negative != b_negative) return a_negative && ((a | b) & ~F::kSign) != 0;
  return a != b && (a < b) != a_negative;
}
template <class F>
bool is_equal(typename F::Bits a, typename F::Bits b) {
  return a == b || ((a | b) & ~F::kSign) == 0;
}

template <class F>
bool unordered(typename F::Bits a, typename F::Bits b, bool signalling, Environment& env) {
  if (!is_nan<F>(a) && !is_nan<F>(b)) return false;
  if (signalling || is_signalling<F>(a) || is_signalling<F>(b)) env.raise(kInvalid);
  return true;
}

template <class F>
typename F::Bits choose(typename F::Bits a, typename F::Bits b, bool want_smaller,
                        Environment& env) {
  if (is_signalling<F>(a) || is_signalling<F>(b)) env.raise(kInvalid);
  if (is_nan<F>(a)) return is_nan<F>(b) ? F::kCanonicalNan : b;
  if (is_nan<F>(b)) return a;
  const bool a_smaller = is_equal<F>(a, b) ? is_negative<F>(a) : is_below<F>(a, b);
  return a_smaller == want_smaller ? a : b;
}

}  // namespace

template <class F>
typename F::Bits add(typename F::Bits a, typename F::Bits b, Environment& env) {
  const Number x = take_apart<F>(a), y = take_apart<F>(b);
  if (x.is_nan() || y.is_nan()) return nan_from<F>(env, is_signalling<F>(a) || is_signalling<F>(b));
  if (x.is_infinite()) return y.is_infinite() && x.negative != y.negative ? invalid<F>(env) : a;
  if (y.is_infinite()) return b;
  if (x.is_zero() && y.is_zero()) {
    if (x.negative == y.negative) return a;
    return zero<F>(env.rounding == Rounding::kDown);
  }
  if (x.is_zero()) return b;
  if (y.is_zero()) return a;
  return add_wide<F>(widened(x), widened(y), env);
}

template <class F>
typename F::Bits subtract(typename F::Bits a, typename F::Bits b, Environment& env) {
  return add<F>(a, b ^ F::kSign, env);
}

template <class F>
typename F::Bits multiply(typename F::Bits a, typename F::Bits b, Environment& env) {
  const Number x = take_apart<F>(a), y = take_apart<F>(b);
  if (x.is_nan() || y.is_nan()) return nan_from<F>(env, is_signalling<F>(a) || is_signalling<F>(b));
  const bool negative = x.negative != y.negative;
  if (x.is_infinite() || y.is_infinite())
    return x.is_zero() || y.is_zero() ? invalid<F>(env) : infinity<F>(negative);
  if (x.is_zero() || y.is_zero()) return zero<F>(negative);
  const Wide p = product(x, y);
  const u128 top = p.significand << 2;
  return round_pack<F>(negative, p.exponent,
                       static_cast<u64>(top >> 64) | u64{static_cast<u64>(top) != 0}, env);
}

template <class F>
typename F::Bits divide(typename F::Bits a, typename F::Bits b, Environment& env) {
  const Number x = take_apart<F>(a), y = take_apart<F>(b);
  if (x.is_nan() || y.is_nan()) return nan_from<F>(env, is_signalling<F>(a) || is_signalling<F>(b));
  const bool negative = x.negative != y.negative;
  if (x.is_infinite()) return y.is_infinite() ? invalid<F>(env) : infinity<F>(negative);
  if (y.is_infinite()) return zero<F>(negative);
  if (y.is_zero()) {
    if (x.is_zero()) return invalid<F>(env);
    env.raise(kDivideByZero);
    return infinity<F>(negative);
  }
  if (x.is_zero()) return zero<F>(negative);
  const bool less = x.significand < y.significand;  // then one more bit, for a leading one
  const u128 dividend = static_cast<u128>(x.significand) << (less ? 64 : 63);
  const auto quotient = static_cast<u64>(dividend / y.significand);
  const bool rest = dividend % y.significand != 0;
  return round_pack<F>(negative, x.exponent - y.exponent - (less ? 1 : 0), quotient | u64{rest},
                       env);
}

template <class F>
typename F::Bits square_root(typename F::Bits a, Environment& env) {
  const Number x = take_apart<F>(a);
  if (x.is_nan()) return nan_from<F>(env, is_signalling<F>(a));
  if (x.is_zero()) return a;
  if (x.negative) return invalid<F>(env);
  if (x.is_infinite()) return a;
  const bool odd = (x.exponent & 1) != 0;
  bool exact = false;
  const u64 root = integer_root(static_cast<u128>(x.significand) << (odd ? 64 : 63), exact);
  return round_pack<F>(false, (x.exponent - (odd ? 1 : 0)) / 2, root | u64{!exact}, env);
}

template <class F>
typename F::Bits multiply_add(typename F::Bits a, typename F::Bits b, typename F::Bits c,
                              Environment& env) {
  const Number x = take_apart<F>(a), y = take_apart<F>(b), z = take_apart<F>(c);
  const bool no_product = (x.is_infinite() && y.is_zero()) || (x.is_zero() && y.is_infinite());
  // Infinity times zero is invalid even if the addend is a quiet NaN.
  if (no_product) return invalid<F>(env);
  if (x.is_nan() || y.is_nan() || z.is_nan())
    return nan_from<F>(env, is_signalling<F>(a) || is_signalling<F>(b) || is_signalling<F>(c));
  const bool negative = x.negative != y.negative;
  if (x.is_infinite() || y.is_infinite())
    return z.is_infinite() && z.negative != negative ? invalid<F>(env) : infinity<F>(negative);
  if (z.is_infinite()) return c;
  if (x.is_zero() || y.is_zero()) return add<F>(zero<F>(negative), c, env);
  if (z.is_zero()) return multiply<F>(a, b, env);
  return add_wide<F>(product(x, y), widened(z), env);
}

template <class F>
typename F::Bits minimum(typename F::Bits a, typename F::Bits b, Environment& env) {
  return choose<F>(a, b, true, env);
}
template <class F>
typename F::Bits maximum(typename F::Bits a, typename F::Bits b, Environment& env) {
  return choose<F>(a, b, false, env);
}

template <class F>
bool equal(typename F::Bits a, typename F::Bits b, Environment& env) {
  return !unordered<F>(a, b, false, env) && is_equal<F>(a, b);
}
template <class F>
bool less(typename F::Bits a, typename F::Bits b, Environment& env) {
  return !unordered<F>(a, b, true, env) && is_below<F>(a, b);
}
template <class F>
bool less_or_equal(typename F::Bits a, typename F::Bits b, Environment& env) {
  return !unordered<F>(a, b, true, env) && (is_equal<F>(a, b) || is_below<F>(a, b));
}

template <class F>
std::uint64_t classify(typename F::Bits a) {
  const bool negative = is_negative<F>(a);
  const typename F::Bits magnitude = a & ~F::kSign;
  if (is_nan<F>(a)) return is_signalling<F>(a) ? 1u << 8 : 1u << 9;
  if (magnitude == F::kInfinity) return negative ? 1u << 0 : 1u << 7;
  if (magnitude == 0) return negative ? 1u << 3 : 1u << 4;
  if (magnitude <= F::kFraction) return negative ? 1u << 2 : 1u << 5;
  return negative ? 1u << 1 : 1u << 6;
}

namespace {

template <class To, class From>
typename To::Bits convert(typename From::Bits a, Environment& env) {
  const Number x = take_apart<From>(a);
  if (x.is_nan()) return nan_from<To>(env, is_signalling<From>(a));
  if (x.is_infinite()) return infinity<To>(x.negative);
  if (x.is_zero()) return zero<To>(x.negative);
  return round_pack<To>(x.negative, x.exponent, x.significand, env);
}

struct Bounds {
  u64 largest;        // magnitude of the largest positive value
  u64 most_negative;  // magnitude of the smallest one
};
constexpr Bounds bounds_of(Integer type) {
  switch (type) {
    case Integer::kWord:
      return {0x7fffffff, 0x80000000};
    case Integer::kUnsignedWord:
      return {0xffffffff, 0};
    case Integer::kLong:
      return {~u64{0} >> 1, u64{1} << 63};
    default:
      return {~u64{0}, 0};
  }
}
constexpr u64 sign_extend_word(u64 value) {
  return static_cast<u64>(
      static_cast<std::int64_t>(static_cast<std::int32_t>(static_cast<std::uint32_t>(value))));
}
constexpr u64 result_of(u64 magnitude, bool negative, Integer type) {
  const u64 value = negative ? u64{0} - magnitude : magnitude;
  const bool word = type == Integer::kWord || type == Integer::kUnsignedWord;
  return word ? sign_extend_word(value) : value;
}

/// The magnitude rounded to an integer. False: beyond 64 bits.
bool round_to_integer(const Number& x, Environment& env, u64& magnitude) {
  if (x.exponent > 63) return false;
  const int below = 63 - x.exponent;  // bits behind the point
  // One bit for the half and one, sticky, for what is below it.
  const u128 fixed = shift_jam(static_cast<u128>(x.significand) << 2, below);
  const auto rest = static_cast<u64>(fixed) & 3;
  magnitude = static_cast<u64>(fixed >> 2);
  if (rounds_away(env.rounding, x.negative, (magnitude & 1) != 0, rest, 2) && ++magnitude == 0)
    return false;
  if (rest != 0) env.raise(kInexact);
  return true;
}

}  // namespace

Double::Bits widen(Single::Bits a, Environment& env) {
  return convert<Double, Single>(a, env);
}
Single::Bits narrow(Double::Bits a, Environment& env) {
  return convert<Single, Double>(a, env);
}

template <class F>
std::uint64_t to_integer(typename F::Bits a, Integer type, Environment& env) {
  const Number x = take_apart<F>(a);
  if (x.is_zero()) return 0;
  const Bounds bounds = bounds_of(type);
  const bool negative = x.negative && !x.is_nan();
  const u64 bound = negative ? bounds.most_negative : bounds.largest;
  Environment rounding{.rounding = env.rounding};
  u64 magnitude = 0;
  const bool fits =
      x.kind == Kind::kFinite && round_to_integer(x, rounding, magnitude) && magnitude <= bound;
  if (!fits) {
    env.raise(kInvalid);
    return result_of(bound, negative, type);
  }
  env.raise(rounding.flags);
  return result_of(magnitude, negative, type);
}

template <class F>
typename F::Bits from_integer(std::uint64_t value, Integer type, Environment& env) {
  if (type == Integer::kWord) value = sign_extend_word(value);
  if (type == Integer::kUnsignedWord) value &= 0xffffffff;
  const bool is_signed = type == Integer::kWord || type == Integer::kLong;
  const bool negative = is_signed && value >> 63 != 0;
  const u64 magnitude = negative ? u64{0} - value : value;
  if (magnitude == 0) return 0;
  const int zeros = std::countl_zero(magnitude);
  return round_pack<F>(negative, 63 - zeros, magnitude << zeros, env);
}

template Single::Bits add<Single>(Single::Bits, Single::Bits, Environment&);
template Single::Bits subtract<Single>(Single::Bits, Single::Bits, Environment&);
template Single::Bits multiply<Single>(Single::Bits, Single::Bits, Environment&);
template Single::Bits divide<Single>(Single::Bits, Single::Bits, Environment&);
template Single::Bits minimum<Single>(Single::Bits, Single::Bits, Environment&);
template Single::Bits maximum<Single>(Single::Bits, Single::Bits, Environment&);
template Single::Bits square_root<Single>(Single::Bits, Environment&);
template Single::Bits multiply_add<Single>(Single::Bits, Single::Bits, Single::Bits, Environment&);
template bool equal<Single>(Single::Bits, Single::Bits, Environment&);
template bool less<Single>(Single::Bits, Single::Bits, Environment&);
template bool less_or_equal<Single>(Single::Bits, Single::Bits, Environment&);
template std::uint64_t classify<Single>(Single::Bits);
template std::uint64_t to_integer<Single>(Single::Bits, Integer, Environment&);
template Single::Bits from_integer<Single>(std::uint64_t, Integer, Environment&);
template Double::Bits add<Double>(Double::Bits, Double::Bits, Environment&);
template Double::Bits subtract<Double>(Double::Bits, Double::Bits, Environment&);
template Double::Bits multiply<Double>(Double::Bits, Double::Bits, Environment&);
template Double::Bits divide<Double>(Double::Bits, Double::Bits, Environment&);
template Double::Bits minimum<Double>(Double::Bits, Double::Bits, Environment&);
template Double::Bits maximum<Double>(Double::Bits, Double::Bits, Environment&);
template Double::Bits square_root<Double>(Double::Bits, Environment&);
template Double::Bits multiply_add<Double>(Double::Bits, Double::Bits, Double::Bits, Environment&);
template bool equal<Double>(Double::Bits, Double::Bits, Environment&);
template bool less<Double>(Double::Bits, Double::Bits, Environment&);
template bool less_or_equal<Double>(Double::Bits, Double::Bits, Environment&);
template std::uint64_t classify<Double>(Double::Bits);
template std::uint64_t to_integer<Double>(Double::Bits, Integer, Environment&);
template Double::Bits from_integer<Double>(std::uint64_t, Integer, Environment&);

}  // namespace holdfast::cpu::riscv::fp
