// SPDX-License-Identifier: Apache-2.0
// How the `virt` board lays its nodes out: which harts, RAM and interrupt controllers are whose.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::boards::virt {

struct Place {
  std::uint32_t number = 0;
  std::uint32_t first_hart = 0;
  std::uint32_t harts = 0;  // that there is room for
  std::uint32_t present = 0;  // of those, at first
  std::uint64_t ram = 0;  // the address of its RAM
  std::uint64_t ram_size = 0;
  memory::RamBacking backing;
  std::uint64_t clint = 0;
  std::uint64_t sswi = 0;
  std::uint64_t plic = 0;
  std::uint64_t aplic_machine = 0;
  std::uint64_t aplic_supervisor = 0;
  std::uint64_t imsic_machine = 0;  // of its first hart
  std::uint64_t imsic_supervisor = 0;
};

/// One a node, at least one. The options have been checked.
std::vector<Place> places(const Options& options);

/// By how many address bits a hart's files for guests are told apart, its own one included.
unsigned guest_bits(const Options& options);
/// From one hart's files at its supervisor level to the next one's, in bytes.
inline std::uint64_t imsic_stride(const Options& options) { return map::kImsicPage << guest_bits(options); }

/// What each hart is: as the options say, and with what the board's interrupts ask for.
cpu::riscv::CpuModel cpu_of(const Options& options);

/// Whether the harts have a timer and nothing else of a CLINT.
inline bool has_mtimer_only(const Options& options) {
  return options.interruptor == Interruptor::kAclint &&
         options.interrupts == Interrupts::kAplicAndImsics;
}

/// The node whose PLIC serves the virtio slots; the first one's serves everything else.
inline std::uint32_t virtio_node(std::size_t nodes) { return nodes > 1 ? 1 : 0; }

Result<void> check(const Options& options);

}  // namespace holdfast::boards::virt
