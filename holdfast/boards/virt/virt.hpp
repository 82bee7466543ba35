// SPDX-License-Identifier: Apache-2.0
// The RISC-V `virt` board: the memory map and interrupt numbers that firmware and Linux know from
// QEMU's machine of that name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/backend.hpp"
#include "holdfast/boards/loader/generic_load.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/cpu/riscv/cpu_model.hpp"

namespace holdfast::boards::virt {

struct Options {
  std::uint32_t harts = 1;                  // 1 to kMostHarts
  cpu::riscv::CpuModel cpu;                 // of every hart
  std::uint64_t ram_size = 128U << 20U;     // bytes
  std::optional<std::string> bios;          // a path; none: nothing is loaded
  std::optional<std::string> kernel;        // a path
  std::optional<std::string> initrd;        // a path
  std::string append;                       // the kernel's command line
  std::optional<std::string> dtb;           // a path, instead of the board's own tree
  /// What the two banks of flash hold; none: a bank of zeroes. With a bios, the first is where the bios
  /// goes on to; without one, it is where harts begin.
  std::array<Ref<block::Backend>, 2> flash{};
  std::vector<GenericLoad> loads{};         // what else is put into memory, in this order
  chardev::Chardev* serial = nullptr;       // outlives the machine's devices
  accel::HartGang* gang = nullptr;          // outlives them, too; none: harts do not run
};

inline constexpr std::uint32_t kMostHarts = 64;

/// The plan with all images loaded and checked. Errors name the file or option.
Result<BoardPlan> plan(const Options& options);

/// The device tree that the board hands to firmware, without what a boot adds to it.
Result<std::vector<std::byte>> device_tree(const Options& options);

// Where things are. SPEC: the reference system's documentation of its `virt` machine.
namespace map {
inline constexpr Extent kBootRom{0x1000, 0xffff};
inline constexpr std::uint64_t kSyscon = 0x10'0000;
inline constexpr std::uint64_t kRtc = 0x10'1000;
inline constexpr std::uint64_t kClint = 0x200'0000;
inline constexpr std::uint64_t kPlic = 0xc00'0000;
inline constexpr std::uint64_t kUart = 0x1000'0000;
inline constexpr std::uint64_t kFlash = 0x2000'0000;  // the second bank follows the first
inline constexpr std::uint64_t kFlashBank = 0x200'0000;
inline constexpr std::uint64_t kRam = 0x8000'0000;
}  // namespace map

namespace irq {
inline constexpr unsigned kUart = 10;
inline constexpr unsigned kRtc = 11;
inline constexpr unsigned kSources = 96;
}  // namespace irq

inline constexpr std::uint32_t kTimebaseHz = 10'000'000;

}  // namespace holdfast::boards::virt
