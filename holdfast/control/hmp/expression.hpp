// SPDX-License-Identifier: Apache-2.0
// Numbers as people write them in a monitor: 0x10+4*2, $pc - 8, (1+2)*0x1000.
//
//   sum      logic (+ - logic)*
//   logic    product (& | ^ product)*
//   product  unary (* / % unary)*
//   unary    (+ - ~) unary · ( sum ) · $register · 'c' · a number: decimal, 0x, 0b, 0 octal
//
// 64 bits, unsigned, wrapping round. Operators may have blanks around them, so an expression ends
// where no operator follows: "0 512" is two. A slash before a name is none: it begins a path.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "holdfast/base/result.hpp"

namespace holdfast::control::hmp {

/// The value of a register, without its dollar; nothing if there is none of that name.
using RegisterValue = std::function<std::optional<std::uint64_t>(std::string_view name)>;

/// Takes an expression, and the blanks behind it, from the front of `text`. Errors say what is wrong
/// with it, or that it divides by zero; nothing of the text is to be used then.
Result<std::uint64_t> take_expression(std::string_view& text, const RegisterValue& registers);

}  // namespace holdfast::control::hmp
