// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/text.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace holdfast::object {
namespace {

TEST(Text, Switches) {
  for (const auto* on : {"on", "yes", "true", "y"}) EXPECT_EQ(parse_bool(on), true) << on;
  for (const auto* off : {"off", "no", "false", "n"}) EXPECT_EQ(parse_bool(off), false) << off;
  for (const auto* bad : {"", "1", "0", "On", "on ", "maybe"}) EXPECT_FALSE(parse_bool(bad)) << bad;
}

TEST(Text, UnsignedNumbersInFourBases) {
  EXPECT_EQ(parse_unsigned("0"), 0U);
  EXPECT_EQ(parse_unsigned("42"), 42U);
  EXPECT_EQ(parse_unsigned("0x2A"), 42U);
  EXPECT_EQ(parse_unsigned("0b101010"), 42U);
  EXPECT_EQ(parse_unsigned("052"), 42U);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  for (const auto* bad : {"", "-1", "+1", " 1", "1 ", "0x", "0xg", "08", "1.0", "one",
                          "18446744073709551616"})
    EXPECT_FALSE(parse_unsigned(bad)) << bad;
}

TEST(Text, SignedNumbersToBothEnds) {
  EXPECT_EQ(parse_signed("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_signed("+9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_signed("-0x10"), -16);
  for (const auto* bad : {"", "-", "--1", "9223372036854775808", "-9223372036854775809"})
    EXPECT_FALSE(parse_signed(bad)) << bad;
}

TEST(Text, SizesWithSuffixesAndUnits) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("0x1000"), 4096U);
  EXPECT_EQ(parse_size("64K"), 65536U);
  EXPECT_EQ(parse_size("64k"), 65536U);
  EXPECT_EQ(parse_size("2G"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_size("15E"), std::uint64_t{15} << 60);
  EXPECT_EQ(parse_size("128", 1 << 20), std::uint64_t{128} << 20);
  EXPECT_EQ(parse_size("128K", 1 << 20), std::uint64_t{128} << 10);
  EXPECT_EQ(parse_size("7B", 1 << 20), 7U);
}

TEST(Text, SizesWithFractions) {
  EXPECT_EQ(parse_size("1.5G"), (std::uint64_t{1} << 30) + (std::uint64_t{1} << 29));
  EXPECT_EQ(parse_size("0.1K"), 102U);
  EXPECT_EQ(parse_size("0.999999999999999999E"), 1152921504606846974U);
  EXPECT_EQ(parse_size("2.5", 1 << 20), std::uint64_t{5} << 19);
  EXPECT_EQ(parse_size("15.999999999999999999E"), std::numeric_limits<std::uint64_t>::max() - 1);
}

TEST(Text, WhatIsNoSize) {
  for (const auto* bad : {"", "M", "-1", "1MM", "1 M", "1.M", ".5M", "1.5.5M", "0x1.5M", "12Q",
                          "1.0000000000000000000M", "08", "18446744073709551616", "16384P", "16E"})
    EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Text, SizesAreShownWithTheLargestExactSuffix) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1023), "1023");
  EXPECT_EQ(format_size(1537), "1537");
  EXPECT_EQ(format_size(1536 * 1024), "1536K");
  EXPECT_EQ(format_size(std::uint64_t{128} << 20), "128M");
  EXPECT_EQ(format_size(std::uint64_t{3} << 60), "3E");
}

TEST(Text, NearestGuessesTyposAndNothingElse) {
  const std::vector<std::string_view> names{"machine", "memory", "bios", "m", "smp"};
  EXPECT_EQ(nearest("machin", names), "machine");
  EXPECT_EQ(nearest("mahcine", names), "machine");
  EXPECT_EQ(nearest("boos", names), "bios");
  EXPECT_EQ(nearest("spm", names), "smp");
  EXPECT_EQ(nearest("frobnicate", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(100, 'm'), names), "");
}

}  // namespace
}  // namespace holdfast::object
