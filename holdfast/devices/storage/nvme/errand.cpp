// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/errand.hpp"

#include "holdfast/devices/storage/nvme/controller.hpp"

namespace holdfast::devices::nvme {

void Errand::done(const block::IoResult& result) {
  Controller& controller = *std::exchange(controller_, nullptr);
  if (home_->is_here()) return controller.returned(std::move(luggage_), result);
  Home::go(home_, [&controller, luggage = std::move(luggage_), result]() mutable {
    controller.returned(std::move(luggage), result);
  });
}

Errand::~Errand() {
  if (controller_ == nullptr) return;
  Home::go(home_, [controller = controller_, command = luggage_.command] {
    controller->returned(command, Status::kAbortRequested);
  });
}

}  // namespace holdfast::devices::nvme
