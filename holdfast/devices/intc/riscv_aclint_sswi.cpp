// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/intc/riscv_aclint_sswi.hpp"

#include <algorithm>

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {

constinit const object::Type RiscvAclintSswi::kType{
    .name = "riscv.aclint.sswi",
    .parent = &hw::kSysBusDevice,
    .docs = "RISC-V supervisor-level software interrupts of the harts."};

RiscvAclintSswi::RiscvAclintSswi(const hw::DeviceInit& init, const Config& config)
    : Device{init}, harts_{std::min(config.harts, kMostHarts + 1)} {}  // refused by check()

Result<void> RiscvAclintSswi::check() {
  if (harts_ == 0 || harts_ > kMostHarts)
    return fail("{}: 1 to {} harts are possible", full_path(), kMostHarts);
  return {};
}

void RiscvAclintSswi::send(unsigned hart, std::uint32_t value) {
  if (hart >= harts_) return log::guest_error("{}: setssip of hart {}", full_path(), hart);
  if ((value & 1) == 0) return;
  software_.set(hart, true);
  software_.set(hart, false);
}

}  // namespace holdfast::devices
