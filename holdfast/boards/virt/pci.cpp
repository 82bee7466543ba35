// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/virt/pci.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "holdfast/devices/pci/pcie_host.hpp"

namespace holdfast::boards::virt {
namespace {

namespace pci = devices::pci;

constexpr std::uint32_t upper(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }
constexpr std::uint32_t lower(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

// SPEC: IEEE 1275, PCI bus binding 2.1, 2.2.1: the kind of space in a range's first cell.
constexpr std::uint32_t kIoSpace = 0x0100'0000;
constexpr std::uint32_t kMemorySpace = 0x0200'0000;
constexpr std::uint32_t kMemory64Space = 0x0300'0000;
// Of a function's address there: the two lowest bits of its device number, and its pin.
constexpr std::uint32_t kDeviceShift = 11;
constexpr std::uint32_t kDeviceMask = (pci::kIntxPins - 1) << kDeviceShift;
constexpr std::uint32_t kPinMask = 7;
constexpr std::uint32_t kLevelHigh = 4;

}  // namespace

std::uint64_t pci_high_base(const Options& options) {
  std::uint64_t end = map::kRam + options.ram_size;
  if (options.memory_slots != 0 && options.most_ram > options.ram_size)
    end = module_base(options) + (options.most_ram - options.ram_size);
  return (end + map::kPciHighSize - 1) / map::kPciHighSize * map::kPciHighSize;
}

void add_pci(BoardPlan& board, const Options& options, const DeviceRef& controller) {
  const std::uint64_t high = pci_high_base(options);
  const auto host = board.add<pci::PcieHost>("pcie", {.low_base = map::kPciLow,
                                                      .low_size = map::kPciLowSize,
                                                      .high_base = high,
                                                      .high_size = map::kPciHighSize});
  board.map({{map::kPciConfig, host.region("pcie.0.config")},
             {map::kPciIo, host.region("pio")},
             {map::kPciLow, host.region("mmio-low")},
             {high, host.region("mmio-high")}});
  board.link({{host.link("memory"), BoardPlan::memory()}});
  for (unsigned line = 0; line < pci::kIntxPins; ++line)
    board.wire({{host.out("intx", line), controller.in(irq::kPci + line)}});
}

// SPEC: the kernel's binding host-generic-pci; IEEE 1275, interrupt mapping.
void describe_pci(DeviceTreeBuilder::Node& soc, const Options& options,
                  const PciInterrupts& interrupts) {
  const auto range = [](std::uint32_t space, std::uint64_t bus, std::uint64_t at, std::uint64_t size) {
    return std::vector{space, upper(bus), lower(bus), upper(at), lower(at), upper(size), lower(size)};
  };
  const std::uint64_t high = pci_high_base(options);
  std::vector<std::uint32_t> ranges;
  for (const auto& one : {range(kIoSpace, 0, map::kPciIo, pci::Bus::kIoBytes),
                          range(kMemorySpace, map::kPciLow, map::kPciLow, map::kPciLowSize),
                          range(kMemory64Space, high, high, map::kPciHighSize)})
    ranges.insert(ranges.end(), one.begin(), one.end());
  std::vector<std::uint32_t> lines;
  for (unsigned device = 0; device < pci::kIntxPins; ++device)
    for (unsigned pin = 0; pin < pci::kIntxPins; ++pin) {
      lines.insert(lines.end(), {device << kDeviceShift, 0, 0, pin + 1, interrupts.controller,
                                 irq::kPci + pci::swizzle(device, pin)});
      if (interrupts.tells_kind) lines.push_back(kLevelHigh);
    }
  auto node = soc.node(fmt::format("pci@{:x}", map::kPciConfig));
  node.cells("interrupt-map-mask", {kDeviceMask, 0, 0, kPinMask})
      .cells("interrupt-map", lines)
      .cells("ranges", ranges)
      .reg({{map::kPciConfig, pci::Bus::kConfigBytes}})
      .flag("dma-coherent")
      .cells("bus-range", {0, 255})
      .u32("linux,pci-domain", 0)
      .string("device_type", "pci")
      .string("compatible", "pci-host-ecam-generic")
      .u32("#size-cells", 2)
      .u32("#interrupt-cells", 1)
      .u32("#address-cells", 3);
  if (interrupts.messages != 0) node.u32("msi-parent", interrupts.messages);
}

}  // namespace holdfast::boards::virt
