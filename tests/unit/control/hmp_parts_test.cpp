// SPDX-License-Identifier: Apache-2.0
// What the monitor for people is made of: expressions, the line editor, the table of commands.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "holdfast/control/hmp/command.hpp"
#include "holdfast/control/hmp/words.hpp"

namespace holdfast::control::hmp {
namespace {

// --- expressions -----------------------------------------------------------------------------------

std::optional<std::uint64_t> registers(std::string_view name) {
  if (name == "pc") return 0x8000'0000;
  if (name == "sp") return 16;
  return std::nullopt;
}

std::uint64_t value_of_text(std::string_view text, std::string_view left = "") {
  const auto value = take_expression(text, registers);
  EXPECT_TRUE(value.has_value()) << text;
  EXPECT_EQ(text, left);
  return value.value_or(~std::uint64_t{0});
}

TEST(Expression, Values) {
  EXPECT_EQ(value_of_text("0x10+4*2"), 0x18U);
  EXPECT_EQ(value_of_text("  12 "), 12U);
  EXPECT_EQ(value_of_text("0x80000000"), 0x8000'0000U);
  EXPECT_EQ(value_of_text("017"), 15U);
  EXPECT_EQ(value_of_text("(1+2)*0x1000"), 0x3000U);
  EXPECT_EQ(value_of_text("7 / 2 % 2"), 1U);
  EXPECT_EQ(value_of_text("-1"), ~std::uint64_t{0});
  EXPECT_EQ(value_of_text("~0xff & 0xfff"), 0xf00U);
  EXPECT_EQ(value_of_text("- -5"), 5U);
  EXPECT_EQ(value_of_text("10 - 2 - 3"), 5U) << "from the left";
  EXPECT_EQ(value_of_text("1 | 2 ^ 3"), 0U) << "from the left, of one strength";
  EXPECT_EQ(value_of_text("1 + 2 & 3"), 3U) << "logic binds more than sums";
  EXPECT_EQ(value_of_text("'a' + 1"), 98U);
  EXPECT_EQ(value_of_text("0xffffffffffffffff + 2"), 1U) << "wraps round";
}

TEST(Expression, Registers) {
  EXPECT_EQ(value_of_text("$pc + 8"), 0x8000'0008U);
  EXPECT_EQ(value_of_text("$sp*$sp"), 256U);
  std::string_view text = "$nothing";
  EXPECT_EQ(take_expression(text, registers).error().message, "there is no register 'nothing'");
}

TEST(Expression, EndsWhereNoOperatorFollows) {
  EXPECT_EQ(value_of_text("0 512", "512"), 0U);
  EXPECT_EQ(value_of_text("$pc /dev/null", "/dev/null"), 0x8000'0000U) << "a path, no division";
}

TEST(Expression, WhatIsWrong) {
  for (const char* wrong : {"", "+", "1 +", "(1", "1 / 0", "5 % (1-1)", "'a", "''", "$", "0xg", "abc", ")", "99999999999999999999"}) {
    std::string_view text = wrong;
    EXPECT_FALSE(take_expression(text, registers).has_value()) << wrong;
    EXPECT_EQ(text, wrong) << "what was not understood stays";
  }
}

TEST(Expression, IsAsDeepAsItMayBe) {
  const std::string most(60, '(');
  std::string deep = most + "1" + std::string(60, ')');
  EXPECT_EQ(value_of_text(deep), 1U);
  for (const char* nested : {"(", "-", "~"}) {
    std::string endless;
    for (int i = 0; i < 100'000; ++i) endless += nested;
    std::string_view text = endless;
    EXPECT_FALSE(take_expression(text, registers).has_value());
  }
}

// --- words -----------------------------------------------------------------------------------------

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) words.push_back(take_word(line).value());
  return words;
}

TEST(Words, BlanksAndQuotes) {
  EXPECT_EQ(words_of("a  b\tc"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(words_of(R"("a b" "c\"d\n" "")"), (std::vector<std::string>{"a b", "c\"d\n", ""}));
  std::string_view open = "\"a b";
  EXPECT_FALSE(take_word(open).has_value());
}

TEST(Words, KeysAndValues) {
  const auto items = read_items("ns16550a,id=u,,1,addr=0x10,flag", "driver").value();
  EXPECT_EQ(items, (Items{{"driver", "ns16550a"}, {"id", "u,1"}, {"addr", "0x10"}, {"flag", "on"}}));
  EXPECT_EQ(read_items("", "driver").value(), Items{});
  EXPECT_FALSE(read_items("a,b=1,b=2", "driver").has_value());
  EXPECT_FALSE(read_items("a,=2", "driver").has_value());
}

using Values = std::map<std::string_view, Call::Value>;

Values arguments_of(const Row& row, std::string_view line) {
  Values values;
  const auto done = read_arguments(row, line, registers, values);
  EXPECT_TRUE(done.has_value()) << line << ": " << (done ? "" : done.error().message);
  return values;
}

TEST(Arguments, Formats) {
  const Row* x = find_row(commands(), "x");
  auto values = arguments_of(*x, "/16xw $pc");
  EXPECT_EQ(std::get<Format>(values.at("fmt")).count, 16U);
  EXPECT_EQ(std::get<Format>(values.at("fmt")).base, 'x');
  EXPECT_EQ(std::get<Format>(values.at("fmt")).size, 4U);
  EXPECT_EQ(std::get<std::uint64_t>(values.at("addr")), 0x8000'0000U);
  values = arguments_of(*x, "/i 4");
  EXPECT_EQ(std::get<Format>(values.at("fmt")).base, 'i');
  EXPECT_EQ(arguments_of(*x, "4").size(), 1U);
  for (const char* wrong : {"", "/z 4", "/99999999999999999999x 4", "4 5", "/4"}) {
    Values none;
    EXPECT_FALSE(read_arguments(*x, wrong, registers, none).has_value()) << wrong;
  }
}

TEST(Arguments, FlagsStandInFront) {
  const Row* mtree = find_row(infos(), "mtree");
  EXPECT_EQ(arguments_of(*mtree, "-f -d").size(), 2U);
  EXPECT_EQ(arguments_of(*mtree, "-oD").size(), 2U);
  Values none;
  EXPECT_FALSE(read_arguments(*mtree, "-x", registers, none).has_value());
}

// --- the table -------------------------------------------------------------------------------------

TEST(Table, EveryRowIsWhole) {
  for (const auto rows : {commands(), infos()}) {
    std::set<std::string> names;
    for (const Row* row : rows) {
      EXPECT_NE(row->perform == nullptr, row->absent.empty()) << row->name << ": either does something or says why not";
      EXPECT_FALSE(row->help.empty()) << row->name;
      EXPECT_EQ(row->help.find('\n'), row->help.npos) << row->name;
      for (std::string_view left = row->name;;) {
        const auto bar = left.find('|');
        EXPECT_TRUE(names.emplace(left.substr(0, bar)).second) << left << " is there twice";
        if (bar == left.npos) break;
        left.remove_prefix(bar + 1);
      }
      bool was_optional = false;
      for (const Argument& argument : row->arguments) {
        if (argument.kind == Argument::Kind::kNone || argument.kind == Argument::Kind::kFlag ||
            argument.kind == Argument::Kind::kFormat)
          continue;
        EXPECT_FALSE(was_optional && !argument.optional) << row->name << ": what is needed comes first";
        was_optional = argument.optional;
      }
    }
  }
}

TEST(Table, ThePageInTheDocumentsIsUpToDate) {
  const std::string path = std::string{SOURCE_FOLDER} + "/docs/monitor.md";
  if (std::getenv("HOLDFAST_WRITE_DOCS") != nullptr) std::ofstream{path} << reference();
  std::ostringstream page;
  page << std::ifstream{path}.rdbuf();
  EXPECT_EQ(page.str(), reference()) << "HOLDFAST_WRITE_DOCS=1 writes it";
}

// --- the line editor -------------------------------------------------------------------------------

class Editor : public ::testing::Test {
 protected:
  /// Keys in; what came out on the terminal.
  std::string type(std::string_view keys) {
    sent_.clear();
    editor_.feed(keys);
    return sent_;
  }

  std::string sent_;
  std::vector<std::string> lines_;
  Completions completions_;
  LineEditor editor_{"> ",
                     {.send = [this](std::string_view bytes) { sent_ += bytes; },
                      .line = [this](std::string_view line) { lines_.emplace_back(line); },
                      .complete = [this](std::string_view) { return completions_; }}};
};

using Lines = std::vector<std::string>;

TEST_F(Editor, WhatIsAppendedComesBackAsItCame) {
  EXPECT_EQ(type("info status"), "info status");
  EXPECT_EQ(type("\n"), "\r\n");
  EXPECT_EQ(lines_, Lines{"info status"});
}

TEST_F(Editor, BothEndsOfALineEndItOnce) {
  type("a\rb\nc\r\nd\n\ne\r\r");
  EXPECT_EQ(lines_, (Lines{"a", "b", "c", "d", "", "e", ""}));
}

TEST_F(Editor, Editing) {
  type("bd\x02" "c\x01" "a\x05" "e\r");                      // ← c Home a End e
  type("one two three\x17" "x\r");                            // the last word goes
  type("abc\x7f\x08" "d\r");                                  // two backspaces
  type("abc\x1b[D\x1b[D\x04\r");                              // Delete at b
  type("abc\x1b[H\x1b[3~\x1b[F!\r");                          // Home, Delete, End
  type("abc\x02\x0b\r");                                      // to the end
  type("abc\x15" "d\r");                                      // all
  type("abc\x03" "d\r");                                      // begins anew
  EXPECT_EQ(lines_, (Lines{"abcde", "one two x", "ad", "ac", "bc!", "ab", "d", "d"}));
}

TEST_F(Editor, CharactersOfSeveralBytesAreOne) {
  type("a\xc3\xa4" "b\x02\x7f\r");  // a with dots, erased from behind it
  EXPECT_EQ(lines_, Lines{"ab"});
}

TEST_F(Editor, History) {
  type("first\rsecond\rsecond\r");
  EXPECT_EQ(editor_.history(), (std::deque<std::string>{"first", "second"}));
  type("new\x1b[A\x1b[A\r");
  EXPECT_EQ(lines_.back(), "first");
  type("draft\x10\x10\x0e\x0e\x0e!\r");
  EXPECT_EQ(lines_.back(), "draft!") << "the line in the making is kept";
  type("\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\r");
  EXPECT_EQ(lines_.back(), "first") << "there is nothing older";
  for (std::size_t i = 0; i < 2 * LineEditor::kMostRemembered; ++i) type(std::to_string(i) + "\r");
  EXPECT_EQ(editor_.history().size(), LineEditor::kMostRemembered);
}

TEST_F(Editor, Completion) {
  completions_ = {.begin = 5, .words = {"status"}};
  type("info st\t\r");
  EXPECT_EQ(lines_.back(), "info status ");
  completions_ = {.begin = 0, .words = {"system_powerdown", "system_reset"}};
  type("sy\t");
  EXPECT_NE(type("\t").find("system_powerdown  system_reset\r\n> system_"), std::string::npos);
  type("r\r");
  EXPECT_EQ(lines_.back(), "system_r");
  completions_ = {};
  type("zzz\t\r");
  EXPECT_EQ(lines_.back(), "zzz");
}

TEST_F(Editor, ALineHasAnEnd) {
  const std::string much(std::size_t{1} << 20, 'x');
  const std::string out = type(much);
  EXPECT_EQ(out.find('\a'), LineEditor::kLongest);
  type("\r");
  EXPECT_EQ(lines_.back().size(), LineEditor::kLongest);
}

TEST_F(Editor, NonsenseIsNothing) {
  type("\x1b[99999999999999999;5Zab\x1bq\x1b[\x1b[1;5C\x1eZ\r");
  EXPECT_EQ(lines_.size(), 1U);
}

}  // namespace
}  // namespace holdfast::control::hmp
