// SPDX-License-Identifier: Apache-2.0
// An NVM Express controller on PCI.
//
// Modelled: admin and I/O queues, by physical region pages and scatter gather lists; identify, features,
// log pages, asynchronous events, abort; read, write, compare, write zeroes, dataset management, flush;
// shadow doorbells; controller memory buffer; persistent memory region; MSI-X and INTx; shutdown and
// reset in the middle of it all. Faults on request: commands that fail, commands that are late.
// Not modelled: metadata and protection information, formatting, zoned namespaces, firmware download,
// self-tests, several controllers in a subsystem, weighted arbitration, interrupt coalescing.
// SPEC: NVM Express 1.4; PCI class code 01.08.02.
//
//   BAR 0  registers, doorbells, and the interrupt messages' table
//   BAR 2  the controller memory buffer, if there is one
//   BAR 4  the persistent memory region, if there is one
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/devices/pci/capability.hpp"
#include "holdfast/devices/pci/function.hpp"
#include "holdfast/devices/pci/msix.hpp"
#include "holdfast/devices/storage/nvme/bus.hpp"
#include "holdfast/devices/storage/nvme/controller.hpp"
#include "holdfast/devices/storage/nvme/seat.hpp"
#include "holdfast/hw/bottom_half.hpp"
#include "holdfast/hw/memory_backend.hpp"
#include "holdfast/hw/timer.hpp"

namespace holdfast::devices {

class Nvme final : public pci::Function, private nvme::Wiring {
 public:
  static const object::Type kType;
  struct Config {
    std::string serial{};                 // at most 20 characters
    Ref<block::Backend> drive{};          // of namespace 1; none: only those on the bus
    std::uint32_t logical_block_size = 512;  // bytes
    std::uint32_t physical_block_size = 0;   // bytes; 0: as much
    std::string uuid{};                   // of namespace 1
    std::uint32_t queue_pairs = 64;       // for I/O
    std::uint32_t vectors = 65;
    std::uint32_t event_commands = 3;     // that may wait, less one
    std::uint32_t transfer_limit = 7;     // power of two of pages of 4096 bytes; 0: none
    std::uint32_t buffer_mib = 0;         // of the controller memory buffer; 0: none
    hw::MemoryBackend* persistent = nullptr;  // outlives the device; null: none
    std::uint64_t delay_us = 0;           // of each command for I/O, virtual time
    std::uint32_t error_every = 0;        // so many commands for I/O one fails; 0: none
    std::uint32_t error_status = 0x281;   // with this: type << 8 | code
  };
  Nvme(const hw::DeviceInit& init, const Config& config);

 private:
  using Controller = nvme::Controller;

  // What the controller asks of it.
  bool has_messages() const override { return msix_.is_enabled(); }
  void send_message(unsigned vector) override { msix_.notify(vector); }
  void set_pin(bool level) override { set_intx(level); }
  std::uint64_t now_ns() const override { return timer_.now_ns(); }
  void wake_at(std::uint64_t ns) override { timer_.arm(ns); }
  void go_on_soon() override { rest_.schedule(); }

  // Registers of its own memory.
  std::uint32_t cmbloc() const { return own_.buffer_location(); }
  std::uint32_t cmbsz() const { return own_.buffer_size(); }
  std::uint64_t cmbmsc() const { return own_.buffer_control(); }
  void set_cmbmsc(std::uint64_t value) { own_.set_buffer_control(value); }
  std::uint32_t cmbsts() const { return own_.buffer_status(); }
  std::uint32_t pmrcap() const { return own_.persistent_capabilities(); }
  std::uint32_t pmrctl() const { return own_.persistent_control(); }
  void set_pmrctl(std::uint32_t value) { own_.set_persistent_control(value); }
  std::uint32_t pmrsts() const { return own_.persistent_status(); }
  std::uint32_t pmrmscl() const { return own_.persistent_space_low(); }
  void set_pmrmscl(std::uint32_t value) { own_.set_persistent_space_low(value); }
  std::uint32_t pmrmscu() const { return own_.persistent_space_high(); }
  void set_pmrmscu(std::uint32_t value) { own_.set_persistent_space_high(value); }
  // The others.
  std::uint64_t cap() const { return controller_.capabilities(); }
  std::uint32_t vs() const { return controller_.version(); }
  std::uint32_t intm() const { return controller_.interrupt_mask(); }
  void set_intms(std::uint32_t bits) { controller_.set_interrupt_mask(bits); }
  void set_intmc(std::uint32_t bits) { controller_.clear_interrupt_mask(bits); }
  std::uint32_t cc() const { return controller_.configuration(); }
  void set_cc(std::uint32_t value) { controller_.configure(value); }
  std::uint32_t csts() const { return controller_.status(); }
  std::uint32_t aqa() const { return controller_.admin_sizes(); }
  void set_aqa(std::uint32_t value) { controller_.set_admin_sizes(value); }
  std::uint64_t asq() const { return controller_.admin_submissions(); }
  void set_asq(std::uint64_t value) { controller_.set_admin_submissions(value); }
  std::uint64_t acq() const { return controller_.admin_completions(); }
  void set_acq(std::uint64_t value) { controller_.set_admin_completions(value); }
  void doorbell(unsigned number, std::uint32_t value) { controller_.ring(number, value); }
  /// What has no register reads as zero.
  std::uint64_t nothing(std::uint64_t, unsigned) { return 0; }
  void ignore(std::uint64_t, unsigned, std::uint64_t) {}

  Result<void> check() override;
  void on_reset(hw::ResetPhase phase) override;
  void config_written(unsigned, unsigned, memory::Transaction&) override { controller_.update_pin(); }
  void time_passed() { controller_.time_passed(); }
  void go_on() { controller_.go_on(); }

  // Configuration.
  const Config config_;
  const nvme::NamespaceConfig own_namespace_;
  hw::Claim persistent_claim_;

  // Memory of its own.
  std::optional<hw::Ram> buffer_;
  std::optional<hw::Ram> persistent_;
  std::optional<pci::Bar> buffer_bar_;
  std::optional<pci::Bar> persistent_bar_;

  // The heart.
  hw::Timer timer_{*this, "delay", &Nvme::time_passed};
  hw::BottomHalf rest_{*this, "rest", &Nvme::go_on};
  nvme::Reach reach_{*this};
  nvme::OwnMemory own_;
  const Ref<nvme::NamespaceTable> namespaces_ = nvme::NamespaceTable::make();
  Controller controller_;

  // What shows.
  hw::Container bar0_;
  hw::Mmio regs_;
  pci::Bar bar_;
  pci::Msix msix_;
  pci::PowerManagement power_{*this};
  pci::Express express_{*this};

  // Namespaces.
  nvme::NamespaceBus bus_{*this, namespaces_};
  block::BlockPort drive_{*this, "drive", config_.drive, [this] { controller_.tell_host(); }};
  nvme::Seat seat_{*this, own_namespace_, drive_, namespaces_};
};

}  // namespace holdfast::devices
