// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/stm32/syscfg.hpp"

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {
namespace {

// SPEC: 9.2.1, SYSCFG_MEMRMP: FB_MODE and MEM_MODE.
constexpr std::uint32_t kMemoryRemap = 0x0000'0107;
// SPEC: 9.2.2, SYSCFG_CFGR1. The firewall can be switched on by software, off by a reset.
constexpr std::uint32_t kConfiguration1 = 0xfcff'0100;
constexpr std::uint32_t kFirewallDisabled = 0x0000'0001;
// SPEC: 9.2.3 to 9.2.6, SYSCFG_EXTICR1 to 4: four bits a line.
constexpr std::uint32_t kChoice = 0x0000'ffff;
constexpr unsigned kLinesOfRegister = 4;
// SPEC: 9.2.8, SYSCFG_CFGR2. Locks are set for good; the parity error flag is cleared by writing 1.
constexpr std::uint32_t kLocks = 0x0000'000f;
constexpr std::uint32_t kSramParityError = 0x0000'0100;

}  // namespace

constinit const object::Type Stm32l4x5Syscfg::kType{
    .name = "stm32l4x5-syscfg",
    .parent = &hw::kSysBusDevice,
    .docs = "STM32L4x5's system configuration controller."};

void Stm32l4x5Syscfg::set_memory_remap(std::uint32_t value) { memory_remap_ = value & kMemoryRemap; }

void Stm32l4x5Syscfg::set_configuration1(std::uint32_t value) {
  configuration1_ = (value & kConfiguration1) | (configuration1_ & value & kFirewallDisabled);
}

void Stm32l4x5Syscfg::set_choice(unsigned index, std::uint32_t value) {
  choice_[index] = value & kChoice;
  for (unsigned i = 0; i < kLinesOfRegister; ++i) route(index * kLinesOfRegister + i);
}

void Stm32l4x5Syscfg::set_configuration2(std::uint32_t value) {
  configuration2_ = (configuration2_ | (value & kLocks)) & ~(value & kSramParityError);
}

// Ports that do not exist can be chosen: nothing drives the line then.
void Stm32l4x5Syscfg::route(unsigned line) {
  const unsigned field = 4 * (line % kLinesOfRegister);
  const unsigned port = choice_[line / kLinesOfRegister] >> field & 0xfU;
  out_.set(line, port < kPorts && in_.level(port * kPinsOfPort + line));
}

void Stm32l4x5Syscfg::on_reset(hw::ResetPhase phase) {
  if (phase != hw::ResetPhase::kExit) return;
  for (unsigned line = 0; line < kPinsOfPort; ++line) route(line);
}

}  // namespace holdfast::devices
