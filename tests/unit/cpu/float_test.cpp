// SPDX-License-Identifier: Apache-2.0
// F and D: values and flags at the edges, from the specification; everything else against the
// host's own unit, which on x86-64 rounds and detects tininess as RISC-V does.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <tuple>

#include "bench.hpp"
#include "holdfast/cpu/riscv/fp.hpp"

namespace holdfast::test::riscv {
namespace {

namespace fp = cpu::riscv::fp;
using fp::Double;
using fp::Environment;
using fp::Rounding;
using fp::Single;

constexpr std::uint32_t kInf = 0x7f80'0000, kOne = 0x3f80'0000, kQuietNan = 0x7fc0'0001,
                        kSignalling = 0x7f80'0001, kNan = 0x7fc0'0000, kMinus = 0x8000'0000,
                        kLargest = 0x7f7f'ffff, kLeast = 1, kLeastNormal = 0x0080'0000;
constexpr std::uint8_t kNX = 1, kUF = 2, kOF = 4, kDZ = 8, kNV = 16;

struct Outcome {
  std::uint64_t value;
  unsigned flags;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};
void PrintTo(const Outcome& o, std::ostream* out) {
  *out << std::hex << o.value << " flags " << o.flags;
}

template <class Function, class... Args>
Outcome outcome(Function function, Rounding rounding, Args... args) {
  Environment env{.rounding = rounding};
  const std::uint64_t value = function(args..., env);
  return {value, env.flags};
}

constexpr auto kNear = Rounding::kNearestEven;

TEST(Float, InvalidOperationsGiveTheCanonicalNan) {
  EXPECT_EQ(outcome(fp::add<Single>, kNear, kInf, kInf | kMinus), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::subtract<Single>, kNear, kInf, kInf), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::multiply<Single>, kNear, kInf, 0u), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::divide<Single>, kNear, 0u, 0u), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::divide<Single>, kNear, kInf, kInf), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::square_root<Single>, kNear, kMinus | kOne), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::square_root<Single>, kNear, kMinus), (Outcome{kMinus, 0}));
  EXPECT_EQ(outcome(fp::divide<Single>, kNear, kOne | kMinus, 0u), (Outcome{kInf | kMinus, kDZ}));
}

TEST(Float, NanOperandsGiveTheCanonicalNanAndOnlySignallingOnesAreInvalid) {
  EXPECT_EQ(outcome(fp::add<Single>, kNear, kQuietNan, kOne), (Outcome{kNan, 0}));
  EXPECT_EQ(outcome(fp::add<Single>, kNear, kOne, kSignalling), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::multiply_add<Single>, kNear, kInf, 0u, kQuietNan), (Outcome{kNan, kNV}));
  EXPECT_EQ(outcome(fp::multiply_add<Single>, kNear, kOne, kOne, kQuietNan), (Outcome{kNan, 0}));
  EXPECT_EQ(outcome(fp::widen, kNear, kSignalling), (Outcome{Double::kCanonicalNan, kNV}));
}

TEST(Float, MinimumAndMaximumPreferNumbersAndOrderZeros) {
  EXPECT_EQ(outcome(fp::minimum<Single>, kNear, kQuietNan, kOne), (Outcome{kOne, 0}));
  EXPECT_EQ(outcome(fp::minimum<Single>, kNear, kSignalling, kOne), (Outcome{kOne, kNV}));
  EXPECT_EQ(outcome(fp::maximum<Single>, kNear, kQuietNan, kQuietNan), (Outcome{kNan, 0}));
  EXPECT_EQ(outcome(fp::minimum<Single>, kNear, 0u, kMinus), (Outcome{kMinus, 0}));
  EXPECT_EQ(outcome(fp::maximum<Single>, kNear, kMinus, 0u), (Outcome{0, 0}));
  EXPECT_EQ(outcome(fp::maximum<Single>, kNear, kMinus | kOne, kMinus | kInf),
            (Outcome{kMinus | kOne, 0}));
}

TEST(Float, EqualIsQuietAndTheOrderedComparisonsSignal) {
  EXPECT_EQ(outcome(fp::equal<Single>, kNear, kQuietNan, kQuietNan), (Outcome{0, 0}));
  EXPECT_EQ(outcome(fp::equal<Single>, kNear, kSignalling, kOne), (Outcome{0, kNV}));
  EXPECT_EQ(outcome(fp::less<Single>, kNear, kQuietNan, kOne), (Outcome{0, kNV}));
  EXPECT_EQ(outcome(fp::less_or_equal<Single>, kNear, kMinus, 0u), (Outcome{1, 0}));
  EXPECT_EQ(outcome(fp::less<Single>, kNear, kMinus, 0u), (Outcome{0, 0}));
  EXPECT_EQ(outcome(fp::less<Single>, kNear, kMinus | kInf, kMinus | kLargest), (Outcome{1, 0}));
}

TEST(Float, ClassifiesIntoTen) {
  const std::pair<std::uint32_t, unsigned> cases[] = {{kMinus | kInf, 0},
                                                      {kMinus | kOne, 1},
                                                      {kMinus | kLeast, 2},
                                                      {kMinus, 3},
                                                      {0, 4},
                                                      {kLeast, 5},
                                                      {kOne, 6},
                                                      {kInf, 7},
                                                      {kSignalling, 8},
                                                      {kQuietNan, 9}};
  for (const auto& [bits, place] : cases)
    EXPECT_EQ(fp::classify<Single>(bits), 1u << place) << std::hex << bits;
  EXPECT_EQ(fp::classify<Double>(0x000f'ffff'ffff'ffff), 1u << 5);
}

TEST(Float, OverflowGoesWhereTheRoundingModeSays) {
  const std::pair<Rounding, std::uint32_t> cases[] = {{Rounding::kNearestEven, kInf},
                                                      {Rounding::kTowardZero, kLargest},
                                                      {Rounding::kDown, kLargest},
                                                      {Rounding::kUp, kInf},
                                                      {Rounding::kNearestAway, kInf}};
  for (const auto& [rounding, expected] : cases)
    EXPECT_EQ(outcome(fp::add<Single>, rounding, kLargest, kLargest),
              (Outcome{expected, kOF | kNX}));
}

TEST(Float, TininessIsDetectedAfterRounding) {
  // (1 + 2^-23)(1 - 2^-23) = 1 - 2^-46 rounds to one in 24 bits: inexact, but not tiny.
  EXPECT_EQ(outcome(fp::multiply<Single>, kNear, kLeastNormal + 1, 0x3f7f'fffeu),
            (Outcome{kLeastNormal, kNX}));
  // 1 - 2^-24 has 24 bits already: tiny, though its subnormal form is rounded up to the same.
  EXPECT_EQ(outcome(fp::multiply<Single>, Rounding::kUp, kLeastNormal, 0x3f7f'ffffu),
            (Outcome{kLeastNormal, kUF | kNX}));
  EXPECT_EQ(outcome(fp::multiply<Single>, kNear, kLeast, 0x3f00'0000u), (Outcome{0, kUF | kNX}));
}

TEST(Float, NearestAwayRoundsTiesAway) {
  EXPECT_EQ(
      outcome(fp::to_integer<Single>, Rounding::kNearestAway, 0x4020'0000u, fp::Integer::kWord),
      (Outcome{3, kNX}));  // 2.5
  EXPECT_EQ(outcome(fp::to_integer<Single>, kNear, 0x4020'0000u, fp::Integer::kWord),
            (Outcome{2, kNX}));
  // 2^24 + 1 lies between two singles.
  EXPECT_EQ(outcome(fp::from_integer<Single>, Rounding::kNearestAway, std::uint64_t{16777217},
                    fp::Integer::kLong),
            (Outcome{0x4b80'0001, kNX}));
}

TEST(Float, ConversionsToIntegersSaturate) {
  using fp::Integer;
  const auto to = [](double value, Integer type) {
    return outcome(fp::to_integer<Double>, Rounding::kTowardZero,
                   std::bit_cast<std::uint64_t>(value), type);
  };
  constexpr double kHuge = 1e30;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(to(kHuge, Integer::kWord), (Outcome{0x7fff'ffff, kNV}));
  EXPECT_EQ(to(-kHuge, Integer::kWord), (Outcome{0xffff'ffff'8000'0000, kNV}));
  EXPECT_EQ(to(nan, Integer::kWord), (Outcome{0x7fff'ffff, kNV}));
  EXPECT_EQ(to(-nan, Integer::kWord), (Outcome{0x7fff'ffff, kNV}));
  EXPECT_EQ(to(kHuge, Integer::kUnsignedWord), (Outcome{~std::uint64_t{0}, kNV}));
  EXPECT_EQ(to(-1.0, Integer::kUnsignedWord), (Outcome{0, kNV}));
  EXPECT_EQ(to(-0.5, Integer::kUnsignedWord), (Outcome{0, kNX}));
  EXPECT_EQ(to(4294967295.0, Integer::kUnsignedWord), (Outcome{~std::uint64_t{0}, 0}));
  EXPECT_EQ(to(-2147483648.9, Integer::kWord), (Outcome{0xffff'ffff'8000'0000, kNX}));
  EXPECT_EQ(to(kHuge, Integer::kLong), (Outcome{0x7fff'ffff'ffff'ffff, kNV}));
  EXPECT_EQ(to(-9223372036854775808.0, Integer::kLong), (Outcome{0x8000'0000'0000'0000, 0}));
  EXPECT_EQ(to(9223372036854775808.0, Integer::kLong), (Outcome{0x7fff'ffff'ffff'ffff, kNV}));
  EXPECT_EQ(to(18446744073709551616.0, Integer::kUnsignedLong), (Outcome{~std::uint64_t{0}, kNV}));
  EXPECT_EQ(to(-std::numeric_limits<double>::infinity(), Integer::kUnsignedLong),
            (Outcome{0, kNV}));
}

// Against the host
// ---------------------------------------------------------------------------------

/// The host's rounding mode and flags for the duration of one operation.
class HostUnit {
 public:
  explicit HostUnit(Rounding rounding) {
    constexpr int kModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    std::fesetround(kModes[static_cast<unsigned>(rounding)]);
    std::feclearexcept(FE_ALL_EXCEPT);
  }
  ~HostUnit() { std::fesetround(FE_TONEAREST); }
  static unsigned flags() {
    const int raised = std::fetestexcept(FE_ALL_EXCEPT);
    return ((raised & FE_INEXACT) != 0 ? kNX : 0u) | ((raised & FE_UNDERFLOW) != 0 ? kUF : 0u) |
           ((raised & FE_OVERFLOW) != 0 ? kOF : 0u) | ((raised & FE_DIVBYZERO) != 0 ? kDZ : 0u) |
           ((raised & FE_INVALID) != 0 ? kNV : 0u);
  }
};

/// Arm's processors decide whether a result is tiny before they round it, RISC-V and x86 behind that:
/// their underflow says nothing here.
Outcome comparable(Outcome outcome) {
#if defined(__aarch64__)
  outcome.flags &= ~unsigned{kUF};
#endif
  return outcome;
}

template <class F>
using HostType = std::conditional_t<std::is_same_v<F, Single>, float, double>;

/// Bits that favour the edges: special exponents, sparse and dense fractions.
template <class F>
typename F::Bits interesting(std::mt19937_64& random) {
  using Bits = typename F::Bits;
  const auto any = static_cast<Bits>(random());
  const unsigned max = static_cast<unsigned>(F::kMaxExponentField);
  const unsigned exponents[] = {0,
                                1,
                                max,
                                max - 1,
                                max / 2,
                                max / 2 + 1,
                                max / 2 - 1,
                                2,
                                static_cast<unsigned>(random() % (max + 1)),
                                static_cast<unsigned>(max / 2 + random() % 64 - 32)};
  const Bits fractions[] = {0,
                            1,
                            F::kFraction,
                            static_cast<Bits>(F::kQuiet),
                            Bits{2},
                            static_cast<Bits>(any & F::kFraction),
                            static_cast<Bits>(any & F::kFraction),
                            static_cast<Bits>(F::kFraction - 1)};
  return static_cast<Bits>((any & F::kSign) |
                           static_cast<Bits>(exponents[random() % std::size(exponents)])
                               << F::kFractionBits |
                           fractions[random() % std::size(fractions)]);
}

/// `host` computes from an array of volatile operands, so that it computes here and now.
template <class F, std::size_t N, class HostFunction, class OwnFunction>
void compare(const char* name, Rounding rounding, HostFunction host, OwnFunction own,
             const std::array<typename F::Bits, N>& operands) {
  using Host = HostType<F>;
  volatile Host values[N];
  for (std::size_t i = 0; i < N; ++i) values[i] = std::bit_cast<Host>(operands[i]);
  typename F::Bits expected;
  unsigned flags;
  {
    const HostUnit unit{rounding};
    volatile Host result = host(&values[0]);
    flags = HostUnit::flags();
    expected = std::bit_cast<typename F::Bits>(static_cast<Host>(result));
  }
  if ((expected & ~F::kSign) > F::kInfinity) expected = F::kCanonicalNan;
  const Outcome ours =
      std::apply([&](auto... bits) { return outcome(own, rounding, bits...); }, operands);
  EXPECT_EQ(comparable(ours), comparable({expected, flags}))
      << name << " mode " << static_cast<unsigned>(rounding) << " of "
      << testing::PrintToString(operands);
}

template <class F>
void compare_all(unsigned rounds) {
  using H = HostType<F>;
  using One = std::array<typename F::Bits, 1>;
  using Two = std::array<typename F::Bits, 2>;
  std::mt19937_64 random{20240607};
  for (unsigned i = 0; i < rounds && !testing::Test::HasFailure(); ++i) {
    const auto a = interesting<F>(random), b = interesting<F>(random);
    for (const Rounding r :
         {Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kDown, Rounding::kUp}) {
      compare<F>(
          "add", r, [](auto* x) { return x[0] + x[1]; }, fp::add<F>, Two{a, b});
      compare<F>(
          "subtract", r, [](auto* x) { return x[0] - x[1]; }, fp::subtract<F>, Two{a, b});
      compare<F>(
          "multiply", r, [](auto* x) { return x[0] * x[1]; }, fp::multiply<F>, Two{a, b});
      compare<F>(
          "divide", r, [](auto* x) { return x[0] / x[1]; }, fp::divide<F>, Two{a, b});
      compare<F>(
          "square root", r, [](auto* x) { return std::sqrt(static_cast<H>(x[0])); },
          fp::square_root<F>, One{a});
    }
  }
}

TEST(FloatAgainstHost, SingleArithmetic) {
  compare_all<Single>(20'000);
}
TEST(FloatAgainstHost, DoubleArithmetic) {
  compare_all<Double>(20'000);
}

TEST(FloatAgainstHost, FusedSingleIsTheExactSumRoundedOnce) {
  // A product of singles is exact as a double, and so is nearly every sum with a third: where the
  // host says the sum was exact, narrowing it is the result.
  std::mt19937_64 random{7};
  unsigned compared = 0;
  for (unsigned i = 0; i < 200'000 && !testing::Test::HasFailure(); ++i) {
    const auto a = interesting<Single>(random), b = interesting<Single>(random),
               c = interesting<Single>(random);
    Environment exact;
    const auto product = fp::multiply<Double>(fp::widen(a, exact), fp::widen(b, exact), exact);
    const auto sum = fp::add<Double>(product, fp::widen(c, exact), exact);
    if (exact.flags != 0) continue;
    ++compared;
    for (const Rounding r : {Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kDown,
                             Rounding::kUp, Rounding::kNearestAway}) {
      Environment env{.rounding = r};
      const std::uint64_t expected = fp::narrow(sum, env);
      const bool zero = (expected & 0x7fff'ffff) == 0 && env.flags == 0;
      const Outcome own = outcome(fp::multiply_add<Single>, r, a, b, c);
      // The sign of an exact zero depends on the rounding mode of the sum itself.
      const std::uint64_t sign = zero ? kMinus : 0;
      EXPECT_EQ((Outcome{own.value | sign, own.flags}), (Outcome{expected | sign, env.flags}))
          << std::hex << a << " " << b << " " << c;
    }
  }
  EXPECT_GT(compared, 50'000u);
}

TEST(FloatAgainstHost, FusedDouble) {
  std::mt19937_64 random{11};
  Environment ignored;
  for (unsigned i = 0; i < 20'000 && !testing::Test::HasFailure(); ++i) {
    const auto a = interesting<Double>(random), b = interesting<Double>(random),
               c = interesting<Double>(random);
    // Infinity times zero plus a quiet NaN: invalid here, left to the implementation by IEEE 754.
    const bool no_product = fp::classify<Double>(fp::multiply<Double>(a, b, ignored)) == 1u << 9;
    if (no_product && fp::classify<Double>(c) == 1u << 9) continue;
    const auto host = [](auto* x) {
      return std::fma(static_cast<double>(x[0]), static_cast<double>(x[1]),
                      static_cast<double>(x[2]));
    };
    for (const Rounding r :
         {Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kDown, Rounding::kUp})
      compare<Double>("fused", r, host, fp::multiply_add<Double>,
                      std::array<std::uint64_t, 3>{a, b, c});
  }
}

TEST(FloatAgainstHost, Narrowing) {
  std::mt19937_64 random{13};
  for (unsigned i = 0; i < 100'000 && !testing::Test::HasFailure(); ++i) {
    std::uint64_t a = interesting<Double>(random);
    if (i % 2 == 0)  // exponents near what a single can hold
      a = (a & ~(std::uint64_t{0x7ff} << 52)) | (1023 - 160 + random() % 320) << 52;
    for (const Rounding r :
         {Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kDown, Rounding::kUp}) {
      std::uint32_t expected;
      unsigned flags;
      {
        const HostUnit unit{r};
        const volatile double source = std::bit_cast<double>(a);
        const volatile float result = static_cast<float>(source);
        flags = HostUnit::flags();
        expected = std::bit_cast<std::uint32_t>(static_cast<float>(result));
      }
      if ((expected & 0x7fff'ffff) > kInf) expected = kNan;
      EXPECT_EQ(comparable(outcome(fp::narrow, r, a)), comparable({expected, flags}))
          << std::hex << a;
    }
  }
}

TEST(FloatAgainstHost, Integers) {
  std::mt19937_64 random{17};
  for (unsigned i = 0; i < 100'000 && !testing::Test::HasFailure(); ++i) {
    const std::uint64_t value = random() >> random() % 64 ^ (random() % 2 != 0 ? ~0ull : 0ull);
    for (const Rounding r :
         {Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kDown, Rounding::kUp}) {
      std::uint64_t wide;
      std::uint32_t narrow;
      unsigned wide_flags, narrow_flags;
      {
        const HostUnit unit{r};
        const volatile auto source = static_cast<std::int64_t>(value);
        const volatile double result = static_cast<double>(source);
        wide_flags = HostUnit::flags();
        wide = std::bit_cast<std::uint64_t>(static_cast<double>(result));
      }
      {
        const HostUnit unit{r};
        const volatile auto source = static_cast<std::int64_t>(value);
        const volatile float result = static_cast<float>(source);
        narrow_flags = HostUnit::flags();
        narrow = std::bit_cast<std::uint32_t>(static_cast<float>(result));
      }
      using fp::Integer;
      EXPECT_EQ(outcome(fp::from_integer<Double>, r, value, Integer::kLong),
                (Outcome{wide, wide_flags}));
      EXPECT_EQ(outcome(fp::from_integer<Single>, r, value, Integer::kLong),
                (Outcome{narrow, narrow_flags}));
      // And back: exact doubles return to where they came from.
      if (wide_flags == 0) {
        EXPECT_EQ(outcome(fp::to_integer<Double>, r, wide, Integer::kLong), (Outcome{value, 0}));
      }
    }
  }
}

// As instructions
// ----------------------------------------------------------------------------------

constexpr std::uint64_t kFsInitial = 1u << 13, kFsMask = 3u << 13;

struct Floating : Bench {
  Floating() { hart.set_csr(csr::kMstatus, kFsInitial); }
};

TEST(FloatInstructions, AreIllegalWhileTheUnitIsOff) {
  for (const Word instruction :
       {op_fp(0, 0, 0, 1, 2, 3), csrr(kA0, csr::kFcsr), i_type(0x07, 2, 1, kA1, 0),
        s_type(0x27, 3, kA1, 1, 0), op_fp(0x1c, 0, 0, kA0, 1, 0)}) {
    Bench bench;
    bench.set_x(kA1, kData);
    bench.run({instruction});
    EXPECT_TRUE(bench.trapped()) << std::hex << instruction;
    EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
  }
}

TEST(FloatInstructions, MarkTheUnitDirtyWhenTheyWrite) {
  Floating bench;
  bench.run({op_fp(0x1c, 0, 0, kA0, 1, 0)});  // fmv.x.w writes no floating register
  EXPECT_EQ(bench.csr_value(csr::kMstatus) & kFsMask, kFsInitial);
  bench.run({op_fp(0x1e, 0, 0, 1, kA0, 0)});
  EXPECT_EQ(bench.csr_value(csr::kMstatus) & kFsMask, kFsMask);
}

TEST(FloatInstructions, ReservedRoundingModesAreIllegal) {
  Floating bench;
  bench.run({op_fp(0, 0, 5, 1, 2, 3)});
  EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
  bench.hart.set_csr(csr::kFrm, 6);
  bench.hart.set_csr(csr::kMcause, 0);
  bench.run({op_fp(0, 0, 7, 1, 2, 3)});
  EXPECT_EQ(bench.cause(), Cause::kIllegalInstruction);
}

TEST(FloatInstructions, UseFrmWhenTheModeIsDynamicAndAccrueFlags) {
  Floating bench;
  bench.hart.set_floating(2, 0xffff'ffff'0000'0000 | kOne);
  bench.hart.set_floating(3, 0xffff'ffff'0000'0000 | kLeast);
  bench.hart.set_csr(csr::kFrm, 3);
  bench.run({op_fp(0, 0, 7, 1, 2, 3), op_fp(0, 0, 1, 4, 2, 3)});
  EXPECT_EQ(bench.hart.floating(1), 0xffff'ffff'0000'0000u | (kOne + 1));
  EXPECT_EQ(bench.hart.floating(4), 0xffff'ffff'0000'0000u | kOne);
  EXPECT_EQ(bench.csr_value(csr::kFcsr), 0x61u);
}

TEST(FloatInstructions, ReadSinglesThatAreNotBoxedAsNan) {
  Floating bench;
  bench.hart.set_floating(2, kOne);  // upper half clear
  bench.hart.set_floating(3, 0xffff'ffff'0000'0000 | kOne);
  bench.run({op_fp(0, 0, 0, 1, 2, 3), op_fp(4, 0, 0, 4, 2, 2), op_fp(0x1c, 0, 0, kA0, 2, 0)});
  EXPECT_EQ(bench.hart.floating(1), 0xffff'ffff'0000'0000u | kNan);
  EXPECT_EQ(bench.hart.floating(4), 0xffff'ffff'0000'0000u | kNan);
  EXPECT_EQ(bench.x(kA0), kOne);  // moves transfer bits
}

TEST(FloatInstructions, LoadAndStoreBits) {
  Floating bench;
  bench.set_x(kA1, kData);
  bench.memory->write(kData, std::uint64_t{0x1122'3344'7f80'0001});
  bench.run({i_type(0x07, 2, 1, kA1, 0), i_type(0x07, 3, 2, kA1, 0), s_type(0x27, 2, kA1, 2, 8),
             s_type(0x27, 3, kA1, 1, 16)});
  EXPECT_EQ(bench.hart.floating(1), 0xffff'ffff'7f80'0001u);
  EXPECT_EQ(bench.hart.floating(2), 0x1122'3344'7f80'0001u);
  EXPECT_EQ(bench.memory->read(kData + 8), 0x7f80'0001u);
  EXPECT_EQ(bench.memory->read(kData + 16), 0xffff'ffff'7f80'0001u);
}

TEST(FloatInstructions, FusedFormsDifferInSigns) {
  // 2 * 3 and 1
  const std::pair<Word, double> cases[] = {{0x43, 7.0}, {0x47, 5.0}, {0x4b, -5.0}, {0x4f, -7.0}};
  for (const auto& [opcode, expected] : cases) {
    Floating bench;
    bench.hart.set_floating(1, std::bit_cast<std::uint64_t>(2.0));
    bench.hart.set_floating(2, std::bit_cast<std::uint64_t>(3.0));
    bench.hart.set_floating(3, std::bit_cast<std::uint64_t>(1.0));
    bench.run({opcode | 4u << 7 | 1u << 15 | 2u << 20 | 1u << 25 | 3u << 27});
    EXPECT_EQ(std::bit_cast<double>(bench.hart.floating(4)), expected) << std::hex << opcode;
  }
}

}  // namespace
}  // namespace holdfast::test::riscv
