// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/seat.hpp"

#include <utility>

#include "holdfast/devices/storage/nvme/bus.hpp"

namespace holdfast::devices::nvme {

Seat::Seat(hw::Device& device, const NamespaceConfig& config, block::BlockPort& drive,
           Ref<NamespaceTable> table)
    : Part{device, "nvme namespace", "namespace"},
      config_{config},
      drive_{drive},
      table_{std::move(table)} {}

Seat::Seat(hw::Device& device, const NamespaceConfig& config, block::BlockPort& drive,
           hw::BusLink& bus)
    : Part{device, "nvme namespace", "namespace"}, config_{config}, drive_{drive}, bus_{&bus} {}

Result<void> Seat::prepare() {
  TRY(check(config_, device().full_path()));
  if (!config_.drive) return {};  // to be looked at only
  if (bus_ != nullptr) {
    const auto* bus = dynamic_cast<NamespaceBus*>(bus_->get());
    if (bus == nullptr) return fail("{}: its bus has no controller for namespaces", path());
    table_ = bus->table();
  }
  auto taken = table_->take_seat(config_.id);
  if (!taken) return fail("{}: {}", device().full_path(), taken.error().message);
  const Geometry geometry = TRY(geometry_of(config_, taken->id, device().full_path()));
  seat_ = std::move(*taken);
  it_ = Namespace::make(geometry, Ref<gate::Gate>::share(&gate()), drive_);
  return {};
}

void Seat::unprepare() {
  it_ = {};
  seat_ = {};
}

void Seat::published() {
  if (it_) table_->show(it_);
}

// What it was asked for is cancelled by its port, and told to the controller when it comes back.
void Seat::severed() {
  if (it_) table_->hide(it_->id());
}

std::optional<object::PropertyValue> Seat::value() const {
  return std::uint64_t{it_ ? it_->id() : 0};
}

}  // namespace holdfast::devices::nvme
