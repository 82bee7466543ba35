// SPDX-License-Identifier: Apache-2.0
// Bridges to conventional PCI: one from PCI Express, one from PCI. They have no slots of their own, so what
// is behind them comes and goes with them, or while they are out of the guest's sight.
//
// Modelled: bridge.hpp's bridge, with the capabilities that drivers look for. Not modelled: hot-plug
// controllers behind them (SHPC), slot numbering, their own interrupts.
#pragma once

#include <cstdint>

#include "holdfast/devices/pci/bridge.hpp"
#include "holdfast/devices/pci/capability.hpp"

namespace holdfast::devices::pci {

/// SPEC: PCI Express to PCI/PCI-X Bridge Specification 1.0.
class PciePciBridge final : public Bridge {
 public:
  static const object::Type kType;
  explicit PciePciBridge(const hw::DeviceInit& init);

 private:
  Express express_{*this, {.port = Express::Port::kBridgeToPci}};
  PowerManagement power_{*this};
};

/// SPEC: PCI-to-PCI Bridge Architecture Specification 1.2.
class PciBridge final : public Bridge {
 public:
  static const object::Type kType;
  explicit PciBridge(const hw::DeviceInit& init);

 private:
  static const object::Property kProperties[];

  std::uint8_t chassis_number_ = 0;  // shown to no guest
};

}  // namespace holdfast::devices::pci
