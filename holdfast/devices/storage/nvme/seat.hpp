// SPDX-License-Identifier: Apache-2.0
// A namespace as a part of the device that has its drive: it has a number in a controller's table from
// prepare on, and shows there while its device is live.
#pragma once

#include "holdfast/block/block_port.hpp"
#include "holdfast/devices/storage/nvme/namespace.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::devices::nvme {

class Seat final : public hw::Part {
 public:
  /// Of the controller's own drive.
  Seat(hw::Device& device, const NamespaceConfig& config, block::BlockPort& drive,
       Ref<NamespaceTable> table);
  /// On the bus that `bus` leads to.
  Seat(hw::Device& device, const NamespaceConfig& config, block::BlockPort& drive, hw::BusLink& bus);

 private:
  Result<void> prepare() override;
  void unprepare() override;
  void published() override;
  void severed() override;
  std::optional<object::PropertyValue> value() const override;

  const NamespaceConfig& config_;  // the device's, like the next two
  block::BlockPort& drive_;
  hw::BusLink* const bus_ = nullptr;  // or null
  Ref<NamespaceTable> table_;
  NamespaceTable::Seat seat_;
  Ref<Namespace> it_;  // null without a drive
};

}  // namespace holdfast::devices::nvme
