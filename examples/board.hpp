// SPDX-License-Identifier: Apache-2.0
// A board with RAM and an adder.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/boards/plan.hpp"

namespace example {

inline constexpr std::uint64_t kAdderBase = 0x1000'0000;
inline constexpr std::uint64_t kRamBase = 0x8000'0000;

struct BoardOptions {
  std::uint64_t ram_size = 1 << 20;  // bytes
};

/// The plan, or everything that is wrong with it.
holdfast::Result<holdfast::boards::BoardPlan> plan_board(const BoardOptions& options);

/// An adder alone, for a machine that runs already.
holdfast::boards::BoardPlan plan_plug(const std::string& name, std::uint64_t address);

}  // namespace example
