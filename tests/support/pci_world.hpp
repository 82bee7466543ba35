// SPDX-License-Identifier: Apache-2.0
// A machine with a PCI Express host bridge, RAM, and a port onto the system bus by which a test does what a
// guest does: configure functions, map BARs, look where interrupts arrive.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "holdfast/devices/pci/pcie_host.hpp"
#include "holdfast/devices/pci/registers.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::test {

/// Where things are on the test's board.
namespace pci_map {
inline constexpr std::uint64_t kPio = 0x300'0000;
inline constexpr std::uint64_t kEcam = kHole;  // 256 MiB
inline constexpr std::uint64_t kLow = 0x6000'0000;
inline constexpr std::uint64_t kLowSize = 0x1000'0000;
inline constexpr std::uint64_t kRam = 0x8000'0000;
inline constexpr std::uint64_t kRamSize = 0x10'0000;
inline constexpr std::uint64_t kHigh = 0x4'0000'0000;
inline constexpr std::uint64_t kHighSize = 0x1'0000'0000;
}  // namespace pci_map

/// RAM, and a host bridge called "host", whose bus is "pcie.0".
inline boards::BoardPlan pci_plan() {
  boards::BoardPlan plan{"pci"};
  const auto ram = plan.ram("ram", pci_map::kRamSize);
  const auto host = plan.add<devices::pci::PcieHost>("host", {.low_base = pci_map::kLow,
                                                              .low_size = pci_map::kLowSize,
                                                              .high_base = pci_map::kHigh,
                                                              .high_size = pci_map::kHighSize});
  plan.map({{pci_map::kRam, ram},
            {pci_map::kEcam, host.region("pcie.0.config")},
            {pci_map::kLow, host.region("mmio-low")},
            {pci_map::kHigh, host.region("mmio-high")},
            {pci_map::kPio, host.region("pio")}});
  plan.link({{host.link("memory"), boards::BoardPlan::memory()}});
  plan.leave_loose(host);
  return plan;
}

class PciWorld {
 public:
  PciWorld() : machine_{pci_plan()} {}

  machine::Machine& operator*() { return *machine_; }
  machine::Machine* operator->() { return &*machine_; }
  TestMachine& test_machine() { return machine_; }

  /// Adds a function of type T to a bus; `addr` as for `-device`.
  template <class T, class... Config>
  Result<void> plug(std::string name, std::string addr, Config&&... config) {
    return plug_on<T>({"host", "pcie.0"}, std::move(name), std::move(addr),
                      std::forward<Config>(config)...);
  }
  template <class T, class... Config>
  Result<void> plug_on(boards::PartRef bus, std::string name, std::string addr, Config&&... config) {
    boards::BoardPlan plan{"plug of " + name};
    const auto device = plan.add<T>(std::move(name), std::forward<Config>(config)...);
    plan.existing(bus.device);
    plan.devices().back().properties = properties_;
    plan.devices().back().properties.push_back({"addr", std::move(addr)});
    plan.link({{device.link("bus"), std::move(bus)}});
    return machine_->realize(plan);
  }
  /// What the next functions have besides.
  void set_properties(std::vector<boards::BoardPlan::PropertyRow> rows) { properties_ = std::move(rows); }

  template <class T>
  T& get(std::string_view name) {
    return dynamic_cast<T&>(*machine_->find(name).get());
  }
  bool unplug(std::string name) { return machine_->unplug(std::move(name))->wait().has_value(); }

  static std::uint64_t config_at(unsigned device, unsigned function, unsigned offset,
                                 unsigned bus = 0) {
    return pci_map::kEcam + (bus << 20U) + (device << 15U) + (function << 12U) + offset;
  }
  std::uint32_t config(unsigned device, unsigned offset, unsigned size = 4, unsigned function = 0) {
    return static_cast<std::uint32_t>(load(config_at(device, function, offset), size));
  }
  void set_config(unsigned device, unsigned offset, unsigned size, std::uint32_t value,
                  unsigned function = 0) {
    store(config_at(device, function, offset), size, value);
  }
  /// Where in configuration space a capability begins; 0 if there is none.
  unsigned capability(unsigned device, std::uint8_t id) {
    for (unsigned at = config(device, devices::pci::reg::kCapabilities, 1); at != 0;
         at = config(device, at + 1, 1))
      if (config(device, at, 1) == id) return at;
    return 0;
  }

  // Each access has a port of its own, so these may be called from any thread.
  std::uint64_t load(std::uint64_t address, unsigned size) {
    memory::Port port{space_.control()};
    std::uint64_t value = 0;
    EXPECT_EQ(port.load(address, size, value, {}), memory::MemTxResult::kOk) << std::hex << address;
    return value;
  }
  void store(std::uint64_t address, unsigned size, std::uint64_t value) {
    memory::Port port{space_.control()};
    EXPECT_EQ(port.store(address, size, value, {}), memory::MemTxResult::kOk) << std::hex << address;
  }
  std::uint32_t read32(std::uint64_t address) { return static_cast<std::uint32_t>(load(address, 4)); }
  void write32(std::uint64_t address, std::uint32_t value) { store(address, 4, value); }

  bool intx(unsigned line) {
    return machine_->find("host").get()->find_part<hw::IrqOutArray>("intx")->level(line);
  }

 private:
  TestMachine machine_;
  memory::AddressSpace space_{machine_->fabric(), machine_->bus().memory().region(),
                              memory::AddressSpace::Init{.name = "test"}};
  std::vector<boards::BoardPlan::PropertyRow> properties_;
};

}  // namespace holdfast::test
