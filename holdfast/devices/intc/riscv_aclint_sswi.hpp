// SPDX-License-Identifier: Apache-2.0
// The supervisor-level software interrupts of an ACLINT: by one register a hart, others interrupt it
// in S-mode. A write sends an edge; the hart keeps it as mip.SSIP and clears it itself.
//
// SPEC: "RISC-V Advanced Core Local Interruptor Specification" 1.0-rc4, chapter 4 (SSWI).
// What is no aligned access of 32 bits is refused.
#pragma once

#include <cstdint>

#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"

namespace holdfast::devices {

class RiscvAclintSswi final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    unsigned harts = 1;  // at most 4095
  };
  RiscvAclintSswi(const hw::DeviceInit& init, const Config& config);

 private:
  static constexpr unsigned kMostHarts = 4095;

  std::uint32_t read(unsigned) { return 0; }
  void send(unsigned hart, std::uint32_t value);
  Result<void> check() override;

  // Configuration.
  const unsigned harts_;
  // Wiring.
  hw::IrqOutArray software_{*this, "software", harts_};
  hw::Mmio regs_{*this, "regs",
                 hw::register_map<RiscvAclintSswi>(0x4000,
                                                   {{.at = 0,
                                                     .name = "setssip",
                                                     .read = &RiscvAclintSswi::read,
                                                     .write = &RiscvAclintSswi::send,
                                                     .count = kMostHarts}},
                                                   {.access = {.valid = {.min = 4, .max = 4}}})};
};

}  // namespace holdfast::devices
