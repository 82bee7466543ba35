// SPDX-License-Identifier: Apache-2.0
// SiFive's test finisher: one register by which a guest ends or resets its machine. Device trees call
// it "sifive,test1" and "syscon".
//
// SPEC: "SiFive Test Finisher" as described by its device-tree bindings (syscon-poweroff, value
// 0x5555; syscon-reboot, value 0x7777) and OpenSBI's driver: the low half of what is written says what
// is to happen, the high half is the exit code of a failure. As QEMU's it takes accesses of 2 and 4
// bytes; others are refused.
#pragma once

#include <cstdint>

#include "holdfast/hw/mmio.hpp"

namespace holdfast::devices {

class SifiveTest final : public hw::Device {
 public:
  static const object::Type kType;
  explicit SifiveTest(const hw::DeviceInit& init) : Device{init} {}

 private:
  std::uint32_t read() { return 0; }
  void finish(std::uint32_t value);

  hw::Mmio regs_{*this, "regs",
                 hw::register_map<SifiveTest>(0x1000,
                                              {{.at = 0,
                                                .name = "finisher",
                                                .read = &SifiveTest::read,
                                                .write = &SifiveTest::finish,
                                                .partial = hw::Partial::kZero}},
                                              {.access = {.valid = {.min = 2, .max = 4}}})};
};

}  // namespace holdfast::devices
