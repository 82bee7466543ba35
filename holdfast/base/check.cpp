// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace holdfast::detail {

void check_failed(const char* condition, std::source_location where, std::string_view message) {
  fmt::print(stderr, "holdfast: broken invariant: {}\n  {} at {}:{} in {}\n", message, condition,
             where.file_name(), where.line(), where.function_name());
  std::fflush(stderr);
  std::abort();
}

}  // namespace holdfast::detail
