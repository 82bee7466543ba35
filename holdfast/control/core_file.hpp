// SPDX-License-Identifier: Apache-2.0
// A machine as debuggers load it: an ELF core file with the registers of each CPU and the RAM of the bus.
// SPEC: System V ABI, "Program Header"; Linux's elf_prstatus for the notes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::control {

/// What goes into it: `part` of the bus's addresses, or all that is RAM. Errors: there is no RAM there, more
/// than can be written at once, or no CPU of which an ELF file could be.
struct CorePlan {
  static Result<CorePlan> make(machine::Machine& machine, std::optional<Extent> part);

  std::uint64_t bytes() const;  // of memory

  std::vector<Extent> ram;
  std::uint16_t architecture;  // e_machine
};

/// Writes it while no CPU executes anything. An error of the host is its words alone.
Result<void> write_core(machine::Machine& machine, const CorePlan& plan, int file);

}  // namespace holdfast::control
