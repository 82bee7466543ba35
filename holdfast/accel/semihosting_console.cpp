// SPDX-License-Identifier: Apache-2.0
#include "holdfast/accel/semihosting_console.hpp"

namespace holdfast::accel {

constinit const object::Type SemihostingConsole::kType{
    .name = "semihosting-console",
    .parent = &hw::Device::kType,
    .docs = "Console of guests that ask the host for one."};

SemihostingConsole::SemihostingConsole(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      semihosting_{config.semihosting},
      port_{*this, "chardev", config.console,
            {.receive = &SemihostingConsole::receive, .room = &SemihostingConsole::room}} {
  if (semihosting_ != nullptr && config.console != nullptr)
    semihosting_->set_console(*config.console);
}

std::size_t SemihostingConsole::receive(chardev::Bytes bytes) {
  if (semihosting_ != nullptr) semihosting_->feed(bytes);
  return bytes.size();
}

void SemihostingConsole::room() {
  if (semihosting_ != nullptr) semihosting_->room();
}

}  // namespace holdfast::accel
