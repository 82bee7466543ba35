// SPDX-License-Identifier: Apache-2.0
// The B-L475E-IOT01A, ST's discovery kit for an STM32L475VG.
//
// SPEC: ST UM2153.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "holdfast/base/result.hpp"
#include "holdfast/boards/b_l475e_iot01a/stm32l4x5_soc.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/chardev/chardev.hpp"

namespace holdfast::boards::b_l475e_iot01a {

struct Options {
  std::optional<std::string> kernel;  // a path: an ELF file for Arm, or what is put into flash
  /// Of USART1 to 3, UART4 and 5, LPUART1; they outlive the machine's devices.
  std::array<chardev::Chardev*, Stm32l4x5Soc::kSerials> serials{};
};

/// The plan with the program loaded and checked. Errors name the file.
Result<BoardPlan> plan(const Options& options);

}  // namespace holdfast::boards::b_l475e_iot01a
