// SPDX-License-Identifier: Apache-2.0
// A failure cannot be made and dropped.
#include "holdfast/base/result.hpp"

int main() {
#ifdef MUST_NOT_COMPILE
  holdfast::fail("nobody reads this");
#endif
}
