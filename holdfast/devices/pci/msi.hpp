// SPDX-License-Identifier: Apache-2.0
// Message-signalled interrupts: a vector is a write of four bytes through the function's own space, with
// its requester id, as any DMA. So it arrives behind the data that was written before it, is dropped while
// the function is no bus master, and goes to whatever answers at its address.
//
//   pci::Msi msi_{*this, {.vectors = 4}};        msi_.notify(2);
//
// SPEC: PCI Local Bus Specification 3.0, 6.8.1. 64-bit addresses; masking of single vectors is an option.
// LOCK: the function's gate.
#pragma once

#include <cstdint>

#include "holdfast/devices/pci/capability.hpp"

namespace holdfast::devices::pci {

/// Sends a message; refused by nobody, heard by whoever is there.
void send_message(Function& function, std::uint64_t address, std::uint32_t data);

class Msi final : public Capability {
 public:
  enum class Masking : std::uint8_t { kNo, kYes };
  struct Init {
    unsigned vectors = 1;  // a power of two, up to 32
    Masking masking = Masking::kYes;
  };
  Msi(Function& function, Init init);
  explicit Msi(Function& function) : Msi{function, Init{}} {}

  bool is_enabled() const;
  /// Sends it, notes it as pending if it is masked, or does nothing if MSI is not enabled.
  void notify(unsigned vector);

 private:
  void written() override;
  /// How many the guest has allowed.
  unsigned allowed() const;
  void send(unsigned vector);

  const Init init_;
};

}  // namespace holdfast::devices::pci
