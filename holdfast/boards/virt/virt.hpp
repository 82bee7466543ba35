// SPDX-License-Identifier: Apache-2.0
// The RISC-V `virt` board: the memory map and interrupt numbers that firmware and Linux know from
// QEMU's machine of that name.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/accel/semihosting.hpp"
#include "holdfast/base/extent.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/backend.hpp"
#include "holdfast/boards/loader/generic_load.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"
#include "holdfast/cpu/riscv/cpu_model.hpp"
#include "holdfast/devices/misc/fw_cfg.hpp"
#include "holdfast/memory/ram_block.hpp"

namespace holdfast::boards::virt {

/// Harts that are near a stretch of RAM. They have interrupt controllers of their own, a CLINT and a
/// PLIC.
struct MemoryNode {
  std::uint32_t harts = 0;           // that there is room for; they are numbered on from the node before
  std::uint64_t ram_size = 0;        // bytes, follow those of the node before; at least 1
  memory::RamBacking backing{};
};
/// How far the RAM of one node is for the harts of another; 10 is no way at all.
struct NodeDistance {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t distance = 0;
};

/// What gives harts software and timer interrupts. Both are at the same addresses.
enum class Interruptor : std::uint8_t {
  kClint,   // SiFive's
  kAclint,  // the same as three devices, and one for software interrupts of S-mode
};

/// What interrupts harts from outside: a PLIC, or what the advanced interrupt architecture has.
enum class Interrupts : std::uint8_t {
  kPlic,
  kAplic,           // with lines to the harts
  kAplicAndImsics,  // with messages to them, which devices may send themselves; needs Smaia and Ssaia
};

struct Options {
  std::uint32_t harts = 1;                  // 1 to kMostHarts
  std::uint32_t most_harts = 0;             // there is room for; 0: for those there are
  cpu::riscv::CpuModel cpu;                 // of every hart
  std::uint64_t ram_size = 128U << 20U;     // bytes
  memory::RamBacking ram_backing{};         // where there are no nodes
  std::uint64_t most_ram = 0;               // with what is added; 0: nothing can be added
  std::uint32_t memory_slots = 0;           // for modules of RAM
  std::vector<MemoryNode> nodes{};          // with all harts and all RAM; none: one nobody speaks of
  std::vector<NodeDistance> distances{};    // of nodes, each pair once each way; none: not told
  Interruptor interruptor = Interruptor::kClint;
  Interrupts interrupts = Interrupts::kPlic;
  std::uint32_t guests = 0;                 // that each hart has room for at its IMSIC: up to 7
  std::vector<devices::FwCfg::File> fw_cfg{};         // besides the board's own
  bool graphics = false;                    // what firmware is told: whether somebody looks at a screen
  std::optional<std::array<std::byte, 32>> rng_seed{};  // what the kernel stirs into its randomness
  std::optional<std::string> bios;          // a path; none: nothing is loaded
  std::optional<std::string> kernel;        // a path
  std::optional<std::string> initrd;        // a path
  std::string append;                       // the kernel's command line
  std::optional<std::string> dtb;           // a path, instead of the board's own tree
  /// What the two banks of flash hold; none: a bank of zeroes. With a bios, the first is where the bios
  /// goes on to; without one, it is where harts begin.
  std::array<Ref<block::Backend>, 2> flash{};
  std::vector<GenericLoad> loads{};         // what else is put into memory, in this order
  devices::GoldfishRtc::Config rtc{};
  chardev::Chardev* serial = nullptr;       // outlives the machine's devices
  accel::HartGang* gang = nullptr;          // outlives them, too; none: harts do not run
  accel::Semihosting* semihosting = nullptr;  // as the gang
  chardev::Chardev* semihosting_console = nullptr;  // as `serial`; none: standard error
};

inline constexpr std::uint32_t kMostHarts = 64;

/// How many harts there is room for.
inline std::uint32_t hart_places(const Options& options) {
  return std::max(options.harts, options.most_harts);
}
inline constexpr std::uint32_t kMostNodes = 4;
inline constexpr std::uint32_t kMostGuests = 7;

/// Where modules of RAM go: the first multiple of 1 GiB above the RAM there is.
inline std::uint64_t module_base(const Options& options) {
  constexpr std::uint64_t kAlignment = std::uint64_t{1} << 30U;
  return (0x8000'0000 + options.ram_size + kAlignment - 1) / kAlignment * kAlignment;
}

/// The plan with all images loaded and checked. Errors name the file or option.
Result<BoardPlan> plan(const Options& options);

/// The device tree as the board hands it to firmware; a user's own, if the options have one.
Result<std::vector<std::byte>> device_tree(const Options& options);

// Where things are. SPEC: the reference system's documentation of its `virt` machine.
namespace map {
inline constexpr Extent kBootRom{0x1000, 0xffff};
inline constexpr std::uint64_t kSyscon = 0x10'0000;
inline constexpr std::uint64_t kRtc = 0x10'1000;
inline constexpr std::uint64_t kPciIo = 0x300'0000;  // 64 KiB
inline constexpr std::uint64_t kClint = 0x200'0000;  // that of the next node follows
inline constexpr std::uint64_t kClintSize = 0x1'0000;
inline constexpr std::uint64_t kSswi = 0x2f0'0000;
inline constexpr std::uint64_t kSswiSize = 0x4000;
inline constexpr std::uint64_t kPlic = 0xc00'0000;
inline constexpr std::uint64_t kPlicSize = 0x60'0000;
inline constexpr std::uint64_t kMtimerSize = 0x8000;  // what is left of a CLINT with IMSICs
// Instead of the PLIC; of each, that of the next node follows.
inline constexpr std::uint64_t kAplicMachine = 0xc00'0000;
inline constexpr std::uint64_t kAplicSupervisor = 0xd00'0000;
inline constexpr std::uint64_t kAplicSize = 0x8000;
inline constexpr std::uint64_t kImsicMachine = 0x2400'0000;  // of the first hart
inline constexpr std::uint64_t kImsicSupervisor = 0x2800'0000;
inline constexpr std::uint64_t kImsicPage = 0x1000;
inline constexpr unsigned kImsicGroupShift = 24;  // from a node's to the next one's
inline constexpr std::uint64_t kUart = 0x1000'0000;
inline constexpr std::uint64_t kVirtio = 0x1000'1000;  // of the first slot
inline constexpr std::uint64_t kVirtioSize = 0x1000;
inline constexpr std::uint64_t kFwCfg = 0x1010'0000;
inline constexpr std::uint64_t kFlash = 0x2000'0000;  // the second bank follows the first
inline constexpr std::uint64_t kFlashBank = 0x200'0000;
inline constexpr std::uint64_t kPciConfig = 0x3000'0000;  // 256 MiB
inline constexpr std::uint64_t kPciLow = 0x4000'0000;
inline constexpr std::uint64_t kPciLowSize = 0x4000'0000;
inline constexpr std::uint64_t kPciHighSize = 0x4'0000'0000;
inline constexpr std::uint64_t kRam = 0x8000'0000;
}  // namespace map

namespace irq {
inline constexpr unsigned kVirtio = 1;  // of the first slot
inline constexpr unsigned kUart = 10;
inline constexpr unsigned kRtc = 11;
inline constexpr unsigned kPci = 32;  // INTA of device 0; three more follow
inline constexpr unsigned kSources = 96;       // of a PLIC, source 0 included
inline constexpr unsigned kWiredSources = 96;  // of an APLIC, which counts from 1
inline constexpr unsigned kMessages = 255;     // identities at an IMSIC
}  // namespace irq

inline constexpr unsigned kVirtioSlots = 8;
inline constexpr std::uint32_t kTimebaseHz = 10'000'000;

}  // namespace holdfast::boards::virt
