// SPDX-License-Identifier: Apache-2.0
// What a machine has before it has any devices: the container that is its physical memory, and RAM.
#pragma once

#include <cstdint>

#include "holdfast/hw/device.hpp"
#include "holdfast/hw/region_part.hpp"

namespace holdfast::boards {

/// The system bus: 2^64 bytes in which a board places regions. Every machine has one, named "bus".
class SystemBus final : public hw::Device {
 public:
  static const object::Type kType;
  explicit SystemBus(const hw::DeviceInit& init) : Device{init, gate::Locking::kCounted} {}

  hw::Container& memory() { return memory_; }

 private:
  hw::Container memory_{*this, "memory"};
};

/// A bank of RAM, or of ROM.
class MemoryBank final : public hw::Device {
 public:
  static const object::Type kType;
  using Config = hw::Ram::Init;
  MemoryBank(const hw::DeviceInit& init, Config config)
      : Device{init, gate::Locking::kCounted}, ram_{*this, "ram", std::move(config)} {}

  hw::Ram& ram() { return ram_; }

 private:
  hw::Ram ram_;
};

}  // namespace holdfast::boards
