// SPDX-License-Identifier: Apache-2.0
// The console of semihosting as a device: it claims the back-end and hands input on.
#pragma once

#include "holdfast/accel/semihosting.hpp"
#include "holdfast/chardev/char_port.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::accel {

class SemihostingConsole final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    Semihosting* semihosting = nullptr;    // outlives the device; none: input is swallowed
    chardev::Chardev* console = nullptr;  // outlives it, too
  };
  SemihostingConsole(const hw::DeviceInit& init, const Config& config);

 private:
  std::size_t receive(chardev::Bytes bytes);
  void room();

  Semihosting* const semihosting_;
  chardev::CharPort port_;
};

}  // namespace holdfast::accel
