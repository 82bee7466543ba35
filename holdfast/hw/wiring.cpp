// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/wiring.hpp"

namespace holdfast::hw {

// What was laid before an error goes when the device is dropped, which is all that it is good for then.
Result<void> Wiring::prepare() {
  for (const Line& line : lines_) TRY(connect(*line.from, line.from_line, *line.to, line.to_line));
  for (const auto& [from, to] : clocks_) TRY(connect(*from, *to));
  return {};
}

}  // namespace holdfast::hw
