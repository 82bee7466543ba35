// SPDX-License-Identifier: Apache-2.0
// PCI Express on the `virt` board: the host bridge, its windows, and how the device tree tells of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "holdfast/boards/loader/device_tree.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::boards::virt {

/// Where the large window of memory is: the first multiple of its size above all RAM there can be.
std::uint64_t pci_high_base(const Options& options);

/// The node whose interrupt controller serves PCI.
inline std::size_t pci_node(std::size_t nodes) { return nodes > 2 ? 2 : nodes - 1; }

/// The host bridge "pcie", with its lines at an interrupt controller's inputs.
void add_pci(BoardPlan& board, const Options& options, const DeviceRef& controller);

/// How the tree names an interrupt at the controller.
struct PciInterrupts {
  DeviceTreeBuilder::Phandle controller{};
  bool tells_kind = false;                // a cell more, for a level that is active while high
  DeviceTreeBuilder::Phandle messages{};  // where messages go; 0: nowhere in particular
};
void describe_pci(DeviceTreeBuilder::Node& soc, const Options& options,
                  const PciInterrupts& interrupts);

}  // namespace holdfast::boards::virt
