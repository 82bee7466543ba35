// SPDX-License-Identifier: Apache-2.0
// Broken invariants end the process in every build. Nothing a guest, a monitor client or a
// configuration does may reach one.
#pragma once

#include <fmt/core.h>

#include <source_location>
#include <string_view>

namespace holdfast::detail {
[[noreturn]] void check_failed(const char* condition, std::source_location where,
                               std::string_view message);
}  // namespace holdfast::detail

/// HF_CHECK(condition, "message {}", args...): aborts with the message if the condition is false.
#define HF_CHECK(condition, ...)                                                       \
  do {                                                                                 \
    if (!(condition)) [[unlikely]]                                                     \
      ::holdfast::detail::check_failed(#condition, std::source_location::current(),   \
                                       fmt::format(__VA_ARGS__));                     \
  } while (false)

/// The same where the check costs too much for a release build.
#ifdef HOLDFAST_DEBUG
#define HF_DCHECK(condition, ...) HF_CHECK(condition, __VA_ARGS__)
#else
#define HF_DCHECK(condition, ...) \
  do {                            \
  } while (false)
#endif
