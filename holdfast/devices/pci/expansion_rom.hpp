// SPDX-License-Identifier: Apache-2.0
// The expansion ROM of a function: an image that a user gave it, for firmware to find and run.
//
// It is read when the function is realized, and shows behind the register for it while the guest enables both
// that and memory decoding. Nobody here looks into it.
// SPEC: PCI Local Bus Specification 3.0, 6.2.5.2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/devices/pci/bar.hpp"
#include "holdfast/hw/region_part.hpp"
#include "holdfast/memory/ram_block.hpp"

namespace holdfast::devices::pci {

class ExpansionRom final : public hw::RegionPart {
 public:
  static constexpr std::uint32_t kSizeOfImage = ~0U;
  static constexpr std::uint64_t kMostBytes = 1U << 31U;
  struct Image {
    std::string file;
    std::uint32_t size = kSizeOfImage;  // bytes of the ROM; kSizeOfImage: the next power of two
  };
  /// In prepare. Errors: the file cannot be read, is empty or too large; the size is no power of two.
  static Result<std::unique_ptr<ExpansionRom>> make(Function& function, const Image& image);
  ~ExpansionRom() override;

 private:
  ExpansionRom(Function& function, Ref<memory::RamBlock> block);

  void severed() override { let_go(); }
  void note_remains(hw::Remains& remains) const override;
  void let_go();

  const Ref<memory::RamBlock> block_;
  Bar bar_;
};

}  // namespace holdfast::devices::pci
