// SPDX-License-Identifier: Apache-2.0
// The incoming message-signalled interrupt controller of one hart at one privilege level: a page for
// the hart's interrupt file, and behind it one for each guest. A write to a page makes an identity
// pending; what becomes of it is between the file and the hart, which shares it (hw/interrupt_file.hpp).
//
// Modelled: seteipnum_le and seteipnum_be; other bytes read zero and ignore writes, and what is no
// aligned access of 32 bits is refused. Files of guests take messages, and no hart has the hypervisor's
// registers by which they would be read.
//
// SPEC: The RISC-V Advanced Interrupt Architecture 1.0, chapter 3 (3.4 and 3.5: the pages).
// LOCK: the gate only counts. The files have none.
#pragma once

#include <cstdint>
#include <vector>

#include "holdfast/hw/interrupt_file.hpp"
#include "holdfast/hw/mmio.hpp"

namespace holdfast::devices {

class RiscvImsic final : public hw::Device {
 public:
  static const object::Type kType;
  static constexpr std::uint64_t kPage = 0x1000;  // bytes of a file
  static constexpr unsigned kMostGuests = 63;
  struct Config {
    unsigned identities = 255;  // 63 to 2047, one less than a multiple of 64
    unsigned guests = 0;        // at most kMostGuests
    Ref<hw::InterruptFile> file{};  // the hart's, with as many identities; none: one nobody looks at
  };
  RiscvImsic(const hw::DeviceInit& init, const Config& config);

 private:
  /// The pages, one after the other.
  class Pages final : public memory::MmioHandler {
   public:
    explicit Pages(RiscvImsic& imsic) : imsic_{imsic} {}
    memory::MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                             memory::MemTxAttrs attrs) override;
    memory::MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value,
                              memory::MemTxAttrs attrs) override;

   private:
    RiscvImsic& imsic_;  // which this is a member of
  };
  /// What there is in the hart's file, as a property.
  class FileState final : public hw::Part {
   public:
    FileState(hw::Device& device, std::string name, RiscvImsic& imsic,
              hw::InterruptFile::Bits which)
        : Part{device, "state", std::move(name)}, imsic_{imsic}, which_{which} {}

   private:
    std::optional<object::PropertyValue> value() const override;

    RiscvImsic& imsic_;  // which this is a member of
    const hw::InterruptFile::Bits which_;
  };

  Result<void> check() override;
  void on_reset(hw::ResetPhase phase) override;

  // Configuration.
  const Config config_;
  // Guest-visible state: the hart's file, then those of guests.
  const std::vector<Ref<hw::InterruptFile>> files_;
  FileState pending_{*this, "pending", *this, hw::InterruptFile::Bits::kPending};
  FileState enabled_{*this, "enable", *this, hw::InterruptFile::Bits::kEnabled};
  // Wiring.
  Pages pages_{*this};
  hw::Mmio regs_{*this, "regs", files_.size() * kPage, pages_,
                 memory::AccessRules{.valid = {.min = 4, .max = 4}, .impl = {.min = 4, .max = 4}}};
};

}  // namespace holdfast::devices
