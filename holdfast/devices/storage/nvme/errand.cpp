// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/errand.hpp"

#include "holdfast/devices/storage/nvme/controller.hpp"

namespace holdfast::devices::nvme {

void Errand::done(const block::IoResult& result) {
  Controller& controller = *std::exchange(controller_, nullptr);
  // The controller's own drive: it tells the host when all are told that came together.
  if (home_->is_here()) return controller.returned(std::move(luggage_), result);
  Home::go(home_, [&controller, luggage = std::move(luggage_), result]() mutable {
    controller.returned(std::move(luggage), result);
    controller.tell_host();
  });
}

Errand::~Errand() {
  if (controller_ == nullptr) return;
  Home::go(home_, [controller = controller_, command = luggage_.command] {
    controller->returned(command, Status::kAbortRequested);
    controller->tell_host();
  });
}

}  // namespace holdfast::devices::nvme
