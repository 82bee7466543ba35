// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/pci_bridges.hpp"

#include <array>

#include "holdfast/devices/pci/types.hpp"

namespace holdfast::devices::pci {
namespace {

constexpr Function::Identity identity(std::uint16_t device) {
  return {.vendor = 0x1b36, .device = device, .class_code = 0x06'04'00, .header = Function::Header::kBridge};
}

constexpr std::array<const object::Type*, 1> kOfExpress{&kExpressDevice};
constexpr std::array<const object::Type*, 1> kOfConventional{&kConventionalDevice};

}  // namespace

constinit const object::Type PciePciBridge::kType{.name = "pcie-pci-bridge",
                                                  .parent = &Bridge::kType,
                                                  .interfaces = kOfExpress,
                                                  .docs = "A bridge from PCI Express to PCI."};

PciePciBridge::PciePciBridge(const hw::DeviceInit& init)
    : Bridge{init, identity(0x000e), {.kind = Bus::Kind::kConventional}} {}

constinit const object::Property PciBridge::kProperties[] = {
    object::property<&PciBridge::chassis_number_>("chassis_nr", "a number for its chassis, for people",
                                                  {.fallback = 0})};

constinit const object::Type PciBridge::kType{.name = "pci-bridge",
                                              .parent = &Bridge::kType,
                                              .interfaces = kOfConventional,
                                              .docs = "A bridge between conventional PCI buses.",
                                              .properties = kProperties};

PciBridge::PciBridge(const hw::DeviceInit& init)
    : Bridge{init, identity(0x0001), {.kind = Bus::Kind::kConventional}} {}

}  // namespace holdfast::devices::pci
