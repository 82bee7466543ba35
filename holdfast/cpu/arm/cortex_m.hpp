// SPDX-License-Identifier: Apache-2.0
// A Cortex-M CPU as a device of a machine: the way to memory that a test client and a monitor take. It
// executes nothing yet.
#pragma once

#include <cstdint>

#include "holdfast/hw/cpu.hpp"
#include "holdfast/hw/space.hpp"

namespace holdfast::cpu::arm {

class CortexM final : public hw::Cpu {
 public:
  static const object::Type kType;
  explicit CortexM(const hw::DeviceInit& init) : Cpu{init} {}

  /// What it sees: its own peripherals over the board's memory. Before prepare.
  void set_memory(hw::RegionPart& memory) { space_.set_root(memory); }

  Facts facts() const override { return {.index = 0, .architecture = "arm"}; }
  memory::AddressSpace& address_space() override { return space_.get(); }

 private:
  hw::Space space_{*this, "space"};
};

}  // namespace holdfast::cpu::arm
