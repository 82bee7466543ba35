// SPDX-License-Identifier: Apache-2.0
// A region of registers. From a register map, whose bank deals with widths:
//
//   hw::Mmio regs_{*this, "regs", hw::register_map<Rtc>(0x1000, {…})};
//
// or from a handler of one's own, for what is no table of registers.
// The handler is called inside the device's gate.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "holdfast/hw/device.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/hw/register_bank.hpp"

namespace holdfast::hw {

/// Whether a device may reach this region by its own accesses to memory.
enum class SelfAccess : std::uint8_t { kRefused, kAllowed };

class Mmio final : public RegionPart {
 public:
  /// The functions are called on the device itself.
  template <std::derived_from<Device> T, std::size_t N>
  Mmio(T& device, std::string name, const RegisterMap<T, N>& map,
       SelfAccess self_access = SelfAccess::kRefused)
      : Mmio{device, std::move(name), device, map, self_access} {}

  /// The functions are called on `target`, something inside the device: a channel, a port.
  template <class T, std::size_t N>
  Mmio(Device& device, std::string name, T& target, const RegisterMap<T, N>& map,
       SelfAccess self_access = SelfAccess::kRefused)
      : RegionPart{device, "mmio", std::move(name), map.size},
        bank_{std::make_unique<RegisterBank>(path(), target, map)} {
    memory::AccessRules rules = map.options.access;
    rules.impl = kBankAccess.impl;
    // Longer transfers are cut into pieces that are accepted.
    rules.impl.unaligned = rules.valid.unaligned;
    make(*bank_, rules, self_access);
  }

  /// `handler` belongs to the device.
  Mmio(Device& device, std::string name, std::uint64_t size, memory::MmioHandler& handler,
       memory::AccessRules rules = {}, SelfAccess self_access = SelfAccess::kRefused);

 private:
  void make(memory::MmioHandler& handler, const memory::AccessRules& rules,
            SelfAccess self_access);

  std::unique_ptr<memory::MmioHandler> bank_;  // none with a handler of the device's own
};

}  // namespace holdfast::hw
