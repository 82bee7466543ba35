// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to rows of the table.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "holdfast/app/options/table.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

constexpr std::array<std::string_view, 2> kArchitectures{"arm", "riscv64"};

/// Whatever was typed, a message is one line that a terminal can show.
Error on_one_line(const Error& error) {
  constexpr std::size_t kLongest = 1000;
  std::string line;
  for (const char c : error.message) {
    if (line.size() >= kLongest) return {line + "..."};
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      line += c;
  }
  return {line};
}

/// What a program called `…-system-ARCH` is for; "" for one that is called otherwise.
Result<std::string> architecture_of(std::string_view program) {
  const auto slash = program.rfind('/');
  const auto name = slash == program.npos ? program : program.substr(slash + 1);
  if (name.find("-system-") == name.npos) return std::string{};
  const auto architecture = name.substr(name.rfind('-') + 1);
  if (std::ranges::find(kArchitectures, architecture) == kArchitectures.end())
    return fail("there is no architecture '{}', which the program's name says; there are {}", architecture,
                fmt::join(kArchitectures, ", "));
  return std::string{architecture};
}

std::string_view without_dashes(std::string_view word) {
  return word.substr(word.starts_with("--") ? 2 : 1);
}

class Parser {
 public:
  explicit Parser(const Invocation& invocation) : draft_{.invocation = invocation} {}

  Result<Options> parse(std::span<const char* const> arguments) {
    draft_.options.architecture = TRY(architecture_of(draft_.invocation.program));
    while (!arguments.empty() && !draft_.answered()) {
      const std::string_view word = arguments.front();
      arguments = arguments.subspan(1);
      if (word == "--" && arguments.empty()) break;
      TRY(take(word, arguments));
    }
    return finish(std::move(draft_));
  }

 private:
  const OptionRow* find(std::string_view name) const {
    const auto found = std::ranges::find(table_, name, &OptionRow::name);
    return found == table_.end() ? nullptr : &*found;
  }

  Result<void> take(std::string_view word, std::span<const char* const>& arguments) {
    if (word.size() < 2 || !word.starts_with('-') || word == "--")
      return fail("{}: not an option; options begin with a dash, and -help lists them",
                  word == "--" && !arguments.empty() ? arguments.front() : word);
    const auto whole_name = without_dashes(word);
    if (const OptionRow* row = find(whole_name)) {
      if (row->argument.empty()) return read(*row, std::nullopt);
      if (arguments.empty()) return fail("{}: needs an argument, {}", word, row->argument);
      const std::string_view argument = arguments.front();
      arguments = arguments.subspan(1);
      return read(*row, argument);
    }
    const auto equals = whole_name.find('=');
    const auto name = whole_name.substr(0, equals);
    const OptionRow* row = equals == whole_name.npos ? nullptr : find(name);
    if (row == nullptr) return unknown(word, name);
    if (row->argument.empty()) return fail("{}: -{} takes no argument", word, name);
    return read(*row, whole_name.substr(equals + 1));
  }

  Result<void> read(const OptionRow& row, std::optional<std::string_view> argument) {
    const auto text = argument.value_or("");
    const auto done = row.read != nullptr ? row.read(draft_, text) : read_group(row, text);
    if (done) return {};
    return fail("-{}{}{}: {}", row.name, argument ? " " : "", text, done.error().message);
  }

  Result<void> read_group(const OptionRow& row, std::string_view text) {
    return row.read_group(draft_, TRY(parse_group(row.name, text, row.implied)));
  }

  Result<void> unknown(std::string_view word, std::string_view name) const {
    const auto absent = absent_options();
    const auto found = std::ranges::find(absent, name, &AbsentOption::name);
    if (found != absent.end()) return fail("-{}: not supported: {}", name, found->reason);
    std::vector<std::string_view> names;
    for (const OptionRow& row : table_) names.push_back(row.name);
    const auto near = object::nearest(name, names);
    return fail("{}: unknown option; {}", word,
                near.empty() ? std::string{"-help lists them"} : fmt::format("did you mean -{}?", near));
  }

  const std::vector<OptionRow> table_ = option_table();
  Draft draft_;
};

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments, const Invocation& invocation) {
  auto options = Parser{invocation}.parse(arguments);
  if (!options) return std::unexpected{on_one_line(options.error())};
  return options;
}

}  // namespace holdfast::app
