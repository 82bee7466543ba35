// SPDX-License-Identifier: Apache-2.0
// A namespace with a drive of its own, on the bus of an NVM Express controller. It may come and go
// while the controller works; the host is told by an asynchronous event.
#pragma once

#include "holdfast/devices/storage/nvme/bus.hpp"
#include "holdfast/devices/storage/nvme/seat.hpp"

namespace holdfast::devices {

class NvmeNamespace final : public hw::Device {
 public:
  static const object::Type kType;
  using Config = nvme::NamespaceConfig;
  NvmeNamespace(const hw::DeviceInit& init, const Config& config)
      : Device{init}, config_{config} {}

 private:
  const Config config_;
  hw::BusLink bus_{*this, "bus", nvme::NamespaceBus::kFamily};
  block::BlockPort drive_{*this, "drive", config_.drive};
  nvme::Seat seat_{*this, config_, drive_, bus_};
};

}  // namespace holdfast::devices
