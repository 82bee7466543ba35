// SPDX-License-Identifier: Apache-2.0
// MemoryRegion: the handle by which an owner has a region. Destroying it takes the region out of the
// map (out of its container, from under its aliases, its children out of it), whatever thread and
// whatever callback this happens in; nothing it was visible through is left dangling.
//
// Outside of all gates the destructor returns when nobody is in the region's handler any more. Inside
// one it returns at once and the map follows when the thread has left its gates.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/memory/region_control.hpp"

namespace holdfast::memory {

class Fabric;

/// A size of 2^64 is written as kWholeSpace; a size of 0 does not exist.
inline constexpr std::uint64_t kWholeSpace = 0;

struct RegionInit {
  std::string name;
  std::uint64_t size = kWholeSpace;  // bytes; kWholeSpace = 2^64
  Ref<gate::Gate> gate{};            // the owner's; none: the machine's, with a gate of its own
};

class MemoryRegion {
 public:
  static MemoryRegion container(Fabric& fabric, RegionInit init);
  /// RAM, from `ram_offset` of the block on. It must fit: sizes from outside are checked before.
  static MemoryRegion ram(Fabric& fabric, RegionInit init, Ref<RamBlock> block,
                          std::uint64_t ram_offset = 0);
  static MemoryRegion rom(Fabric& fabric, RegionInit init, Ref<RamBlock> block,
                          std::uint64_t ram_offset = 0);
  struct MmioInit {
    MmioHandler& handler;  // valid until the gate is drained or the region dropped
    AccessRules rules{};
    bool may_reenter = false;
    gate::Locking own_locking = gate::Locking::kExclusive;  // for a region without an owner
  };
  static MemoryRegion mmio(Fabric& fabric, RegionInit init, MmioInit mmio);
  /// Starts in direct mode.
  static MemoryRegion rom_device(Fabric& fabric, RegionInit init, MmioInit mmio,
                                 Ref<RamBlock> block, std::uint64_t ram_offset = 0);
  static MemoryRegion alias(Fabric& fabric, RegionInit init, const MemoryRegion& target,
                            std::uint64_t target_offset);
  static MemoryRegion reservation(Fabric& fabric, RegionInit init);

  MemoryRegion() = default;  // no region
  MemoryRegion(MemoryRegion&&) noexcept = default;
  MemoryRegion& operator=(MemoryRegion&& other) noexcept;
  ~MemoryRegion() { sever(); }

  explicit operator bool() const { return static_cast<bool>(control_); }
  const std::string& name() const { return control_->name(); }
  RegionKind kind() const { return control_->kind(); }
  const Ref<RegionControl>& control() const { return control_; }

 private:
  MemoryRegion(Fabric& fabric, RegionControl::Init init);
  void sever();

  Ref<RegionControl> control_;
};

}  // namespace holdfast::memory
