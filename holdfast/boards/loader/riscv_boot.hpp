// SPDX-License-Identifier: Apache-2.0
// How a RISC-V hart gets from reset into firmware: a few instructions in ROM, and what OpenSBI's
// fw_dynamic is told about what comes after it.
// SPEC: OpenSBI, docs/firmware/fw_dynamic.md; RISC-V boot convention: a0 hart id, a1 device tree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::boards {

/// Where the firmware goes on to. Six 64-bit numbers in memory, whose address is in a2.
struct FwDynamicInfo {
  enum class Mode : std::uint64_t { kUser = 0, kSupervisor = 1, kMachine = 3 };

  std::uint64_t next_address = 0;
  Mode next_mode = Mode::kSupervisor;
  std::uint64_t options = 0;  // bit 0: no boot prints; bit 1: no run-time prints
  std::uint64_t boot_hart = 0;

  static constexpr std::uint64_t kMagic = 0x4942534f;  // "OSBI"
  static constexpr std::uint64_t kVersion = 2;
  static constexpr std::size_t kSize = 48;
  std::array<std::byte, kSize> bytes() const;
};

struct BootRomPlan {
  std::uint64_t at = 0x1000;      // where harts begin; a multiple of 8
  std::uint64_t firmware = 0;     // where they go
  std::uint64_t device_tree = 0;  // its physical address
  FwDynamicInfo next{};
};

/// The ROM's contents: sets a0 to the hart's id, a1 to the device tree, a2 to the information for
/// fw_dynamic, which lies behind the code, and jumps to the firmware. Position-independent.
std::vector<std::byte> boot_rom(const BootRomPlan& plan);

}  // namespace holdfast::boards
