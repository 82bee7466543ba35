// SPDX-License-Identifier: Apache-2.0
// A PCI Express host bridge as generic firmware and kernels know it ("pci-host-ecam-generic"): a window of
// 256 MiB through which all configuration space is reached (ECAM), windows onto the bus's memory and I/O, and
// four interrupt lines.
//
// Parts for a board: region "pcie.0.config" is ECAM; "mmio-low", "mmio-high" and "pio" are windows that show
// bus addresses; outputs "intx" 0 to 3 are INTA to INTD of device 0, of device 1 rotated by one, and so on. Link
// "memory": what functions reach by DMA.
//
// Nothing of this is a register: configuration space, BARs and windows are regions, so an access finds the
// function itself. Where nothing is, everything reads as ones and writes are dropped.
// Not modelled: several segments, message interrupts of its own.
// SPEC: PCI Express Base Specification 4.0, 7.2.2; PCI Firmware Specification 3.2, 4.1.
//
// LOCK: its gate guards who of those behind it asserts an interrupt.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "holdfast/devices/pci/bus.hpp"
#include "holdfast/devices/pci/function.hpp"
#include "holdfast/hw/irq.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/region_part.hpp"

namespace holdfast::devices::pci {

/// The function at 00.0, by which software knows what the host bridge is. It does nothing.
class HostFunction final : public Function {
 public:
  static const object::Type kType;
  explicit HostFunction(const hw::DeviceInit& init);
};

class PcieHost final : public hw::Device {
 public:
  static const object::Type kType;
  struct Config {
    // What the windows show, in bytes.
    std::uint64_t low_base = 0x4000'0000;
    std::uint64_t low_size = 0x4000'0000;
    std::uint64_t high_base = 0x4'0000'0000;
    std::uint64_t high_size = 0x4'0000'0000;
  };
  PcieHost(const hw::DeviceInit& init, const Config& config);

  Bus& bus() { return bus_; }

 private:
  class RootBus final : public Bus {
   public:
    explicit RootBus(PcieHost& host)
        : Bus{host, "pcie.0", {.name = "pcie.0", .kind = Kind::kExpress}}, host_{host} {}
    bool is_root() const override { return true; }
    hw::RegionPart* dma_root() const override { return host_.memory_.get(); }
    Ref<hw::InPin> intx_input(Address address, unsigned pin) override;

   private:
    void publish(memory::Transaction& map) override { renumber(0, map); }

    PcieHost& host_;  // contains this
  };

  /// What is read where nothing is.
  class Nothing final : public memory::MmioHandler {
   public:
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override;
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override;
  };

  void on_reset(hw::ResetPhase phase) override;
  void intx_changed(unsigned line, bool level);
  void drive(unsigned line) { intx_.set(line, asserted_[line] != 0 && !in_reset_); }

  std::array<unsigned, kIntxPins> asserted_{};  // by how many functions
  bool in_reset_ = false;

  hw::RegionLink memory_{*this, "memory"};
  RootBus bus_{*this};
  hw::Child<HostFunction> function_{*this, "function"};
  Nothing nothing_;
  hw::Mmio no_function_;
  hw::Mmio no_memory_;
  hw::Mmio no_io_;
  hw::Alias low_;
  hw::Alias high_;
  hw::Alias pio_;
  hw::IrqOutArray intx_{*this, "intx", kIntxPins};
};

}  // namespace holdfast::devices::pci
