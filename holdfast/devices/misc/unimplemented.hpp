// SPDX-License-Identifier: Apache-2.0
// Stands where a chip has a peripheral that nobody has modelled: reads are 0, writes are forgotten, and
// both are logged by its name (-d unimp).
#pragma once

#include <cstdint>

#include "holdfast/hw/mmio.hpp"

namespace holdfast::devices {

class Unimplemented final : public hw::Device, private memory::MmioHandler {
 public:
  static const object::Type kType;
  struct Config {
    std::uint64_t size = 0x400;  // bytes, at least 1
  };
  Unimplemented(const hw::DeviceInit& init, const Config& config);

  hw::Mmio& regs() { return regs_; }

 private:
  Result<void> check() override;
  memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                           memory::MemTxAttrs attrs) override;
  memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                            memory::MemTxAttrs attrs) override;

  // Configuration.
  const Config config_;
  // Wiring.
  static constexpr memory::AccessRules kAccess{.valid = {.min = 1, .max = 8, .unaligned = true},
                                               .impl = {.min = 1, .max = 8, .unaligned = true}};
  hw::Mmio regs_{*this, "regs", config_.size, *this, kAccess};
};

}  // namespace holdfast::devices
