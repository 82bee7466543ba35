// SPDX-License-Identifier: Apache-2.0
// The smallest program on the library: two address ranges and what they have in common.
#include <fmt/core.h>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"

namespace {

holdfast::Result<holdfast::Extent> overlap(holdfast::Extent a, holdfast::Extent b) {
  if (const auto both = holdfast::intersect(a, b)) return *both;
  return holdfast::fail("{:#x}..{:#x} and {:#x}..{:#x} do not meet", a.first, a.last, b.first, b.last);
}

}  // namespace

int main() {
  const auto both = overlap({0x1000, 0x1fff}, {0x1800, 0x27ff});
  if (!both) return 1;
  fmt::print("{:#x}..{:#x}\n", both->first, both->last);
  const auto none = overlap({0x1000, 0x1fff}, {0x2000, 0x2fff});
  if (none) return 1;
  fmt::print("{}\n", none.error().message);
}
