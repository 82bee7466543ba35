// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/property.hpp"

#include <gtest/gtest.h>

#include <array>

#include "holdfast/object/object.hpp"

namespace holdfast::object {
namespace {

struct Thing : Object {
  bool flag = false;
  std::uint8_t byte = 0;
  std::int16_t level = 0;
  std::uint64_t wide = 0;
  std::int64_t signed_wide = 0;
  double ratio = 0;
  std::string text;
  enum class Mode { kSlow, kFast } mode = Mode::kSlow;
};

constexpr std::array<std::string_view, 2> kSpeeds{"slow", "fast"};

constexpr Property kFlag = property<&Thing::flag>("flag", "");
constexpr Property kByte = property<&Thing::byte>("byte", "", {.min = 1, .max = 200});
constexpr Property kLevel = property<&Thing::level>("level", "", {.min = -5, .max = 5});
constexpr Property kBelow = property<&Thing::level>("level", "", {.min = -9, .max = -3});
constexpr Property kWide = property<&Thing::wide>("wide", "");
constexpr Property kSignedWide = property<&Thing::signed_wide>("signed-wide", "");
constexpr Property kRatio = property<&Thing::ratio>("ratio", "");
constexpr Property kText = property<&Thing::text>("text", "");
constexpr Property kSize = size<&Thing::wide>("size", "", {.max = 1 << 20});
constexpr Property kMode = choice<&Thing::mode>("mode", "ThingMode", kSpeeds, "");

PropertyValue u(std::uint64_t n) { return n; }
PropertyValue i(std::int64_t n) { return n; }
PropertyValue s(const char* text) { return std::string{text}; }

TEST(Property, TypesAsProtocolsShowThem) {
  EXPECT_EQ(kFlag.type_text(), "bool");
  EXPECT_EQ(kByte.type_text(), "uint8");
  EXPECT_EQ(kLevel.type_text(), "int16");
  EXPECT_EQ(kWide.type_text(), "uint64");
  EXPECT_EQ(kRatio.type_text(), "number");
  EXPECT_EQ(kText.type_text(), "str");
  EXPECT_EQ(kSize.type_text(), "size");
  EXPECT_EQ(kMode.type_text(), "ThingMode");
}

TEST(Property, WhatAPersonMayWrite) {
  EXPECT_EQ(kFlag.accepts(), "on or off");
  EXPECT_EQ(kByte.accepts(), "a whole number from 1 to 200");
  EXPECT_EQ(kLevel.accepts(), "a whole number from -5 to 5");
  EXPECT_EQ(kBelow.accepts(), "a whole number from -9 to -3");
  EXPECT_EQ(kMode.accepts(), "one of slow, fast");
  EXPECT_EQ(kSize.accepts(), "a size from 0 to 1048576 bytes, such as 64K, 128M or 2G");
}

TEST(Property, UnsignedTakesNumbersOfEitherTypeAndText) {
  EXPECT_EQ(kByte.convert(u(200)), u(200));
  EXPECT_EQ(kByte.convert(i(7)), u(7));
  EXPECT_EQ(kByte.convert(s("0x10")), u(16));
  for (const auto& bad :
       {u(0), u(201), i(-1), s("x"), s(""), PropertyValue{true}, PropertyValue{1.0}})
    EXPECT_EQ(kByte.convert(bad), std::nullopt) << to_text(bad);
  EXPECT_EQ(kWide.convert(s("18446744073709551615")), u(~std::uint64_t{0}));
}

TEST(Property, SignedTakesItsWholeRange) {
  EXPECT_EQ(kLevel.convert(s("-5")), i(-5));
  EXPECT_EQ(kLevel.convert(u(5)), i(5));
  for (const auto& bad : {i(-6), i(6), u(~std::uint64_t{0}), s("5.0")})
    EXPECT_EQ(kLevel.convert(bad), std::nullopt) << to_text(bad);
  EXPECT_EQ(kBelow.convert(i(-3)), i(-3));
  EXPECT_EQ(kBelow.convert(i(-2)), std::nullopt);
  EXPECT_EQ(kSignedWide.convert(s("-9223372036854775808")),
            i(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(kSignedWide.convert(s("9223372036854775807")),
            i(std::numeric_limits<std::int64_t>::max()));
}

TEST(Property, SizesTakeSuffixes) {
  EXPECT_EQ(kSize.convert(s("64K")), u(65536));
  EXPECT_EQ(kSize.convert(u(12)), u(12));
  EXPECT_EQ(kSize.convert(s("2M")), std::nullopt);
}

TEST(Property, SwitchesTakeWordsAndNoNumbers) {
  EXPECT_EQ(kFlag.convert(s("on")), PropertyValue{true});
  EXPECT_EQ(kFlag.convert(PropertyValue{false}), PropertyValue{false});
  EXPECT_EQ(kFlag.convert(u(1)), std::nullopt);
}

TEST(Property, NumbersTakeWholeOnesToo) {
  EXPECT_EQ(kRatio.convert(i(-2)), PropertyValue{-2.0});
  EXPECT_EQ(kRatio.convert(s("2.5")), PropertyValue{2.5});
  EXPECT_EQ(kRatio.convert(s("2.5x")), std::nullopt);
}

TEST(Property, TextTakesOnlyText) {
  EXPECT_EQ(kText.convert(s("")), s(""));
  EXPECT_EQ(kText.convert(u(1)), std::nullopt);
}

TEST(Property, ChoicesTakeTheirNames) {
  EXPECT_EQ(kMode.convert(s("fast")), u(1));
  EXPECT_EQ(kMode.convert(s("Fast")), std::nullopt);
  EXPECT_EQ(kMode.convert(u(1)), std::nullopt);
}

TEST(Property, ValuesAsText) {
  EXPECT_EQ(to_text(PropertyValue{true}), "on");
  EXPECT_EQ(to_text(i(-3)), "-3");
  EXPECT_EQ(to_text(u(3)), "3");
  EXPECT_EQ(to_text(PropertyValue{0.5}), "0.5");
  EXPECT_EQ(to_text(s("x")), "x");
}

}  // namespace
}  // namespace holdfast::object
