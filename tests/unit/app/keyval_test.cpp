// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/keyval.hpp"

#include <gtest/gtest.h>

namespace holdfast::app {
namespace {

using Items = std::vector<KeyValue>;

std::string error_of(std::string_view text, std::string_view implied = "type") {
  const auto items = parse_keyval(text, implied);
  return items ? "" : items.error().message;
}

TEST(Keyval, ImpliedKeyThenPairs) {
  EXPECT_EQ(*parse_keyval("virt,a=1,b.c=2", "type"),
            (Items{{"type", "virt"}, {"a", "1"}, {"b.c", "2"}}));
}

TEST(Keyval, PairsAlone) { EXPECT_EQ(*parse_keyval("a=1", "type"), (Items{{"a", "1"}})); }

TEST(Keyval, KeysRepeatInOrder) {
  EXPECT_EQ(*parse_keyval("a=1,a=2", ""), (Items{{"a", "1"}, {"a", "2"}}));
}

TEST(Keyval, ADoubledCommaIsACommaAnywhereInAValue) {
  EXPECT_EQ(*parse_keyval("a=x,,y", ""), (Items{{"a", "x,y"}}));
  EXPECT_EQ(*parse_keyval("a=,,,,", ""), (Items{{"a", ",,"}}));
  EXPECT_EQ(*parse_keyval("a=x,,,b=y", ""), (Items{{"a", "x,"}, {"b", "y"}}));
  EXPECT_EQ(*parse_keyval("x,,y,a=1", "file"), (Items{{"file", "x,y"}, {"a", "1"}}));
}

TEST(Keyval, ValuesMayBeEmptyOrHoldEqualsSigns) {
  EXPECT_EQ(*parse_keyval("a=,b=c=d", ""), (Items{{"a", ""}, {"b", "c=d"}}));
}

TEST(Keyval, NothingAndACommaAtTheEnd) {
  EXPECT_EQ(*parse_keyval("", "type"), Items{});
  EXPECT_EQ(*parse_keyval("virt,", "type"), (Items{{"type", "virt"}}));
  EXPECT_EQ(*parse_keyval("a=1,", ""), (Items{{"a", "1"}}));
}

TEST(Keyval, WordsAreSwitchesWhereTheyMayBe) {
  EXPECT_EQ(*parse_keyval("socket,server,nowait,a=1", "backend", Words::kSwitches),
            (Items{{"backend", "socket"}, {"server", "on"}, {"wait", "off"}, {"a", "1"}}));
  EXPECT_EQ(*parse_keyval("server", "", Words::kSwitches), (Items{{"server", "on"}}));
  EXPECT_EQ(*parse_keyval("no", "", Words::kSwitches), (Items{{"no", "on"}}));
}

TEST(Keyval, WhatIsRefused) {
  EXPECT_EQ(error_of("virt,usb"),
            "'usb' has no value; write key=value (a comma inside a value is written twice)");
  EXPECT_EQ(error_of("word", ""),
            "'word' has no value; write key=value (a comma inside a value is written twice)");
  EXPECT_EQ(error_of("=1"), "'' is no key; a key is made of letters, digits and any of -_.[]");
  EXPECT_EQ(error_of("a b=1"), "'a b' is no key; a key is made of letters, digits and any of -_.[]");
  EXPECT_EQ(error_of("a,,b=1"), "'a,b' is no key; a key is made of letters, digits and any of -_.[]");
  EXPECT_EQ(error_of(",a=1"), "nothing stands before a comma; write key=value,key=value");
}

}  // namespace
}  // namespace holdfast::app
