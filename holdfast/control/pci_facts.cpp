// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/pci_facts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "holdfast/gate/gate.hpp"
#include "holdfast/machine/device_adder.hpp"

namespace holdfast::control {
namespace {

namespace pci = devices::pci;
namespace reg = devices::pci::reg;

constexpr gate::Use kLookUse{.what = "monitor"};

/// SPEC: PCI Code and ID Assignment Specification. Those that machines of this kind have.
constexpr std::array<std::pair<std::uint16_t, std::string_view>, 19> kClasses{{
    {0x0100, "SCSI controller"},
    {0x0101, "IDE controller"},
    {0x0102, "Floppy controller"},
    {0x0106, "SATA controller"},
    {0x0180, "Storage controller"},
    {0x0200, "Ethernet controller"},
    {0x0280, "Network controller"},
    {0x0300, "VGA controller"},
    {0x0380, "Display controller"},
    {0x0401, "Audio controller"},
    {0x0500, "RAM controller"},
    {0x0600, "Host bridge"},
    {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"},
    {0x0680, "Bridge"},
    {0x0700, "Serial port"},
    {0x0780, "Communication controller"},
    {0x0c03, "USB controller"},
    {0x0c05, "SMBus"},
}};

// SPEC: PCI-to-PCI Bridge Architecture 1.2, 3.2.5: windows of 4 KiB of I/O and 1 MiB of memory; the lowest
// bits say whether there are upper halves.
PciFacts::Bridge bridge_facts(pci::Function& function) {
  const pci::ConfigSpace& config = function.config();
  const auto io = [&](unsigned at, unsigned upper) {
    const std::uint64_t low = config.get8(at);
    const std::uint64_t high = (low & 0xf) == 1 ? config.get16(upper) : std::uint64_t{0};
    return (low & 0xf0) << 8 | high << 16;
  };
  const auto memory = [&](unsigned at) { return std::uint64_t{config.get16(at) & 0xfff0U} << 16; };
  const auto wide = [&](unsigned at, unsigned upper) {
    const bool is_wide = (config.get16(at) & 0xf) == 1;
    return memory(at) | (is_wide ? std::uint64_t{config.get(upper, 4)} << 32 : 0);
  };
  return {.primary = config.get8(reg::kPrimaryBus),
          .secondary = config.get8(reg::kSecondaryBus),
          .subordinate = config.get8(reg::kSubordinateBus),
          .io = {io(reg::kIoBase, reg::kIoBaseUpper), io(reg::kIoLimit, reg::kIoLimitUpper) | 0xfff},
          .memory = {memory(reg::kMemoryBase), memory(reg::kMemoryLimit) | 0xf'ffff},
          .prefetchable = {wide(reg::kPrefetchableBase, reg::kPrefetchableBaseUpper),
                           wide(reg::kPrefetchableLimit, reg::kPrefetchableLimitUpper) | 0xf'ffff},
          .behind = nullptr};
}

pci::Bus* bus_of(hw::Device& device) {
  pci::Bus* found = nullptr;
  device.for_each_part([&](hw::Part& part) {
    if (auto* bus = dynamic_cast<pci::Bus*>(&part)) found = bus;
  });
  return found;
}

}  // namespace

PciFacts pci_facts(pci::Function& function) {
  PciFacts facts{.address = function.address(), .id = user_id(function)};
  const gate::Pass pass{function.gate(), kLookUse, gate::Reentry::kRefuse, gate::Visitor::kControl};
  if (!pass || !function.bus()) return facts;  // it is being taken away
  const pci::ConfigSpace& config = function.config();
  facts.bus = function.bus()->number();
  facts.class_code = config.get16(reg::kClass + 1);
  facts.vendor = config.get16(reg::kVendorId);
  facts.device = config.get16(reg::kDeviceId);
  facts.interrupt_pin = config.get8(reg::kInterruptPin);
  facts.interrupt_line = config.get8(reg::kInterruptLine);
  for (const pci::Bar* bar : function.bars()) {
    facts.regions.push_back({.bar = bar->index(),
                             .io = bar->kind() == pci::Bar::Kind::kIo,
                             .prefetchable = bar->is_prefetchable(),
                             .wide = bar->kind() == pci::Bar::Kind::kMemory64,
                             .size = bar->size(),
                             .at = bar->shown_at()});
  }
  if (function.header() == pci::Function::Header::kBridge) {
    facts.bridge = bridge_facts(function);
    facts.bridge->behind = bus_of(function);
  } else {
    facts.subsystem_vendor = config.get16(reg::kSubsystemVendorId);
    facts.subsystem = config.get16(reg::kSubsystemId);
  }
  return facts;
}

std::vector<pci::Function*> functions_on(const pci::Bus& bus) {
  std::vector<pci::Function*> functions;
  for (const auto& handle : bus.functions())
    if (pci::Function* function = handle.get(); function != nullptr && function->life() == hw::Life::kLive)
      functions.push_back(function);
  return functions;
}

std::vector<pci::Bus*> pci_roots(machine::Machine& machine) {
  std::vector<pci::Bus*> roots;
  for (hw::Bus* bus : machine::buses(machine))
    if (auto* root = dynamic_cast<pci::Bus*>(bus); root != nullptr && root->is_root()) roots.push_back(root);
  return roots;
}

std::string_view pci_class_name(std::uint16_t class_code) {
  const auto found = std::ranges::find(kClasses, class_code, [](const auto& one) { return one.first; });
  return found == kClasses.end() ? std::string_view{} : found->second;
}

std::string user_id(const hw::Device& device) {
  const std::string above = fmt::format("/machine/{}/", machine::Machine::kPeripherals);
  const std::string& path = device.full_path();
  return path.starts_with(above) ? path.substr(above.size()) : std::string{};
}

}  // namespace holdfast::control
