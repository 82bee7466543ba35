// SPDX-License-Identifier: Apache-2.0
// How the `virt` board lays its nodes out: which harts, RAM and interrupt controllers are whose.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::boards::virt {

struct Place {
  std::uint32_t number;
  std::uint32_t first_hart;
  std::uint32_t harts;  // that there is room for
  std::uint32_t present;  // of those, at first
  std::uint64_t ram;  // the address of its RAM
  std::uint64_t ram_size;
  memory::RamBacking backing;
  std::uint64_t clint;
  std::uint64_t sswi;
  std::uint64_t plic;
};

/// One a node, at least one. The options have been checked.
std::vector<Place> places(const Options& options);

/// The node whose PLIC serves the virtio slots; the first one's serves everything else.
inline std::uint32_t virtio_node(std::size_t nodes) { return nodes > 1 ? 1 : 0; }

Result<void> check(const Options& options);

}  // namespace holdfast::boards::virt
