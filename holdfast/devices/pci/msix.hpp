// SPDX-License-Identifier: Apache-2.0
// MSI-X: up to 2,048 message-signalled interrupts, each with an address, data and a mask of its own in a
// table that lies in a BAR, and a bit for each that is pending. See msi.hpp for what a message is.
//
//   pci::Msix msix_{*this, {.vectors = 65, .bar = bar_, .content = bar0_, .table = 0x2000, .pending = 0x3000}};
//   msix_.notify(3);
//
// SPEC: PCI Local Bus Specification 3.0, 6.8.2. LOCK: the function's gate.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/devices/pci/capability.hpp"
#include "holdfast/hw/mmio.hpp"
#include "holdfast/hw/region_part.hpp"

namespace holdfast::devices::pci {

class Msix final : public Capability {
 public:
  static constexpr unsigned kMostVectors = 2048;
  static constexpr std::uint64_t kEntryBytes = 16;

  struct Init {
    unsigned vectors;         // 1 to kMostVectors
    const Bar& bar;           // in which table and pending bits lie
    hw::Container& content;   // its region, in which they are placed
    std::uint64_t table;      // offset, a multiple of 8
    std::uint64_t pending;    // the same
  };
  Msix(Function& function, const Init& init);

  unsigned vectors() const { return static_cast<unsigned>(entries_.size()); }
  bool is_enabled() const;
  /// Sends it, notes it as pending if it is masked, or does nothing if MSI-X is not enabled.
  void notify(unsigned vector);
  bool is_pending(unsigned vector) const { return entries_[vector].pending; }
  /// What made it pending is over: it is not sent any more.
  void forget(unsigned vector) { entries_[vector].pending = false; }

 private:
  struct Entry {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    std::uint32_t control = kMasked;
    bool pending = false;
  };
  static constexpr std::uint32_t kMasked = 1;

  class Table final : public memory::MmioHandler {
   public:
    explicit Table(Msix& msix) : msix_{msix} {}
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override;
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override;

   private:
    Msix& msix_;  // contains this
  };
  class PendingBits final : public memory::MmioHandler {
   public:
    explicit PendingBits(Msix& msix) : msix_{msix} {}
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override;
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override;

   private:
    Msix& msix_;  // contains this
  };

  void written() override;
  void reset(hw::ResetPhase phase) override;
  bool is_masked(const Entry& entry) const;
  void send_if_due(Entry& entry);

  std::vector<Entry> entries_;
  Table table_handler_{*this};
  PendingBits pending_handler_{*this};
  hw::Mmio table_;
  hw::Mmio pending_;
};

}  // namespace holdfast::devices::pci
