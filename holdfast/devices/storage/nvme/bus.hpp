// SPDX-License-Identifier: Apache-2.0
// The bus of a controller, on which namespaces sit that have a drive of their own. It is called as the
// controller is.
#pragma once

#include <string_view>
#include <utility>

#include "holdfast/devices/storage/nvme/namespace.hpp"
#include "holdfast/hw/bus.hpp"

namespace holdfast::devices::nvme {

class NamespaceBus final : public hw::Bus {
 public:
  static constexpr std::string_view kFamily = "NVMe";

  NamespaceBus(hw::Device& controller, Ref<NamespaceTable> table)
      : Bus{controller, "namespaces",
            {.name = controller.id().substr(controller.id().rfind('/') + 1),
             .type = "nvme-bus",
             .family = kFamily}},
        table_{std::move(table)} {}

  bool has_room() const override { return table_->has_room(); }
  const Ref<NamespaceTable>& table() const { return table_; }

 private:
  const Ref<NamespaceTable> table_;
};

}  // namespace holdfast::devices::nvme
