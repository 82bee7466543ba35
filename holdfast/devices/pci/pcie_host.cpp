// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/pcie_host.hpp"

#include <fmt/core.h>

#include <array>

#include "holdfast/base/check.hpp"
#include "holdfast/devices/pci/types.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr std::int32_t kBehindAll = -1000;
constexpr memory::AccessRules kSilentAccess{.valid = {.min = 1, .max = 8, .unaligned = true},
                                         .impl = {.min = 1, .max = 8, .unaligned = true}};

constexpr std::array<const object::Type*, 1> kRootAbilities{&kConventionalDevice};

}  // namespace

constinit const object::Type HostFunction::kType{.name = "gpex-root",
                                                 .parent = &Function::kType,
                                                 .interfaces = kRootAbilities,
                                                 .docs = "The host bridge as a function of its bus."};

HostFunction::HostFunction(const hw::DeviceInit& init)
    : Function{init, {.vendor = 0x1b36, .device = 0x0008, .class_code = 0x06'00'00}} {}

constinit const object::Type PcieHost::kType{.name = "gpex-pcihost",
                                             .parent = &hw::kSysBusDevice,
                                             .docs = "A PCI Express host bridge with ECAM."};

PcieHost::PcieHost(const hw::DeviceInit& init, const Config& config)
    : Device{init},
      no_function_{*this, "no-function", Bus::kConfigBytes, nothing_, kSilentAccess},
      no_memory_{*this, "no-memory", memory::kWholeSpace, nothing_, kSilentAccess},
      no_io_{*this, "no-io", Bus::kIoBytes, nothing_, kSilentAccess},
      low_{*this, "mmio-low", config.low_size, bus_.memory(), config.low_base},
      high_{*this, "mmio-high", config.high_size, bus_.memory(), config.high_base},
      pio_{*this, "pio", Bus::kIoBytes, bus_.io()} {
  bus_.config().add(0, no_function_, kBehindAll);
  bus_.memory().add(0, no_memory_, kBehindAll);
  bus_.io().add(0, no_io_, kBehindAll);
  const auto first = function_->set_property("addr", std::string{"0"});
  const auto linked = function_->bus_link().set(bus_);
  HF_CHECK(first && linked, "{}: its own function has no place", full_path());
}

// The lambda is called inside of the host's gate, so it may refer to the host.
Ref<hw::InPin> PcieHost::RootBus::intx_input(Address address, unsigned pin) {
  const unsigned line = swizzle(address.device, pin);
  return hw::InPin::make(
      Ref<gate::Gate>::share(&gate()), fmt::format("{}.intx[{}]", path(), address.to_string()),
      [&host = host_, line, was = false](bool level) mutable {
        if (std::exchange(was, level) != level) host.intx_changed(line, level);
      });
}

void PcieHost::intx_changed(unsigned line, bool level) {
  level ? ++asserted_[line] : --asserted_[line];
  drive(line);
}

// Functions take their interrupts back one after the other; in between a line that others still
// assert would rise again.
void PcieHost::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kEnter) in_reset_ = true;
  if (phase != hw::ResetPhase::kExit) return;
  in_reset_ = false;
  for (unsigned line = 0; line < kIntxPins; ++line) drive(line);
}

memory::MemTxResult PcieHost::Nothing::read(std::uint64_t /*offset*/, unsigned /*size*/,
                                            std::uint64_t& value, memory::MemTxAttrs /*attrs*/) {
  value = ~std::uint64_t{0};
  return memory::MemTxResult::kOk;
}

memory::MemTxResult PcieHost::Nothing::write(std::uint64_t /*offset*/, unsigned /*size*/,
                                             std::uint64_t /*value*/, memory::MemTxAttrs /*attrs*/) {
  return memory::MemTxResult::kOk;
}

}  // namespace holdfast::devices::pci
