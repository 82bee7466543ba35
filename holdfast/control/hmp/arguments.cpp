// SPDX-License-Identifier: Apache-2.0
// From a line to the arguments of a row.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "holdfast/control/hmp/command.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::control::hmp {
namespace {

void skip_blanks(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
}

std::string_view take_plain_word(std::string_view& line) {
  const auto end = std::min(line.find_first_of(" \t"), line.size());
  const auto taken = line.substr(0, end);
  line.remove_prefix(end);
  skip_blanks(line);
  return taken;
}

/// What stands behind a backslash in quotes.
char unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
  }
}

Result<Format> take_format(std::string_view& line) {
  line.remove_prefix(1);  // the slash
  std::string_view text = take_plain_word(line);
  Format format;
  std::size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) ++digits;
  if (digits != 0) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, format.count);
    if (error != std::errc{}) return fail("'{}' is too many", text.substr(0, digits));
  }
  for (const char c : text.substr(digits)) switch (c) {
      case 'x':
      case 'd':
      case 'u':
      case 'o':
      case 'c':
      case 'i': format.base = c; break;
      case 'b': format.size = 1; break;
      case 'h': format.size = 2; break;
      case 'w': format.size = 4; break;
      case 'g':
      case 'L': format.size = 8; break;
      default:
        return fail("/{}: a format has a number, one of x d u o c i, and one of b h w g", text);
    }
  return format;
}

class Reader {
 public:
  Reader(std::string_view line, const RegisterValue& registers,
         std::map<std::string_view, Call::Value>& values)
      : line_{line}, registers_{registers}, values_{values} {
    skip_blanks(line_);
  }

  Result<void> read(const Row& row) {
    TRY(flags(row));
    for (const Argument& argument : row.arguments) {
      if (argument.kind == Argument::Kind::kNone) break;
      if (argument.kind == Argument::Kind::kFlag) continue;
      TRY(one(argument));
    }
    if (!line_.empty()) return fail("'{}' is too much", line_);
    return {};
  }

 private:
  static const Argument* flag_of(const Row& row, char letter) {
    for (const Argument& argument : row.arguments)
      if (argument.kind == Argument::Kind::kFlag && argument.name.front() == letter) return &argument;
    return nullptr;
  }

  /// In any order, and before all else. A dash with a letter that is none may begin a number.
  Result<void> flags(const Row& row) {
    const bool has_any = std::ranges::any_of(row.arguments, [](const Argument& argument) {
      return argument.kind == Argument::Kind::kFlag;
    });
    while (has_any && line_.size() >= 2 && line_.front() == '-' &&
           std::isalpha(static_cast<unsigned char>(line_[1])) != 0) {
      const auto letters = take_plain_word(line_).substr(1);
      for (const char letter : letters) {
        const Argument* known = flag_of(row, letter);
        if (known == nullptr) return fail("there is no -{}", letter);
        values_[known->name] = std::uint64_t{1};
      }
    }
    return {};
  }

  Result<void> one(const Argument& argument) {
    using Kind = Argument::Kind;
    if (argument.kind == Kind::kFormat) {
      if (line_.starts_with('/')) values_[argument.name] = TRY(take_format(line_));
      return {};
    }
    if (line_.empty()) {
      if (argument.optional) return {};
      return fail("'{}' is missing", argument.name);
    }
    switch (argument.kind) {
      case Kind::kWord: values_[argument.name] = TRY(take_word(line_)); return {};
      case Kind::kRest: return take_rest(argument);
      case Kind::kNumber: values_[argument.name] = TRY(take_expression(line_, registers_)); return {};
      case Kind::kSwitch: {
        const auto text = take_plain_word(line_);
        const auto on = object::parse_bool(text);
        if (!on) return fail("{} is '{}'; it takes on or off", argument.name, text);
        values_[argument.name] = std::uint64_t{*on};
        return {};
      }
      default: return {};
    }
  }

  Result<void> take_rest(const Argument& argument) {
    // One word in quotes is that word.
    std::string_view ahead = line_;
    if (ahead.starts_with('"')) {
      std::string whole = TRY(take_word(ahead));
      if (ahead.empty()) {
        values_[argument.name] = std::move(whole);
        line_ = {};
        return {};
      }
    }
    values_[argument.name] = std::string{line_};
    line_ = {};
    return {};
  }

  std::string_view line_;
  const RegisterValue& registers_;  // outlives this, as do
  std::map<std::string_view, Call::Value>& values_;
};

}  // namespace

Result<std::string> take_word(std::string_view& line) {
  if (!line.starts_with('"')) return std::string{take_plain_word(line)};
  std::string taken;
  std::size_t at = 1;
  for (; at < line.size() && line[at] != '"'; ++at) {
    const bool escaped = line[at] == '\\' && at + 1 < line.size();
    taken += escaped ? unescaped(line[++at]) : line[at];
  }
  if (at >= line.size()) return fail("a quote is not closed");
  line.remove_prefix(at + 1);
  skip_blanks(line);
  return taken;
}

Result<void> read_arguments(const Row& row, std::string_view line, const RegisterValue& registers,
                            std::map<std::string_view, Call::Value>& values) {
  return Reader{line, registers, values}.read(row);
}

}  // namespace holdfast::control::hmp
