// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/group.hpp"

#include <gtest/gtest.h>

#include <array>

#include "holdfast/app/options/config_file.hpp"
#include "holdfast/app/options/date.hpp"
#include "holdfast/app/options/json.hpp"

namespace holdfast::app {
namespace {

using Items = std::vector<KeyValue>;

OptionGroup group(Items items) { return {.option = "x", .text = "given", .items = std::move(items)}; }

TEST(Fields, ConvertAndSayWhatTheyTake) {
  const auto g = group({{"flag", "on"}, {"n", "7"}, {"size", "2K"}, {"kind", "b"}});
  constexpr std::array<std::string_view, 2> kKinds{"a", "b"};
  Fields fields{g};
  EXPECT_EQ(*fields.flag("flag"), true);
  EXPECT_EQ(*fields.number("n", 1, 8), 7U);
  EXPECT_EQ(*fields.size("size"), 2048U);
  EXPECT_EQ(*fields.choice("kind", kKinds), 1U);
  EXPECT_EQ(fields.text("missing"), std::nullopt);
  EXPECT_EQ(fields.number("n", 8, 9).error().message, "n is '7'; it takes a whole number from 8 to 9");
  EXPECT_EQ(fields.flag("n").error().message, "n is '7'; it takes on or off");
  EXPECT_EQ(fields.required("missing", "a name").error().message, "missing is missing; it takes a name");
}

TEST(Fields, TheLastValueHolds) {
  const auto g = group({{"a", "1"}, {"a", "2"}});
  EXPECT_EQ(Fields{g}.text("a"), "2");
}

TEST(Fields, WhatNobodyAskedForIsAnError) {
  const auto g = group({{"a", "1"}, {"b", "2"}, {"in.c", "3"}});
  const auto read = [](Fields& fields) -> Result<int> {
    fields.text("a");
    fields.with_prefix("in.");
    return 1;
  };
  EXPECT_EQ(read_group(g, read).error().message, "-x given: there is no 'b'; there are a, in.");
  const auto all = [&](Fields& fields) -> Result<int> {
    EXPECT_EQ(fields.rest().size(), 3U);
    return read(fields);
  };
  EXPECT_EQ(read_group(g, all), 1);
}

TEST(Group, IsKeysAndValuesOrJson) {
  EXPECT_EQ(parse_group("device", "uart,id=a,server", "driver")->items,
            (Items{{"driver", "uart"}, {"id", "a"}, {"server", "on"}}));
  EXPECT_EQ(parse_group("device", R"({"driver": "uart", "addr": 4096})", "driver")->items,
            (Items{{"driver", "uart"}, {"addr", "4096"}}));
  auto g = group({{"a", "1"}, {"b", "2"}, {"a", "3"}});
  g.set("a", "4");
  EXPECT_EQ(g.items, (Items{{"b", "2"}, {"a", "4"}}));
}

TEST(Date, DaysAndTimesThatThereAre) {
  EXPECT_EQ(parse_date("1970-01-01"), 0);
  EXPECT_EQ(parse_date("2006-06-17T16:01:21"), 1'150'560'081);
  EXPECT_EQ(parse_date("2024-02-29"), 1'709'164'800);
  for (const auto* text : {"", "2006", "2023-02-29", "2006-13-01", "2006-06-17T24:00:00",
                           "2006-06-17 16:01:21", "2006-06-17T16:01", "+006-06-17"})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
}

TEST(Json, IsFlattened) {
  EXPECT_EQ(*parse_json_object(R"({"a": {"b": 1, "c": [true, "x", {"d": -2.5}]}, "e": false})"),
            (Items{{"a.b", "1"}, {"a.c.0", "on"}, {"a.c.1", "x"}, {"a.c.2.d", "-2.5"}, {"e", "off"}}));
  EXPECT_EQ(*parse_json_object("{}"), Items{});
}

TEST(Json, StringsMayBeInSingleQuotes) {
  EXPECT_EQ(*parse_json_object("{'driver': 'loader', 'data': 5, 'in': {'b': ['x', true]}}"),
            (Items{{"driver", "loader"}, {"data", "5"}, {"in.b.0", "x"}, {"in.b.1", "on"}}));
  EXPECT_EQ(*parse_json_object(R"({"a": "it's", 'b': 'say "x"', 'c': 'it\'s'})"),
            (Items{{"a", "it's"}, {"b", "say \"x\""}, {"c", "it's"}}));
  const auto error_of = [](std::string_view text) {
    const auto items = parse_json_object(text);
    return items ? "accepted" : items.error().message;
  };
  EXPECT_EQ(error_of("{'a': 1]"), "it is no JSON: a bracket closes what it did not open");
  EXPECT_EQ(error_of("{'a': 1} {'b': 2}"), "it is no JSON: it takes one object, {'KEY': VALUE}");
  EXPECT_EQ(error_of("{'a': 1} x"), "it is no JSON: it takes one object, {'KEY': VALUE}");
  EXPECT_EQ(error_of("{'a': 'b"), "it is no JSON: a control character in a string");
  EXPECT_EQ(error_of("{'a': 'b'"), "it is no JSON: it takes one object, {'KEY': VALUE}");
  EXPECT_EQ(error_of("{'a': 1, 'a': 2}"), "member 'a' is there twice");
  EXPECT_EQ(error_of("{'a': tru}"), "it is no JSON; what is wrong is at character 10");
  std::string deep = "{'a':";
  for (int i = 0; i < 100; ++i) deep += '[';
  deep += std::string(100, ']') + '}';
  EXPECT_EQ(error_of(deep), "it is more than 32 levels deep");
}

TEST(Json, WhatIsRefused) {
  const auto error_of = [](std::string_view text) {
    const auto items = parse_json_object(text);
    return items ? "accepted" : items.error().message;
  };
  EXPECT_EQ(error_of("{]"), "it is no JSON; what is wrong is at character 2");
  EXPECT_EQ(error_of(R"({"a": null})"), "it holds a null; leave the member out");
  EXPECT_EQ(error_of(R"({"a": 1, "a": 2})"), "member 'a' is there twice");
  EXPECT_EQ(error_of("[1]"), "it is an array; it takes an object, {\"KEY\": VALUE}");
  EXPECT_EQ(error_of("1"), "it is one value; it takes an object, {\"KEY\": VALUE}");
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100'000; ++i) deep += '[';
  EXPECT_EQ(error_of(deep), "it is more than 32 levels deep");
}

TEST(ConfigFile, SectionsAreGroups) {
  const auto groups = parse_config(
      "# comment\n\n[device \"u\"]\n  driver = \"ns16550a\"\n\taddr=\"0x1\"\r\n[machine]\n type = \"a = b\"");
  ASSERT_TRUE(groups) << groups.error().message;
  ASSERT_EQ(groups->size(), 2U);
  EXPECT_EQ(groups->at(0).option, "device");
  EXPECT_EQ(groups->at(0).items, (Items{{"id", "u"}, {"driver", "ns16550a"}, {"addr", "0x1"}}));
  EXPECT_EQ(groups->at(0).text, "id=u,driver=ns16550a,addr=0x1");
  EXPECT_EQ(groups->at(1).items, (Items{{"type", "a = b"}}));
}

TEST(ConfigFile, WhatIsRefusedNamesTheLine) {
  const auto error_of = [](std::string_view text) {
    const auto groups = parse_config(text);
    return groups ? "accepted" : groups.error().message;
  };
  EXPECT_EQ(error_of("a = \"b\""), "line 1: 'a = \"b\"' stands before the first section");
  EXPECT_EQ(error_of("\n[]"), "line 2: '[]' is no section; it takes [GROUP] or [GROUP \"ID\"]");
  EXPECT_EQ(error_of("[a b]"), "line 1: '[a b]' is no section; it takes [GROUP] or [GROUP \"ID\"]");
  EXPECT_EQ(error_of("[a \"b\"c\"]"),
            "line 1: '[a \"b\"c\"]' is no section; it takes [GROUP] or [GROUP \"ID\"]");
  EXPECT_EQ(error_of("[a]\nb = c"), "line 2: 'b = c' is no setting; it takes KEY = \"VALUE\"");
  EXPECT_EQ(error_of("[a]\n = \"c\""), "line 2: '= \"c\"' is no setting; it takes KEY = \"VALUE\"");
}

}  // namespace
}  // namespace holdfast::app
