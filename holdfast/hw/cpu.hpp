// SPDX-License-Identifier: Apache-2.0
// What every CPU of every architecture is to those who list CPUs and look through their eyes:
// monitors, test servers. Nothing here is on the way of an instruction.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "holdfast/hw/cpu_inspector.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/memory/address_space.hpp"

namespace holdfast::hw {

class Cpu : public Device {
 public:
  static const object::Type kType;  // abstract; every CPU's kType descends from it
  using Device::Device;

  enum class ByteOrder : std::uint8_t { kLittle, kBig };
  struct Facts {
    std::uint32_t index = 0;          // 0 for the CPU that boots
    std::string_view architecture{};  // "riscv64": a literal
    ByteOrder order = ByteOrder::kLittle;
  };
  virtual Facts facts() const = 0;
  /// By which it reaches memory.
  virtual memory::AddressSpace& address_space() = 0;
  /// Of the host thread that runs it; 0 if there is none.
  virtual std::int64_t host_thread() const { return 0; }
  /// For a look at it while it executes nothing; null if it cannot be looked at.
  virtual std::unique_ptr<CpuInspector> inspect() { return nullptr; }
};

}  // namespace holdfast::hw
