// SPDX-License-Identifier: Apache-2.0
// A slot for a virtio device on a memory-mapped transport. It is empty: a driver that looks finds the
// magic number and device 0, and goes on to the next.
//
// SPEC: "Virtual I/O Device (VIRTIO) Version 1.2", 4.2.2 "MMIO Device Register Layout" (DeviceID 0:
// "a system with all devices in place as a placeholder") and 4.2.4 "Legacy interface".
#pragma once

#include <cstdint>

#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"

namespace holdfast::devices {

class VirtioMmio final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    bool force_legacy = true;  // the interface from before version 1 of the specification
  };
  VirtioMmio(const hw::DeviceInit& init, const Config& config) : Device{init}, config_{config} {}

 private:
  std::uint32_t magic() const { return 0x7472'6976; }  // "virt"
  std::uint32_t version() const { return config_.force_legacy ? 1 : 2; }
  std::uint32_t vendor() const { return 0x554d'4551; }  // "QEMU", which is what drivers know
  std::uint64_t read_nothing(std::uint64_t, unsigned) { return 0; }
  void write_nothing(std::uint64_t, unsigned, std::uint64_t) {}

  // Configuration.
  const Config config_;
  // Wiring.
  hw::IrqOut irq_{*this, "irq"};
  hw::Mmio regs_{
      *this, "regs",
      hw::register_map<VirtioMmio>(
          0x200,
          {{.at = 0x00, .name = "MagicValue", .read = &VirtioMmio::magic},
           {.at = 0x04, .name = "Version", .read = &VirtioMmio::version},
           {.at = 0x0c, .name = "VendorID", .read = &VirtioMmio::vendor}},
          {.background = {.read = &VirtioMmio::read_nothing, .write = &VirtioMmio::write_nothing}})};
};

}  // namespace holdfast::devices
