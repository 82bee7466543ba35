// SPDX-License-Identifier: Apache-2.0
// A base address register, and the region that shows where it says. The region is any that the function
// has: registers, RAM, a container with regions of others in it, an alias. Where the guest puts it, and
// whether, follows from the registers; nobody else places it.
//
// A BAR is as large as its region, rounded up to a power of two, or larger. What it claims beyond its
// region answers nothing.
// SPEC: PCI Local Bus Specification 3.0, 6.2.5.
#pragma once

#include <cstdint>
#include <optional>

#include "holdfast/devices/pci/function.hpp"
#include "holdfast/hw/part.hpp"
#include "holdfast/hw/region_part.hpp"

namespace holdfast::devices::pci {

class Bar final : public hw::Part {
 public:
  enum class Kind : std::uint8_t {
    kMemory,    // below 4 GiB
    kMemory64,  // anywhere; takes two registers
    kIo,
    kRom,       // the expansion ROM, of index kRomIndex
  };
  static constexpr unsigned kRomIndex = 6;
  enum class Prefetch : std::uint8_t { kNo, kYes };
  struct Init {
    Kind kind = Kind::kMemory;
    Prefetch prefetch = Prefetch::kNo;
    std::uint64_t size = 0;  // bytes, a power of two; 0: that of its region, rounded up
  };
  /// `content` belongs to the same device, or to a child of it.
  Bar(Function& function, unsigned index, hw::RegionPart& content, Init init);
  Bar(Function& function, unsigned index, hw::RegionPart& content)
      : Bar{function, index, content, Init{}} {}

  unsigned index() const { return index_; }
  Kind kind() const { return init_.kind; }
  bool is_prefetchable() const { return init_.prefetch == Prefetch::kYes; }
  std::uint64_t size() const { return size_; }
  /// What the registers say, decoded or not.
  std::uint64_t address() const;
  /// Where on its bus it shows; nothing if it does not.
  std::optional<std::uint64_t> shown_at() const { return shown_at_; }

  // --- inside the gate ----------------------------------------------------------------------------

  /// Its region gets that size, and it with it; the address loses the bits that it no longer has.
  void resize(std::uint64_t bytes);
  /// As if the guest had written it.
  void set_address(std::uint64_t address);

 private:
  friend class Function;
  static constexpr std::int32_t kPriority = 1;

  void define();
  void set_mask();
  std::uint64_t least() const;
  bool is_wide() const { return init_.kind == Kind::kMemory64; }
  /// Where it is to show while those bits of the command register are set.
  std::optional<std::uint64_t> place(std::uint16_t command) const;
  void follow(std::uint16_t command, memory::Transaction& map);

  Function& function_;        // this is a part of
  const unsigned index_;
  const unsigned at_;         // of the register in configuration space
  hw::RegionPart& content_;   // of the same device or its children
  const Init init_;
  std::uint64_t size_;
  std::optional<std::uint64_t> shown_at_;
};

}  // namespace holdfast::devices::pci
