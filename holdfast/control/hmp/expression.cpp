// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/hmp/expression.hpp"

#include <algorithm>
#include <cctype>

#include "holdfast/object/text.hpp"

namespace holdfast::control::hmp {
namespace {

constexpr unsigned kDeepest = 64;  // brackets and signs in each other

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

class Parser {
 public:
  Parser(std::string_view& text, const RegisterValue& registers)
      : text_{text}, registers_{registers} {}

  Result<std::uint64_t> sum() {
    std::uint64_t value = TRY(logic());
    while (at('+') || at('-')) {
      const char sign = take();
      const std::uint64_t other = TRY(logic());
      value = sign == '+' ? value + other : value - other;
    }
    return value;
  }

  void skip_blanks() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size()));
  }

 private:
  bool at(char c) const { return text_.starts_with(c); }
  /// A slash before a name begins a path.
  bool divides() const {
    const auto next = text_.find_first_not_of(" \t", 1);
    return at('/') && (next == text_.npos || text_[next] == '$' || text_[next] == '\'' ||
                       text_[next] == '(' || text_[next] == '-' || text_[next] == '+' ||
                       text_[next] == '~' || std::isdigit(static_cast<unsigned char>(text_[next])) != 0);
  }
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    skip_blanks();
    return c;
  }

  Result<std::uint64_t> logic() {
    std::uint64_t value = TRY(product());
    while (at('&') || at('|') || at('^')) {
      const char sign = take();
      const std::uint64_t other = TRY(product());
      value = sign == '&' ? value & other : sign == '|' ? value | other : value ^ other;
    }
    return value;
  }

  Result<std::uint64_t> product() {
    std::uint64_t value = TRY(unary());
    while (at('*') || divides() || at('%')) {
      const char sign = take();
      const std::uint64_t other = TRY(unary());
      if (sign != '*' && other == 0) return fail("division by zero");
      value = sign == '*' ? value * other : sign == '/' ? value / other : value % other;
    }
    return value;
  }

  Result<std::uint64_t> unary() {
    if (depth_ == kDeepest) return fail("an expression has at most {} brackets and signs in each other", kDeepest);
    ++depth_;
    auto value = operand();
    --depth_;
    skip_blanks();
    return value;
  }

  Result<std::uint64_t> operand() {
    if (text_.empty()) return fail("a number is missing");
    switch (text_.front()) {
      case '+': take(); return unary();
      case '-': take(); return 0 - TRY(unary());
      case '~': take(); return ~TRY(unary());
      case '(': return bracket();
      case '\'': return character();
      case '$': return of_register();
      default: return number();
    }
  }

  Result<std::uint64_t> bracket() {
    take();
    const std::uint64_t value = TRY(sum());
    if (!at(')')) return fail("a closing bracket is missing");
    take();
    return value;
  }

  Result<std::uint64_t> character() {
    if (text_.size() < 3 || text_[2] != '\'') return fail("a character stands between two quotes: 'c'");
    const auto value = static_cast<unsigned char>(text_[1]);
    text_.remove_prefix(3);
    return value;
  }

  std::string_view take_word() {
    const auto end = std::ranges::find_if_not(text_, is_word);
    const auto length = static_cast<std::size_t>(end - text_.begin());
    const auto word = text_.substr(0, length);
    text_.remove_prefix(length);
    return word;
  }

  Result<std::uint64_t> of_register() {
    text_.remove_prefix(1);
    const auto name = take_word();
    const auto value = registers_ ? registers_(name) : std::nullopt;
    if (!value) return fail("there is no register '{}'", name);
    return *value;
  }

  Result<std::uint64_t> number() {
    const auto word = take_word();
    if (word.empty()) return fail("'{}' begins no number", text_.front());
    const auto value = object::parse_unsigned(word);
    if (!value) return fail("'{}' is no number", word);
    return *value;
  }

  std::string_view& text_;
  const RegisterValue& registers_;  // outlives this
  unsigned depth_ = 0;
};

}  // namespace

Result<std::uint64_t> take_expression(std::string_view& text, const RegisterValue& registers) {
  std::string_view rest = text;
  Parser parser{rest, registers};
  parser.skip_blanks();
  const std::uint64_t value = TRY(parser.sum());
  text = rest;
  return value;
}

}  // namespace holdfast::control::hmp
