// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/char_port.hpp"

namespace holdfast::chardev {

CharPort::CharPort(hw::Device& device, std::string name, Chardev* backend,
                   FrontEnd::Handlers handlers)
    : Part{device, "chardev", std::move(name)},
      backend_{backend},
      front_{FrontEnd::make(Ref<gate::Gate>::share(&device.gate()), device.context().holdback,
                            path(), std::move(handlers))} {}

CharPort::~CharPort() { front_->drop(); }

Result<void> CharPort::prepare() {
  if (backend_ != nullptr) claim_ = TRY(backend_->attach(front_));
  return {};
}

// Input may have come, and the line been opened, before there was somebody to be told.
void CharPort::published() {
  if (backend_ != nullptr) backend_->front_end_ready();
}

}  // namespace holdfast::chardev
