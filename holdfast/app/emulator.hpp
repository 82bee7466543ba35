// SPDX-License-Identifier: Apache-2.0
// The emulator as a program: one machine, its console, and the loop that serves them until the guest
// or the user ends it.
#pragma once

#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// Makes the machine that the options describe and runs it to its end. Returns the exit status the
/// guest asked for; an error if the machine could not be made, and then nothing is left.
Result<int> run_machine(const Options& options);

}  // namespace holdfast::app
