// SPDX-License-Identifier: Apache-2.0
// How a machine tells its observers; for the files of class Machine.
#pragma once

#include <algorithm>

#include "holdfast/machine/machine.hpp"

namespace holdfast::machine {

// Whoever is told may take itself out.
template <class Tell>
void Machine::tell(Tell tell) {
  const auto all = observers_;
  for (Observer* observer : all)
    if (std::ranges::find(observers_, observer) != observers_.end()) tell(*observer);
}

}  // namespace holdfast::machine
