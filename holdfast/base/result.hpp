// SPDX-License-Identifier: Apache-2.0
// Expected failures: configuration, host refusal, a command the guest got wrong. See docs/style.md.
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <utility>

namespace holdfast {

/// Why something could not be done. The message names the object and says what would be accepted.
struct [[nodiscard]] Error {
  std::string message;
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail("drive '{}': not found", id);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected{Error{fmt::format(format, std::forward<Args>(args)...)}};
}

}  // namespace holdfast

/// Evaluates to the value of a `Result`, or returns its error from the enclosing function.
#define TRY(...)                                                           \
  __extension__({                                                          \
    auto holdfast_try_result = (__VA_ARGS__);                              \
    if (!holdfast_try_result)                                              \
      return std::unexpected{std::move(holdfast_try_result).error()};      \
    ::holdfast::detail::take(std::move(holdfast_try_result));              \
  })

namespace holdfast::detail {
template <class T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace holdfast::detail
