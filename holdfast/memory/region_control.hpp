// SPDX-License-Identifier: Apache-2.0
// The control block of a region: what containers, aliases, flat views and caches point at. It
// stands for the region and never keeps its device; it outlives its MemoryRegion handle by as long as
// a reader may still see it.
//
// Readers use what is declared here, inside a read section or with a reference. Its place in the map
// (MapNode) is the writer's.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "holdfast/base/census.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/memory/dispatch.hpp"
#include "holdfast/memory/map_node.hpp"
#include "holdfast/memory/mmio.hpp"
#include "holdfast/memory/ram_block.hpp"
#include "holdfast/memory/region_kind.hpp"

namespace holdfast::memory {

class Fabric;

/// Counted: by the region's handle and by edits that wait for their commit. The map itself points at
/// it without counting; it is out of the map before the handle's count goes.
class RegionControl final : public RefCounted<RegionControl>, private MapNode {
 public:
  struct Init {
    RegionKind kind;
    std::string name;
    std::uint64_t last;              // size - 1
    Ref<gate::Gate> gate{};          // the owner's; none: a region with callbacks gets its own, open
    gate::Locking own_locking = gate::Locking::kExclusive;  // of its own gate
    MmioHandler* handler = nullptr;  // kMmio, kRomDevice: valid until the gate is drained
    AccessRules rules{};
    Ref<RamBlock> ram{};             // kRam, kRom, kRomDevice
    std::uint64_t ram_offset = 0;
    bool may_reenter = false;        // opted out of the re-entrancy guard
  };
  static Ref<RegionControl> make(Fabric& fabric, Init init);

  // Fixed for life, read by everybody.
  RegionKind kind() const { return MapNode::kind; }
  const std::string& name() const { return name_; }
  /// Only regions with callbacks are sure to have a gate.
  bool has_gate() const { return static_cast<bool>(gate_); }
  gate::Gate& gate() const { return *gate_; }
  /// Whether the gate is this region's alone, because nobody owns the region.
  bool has_own_gate() const { return own_gate_; }
  const AccessRules& rules() const { return rules_; }
  MmioHandler* handler() const { return handler_; }
  /// Calls the handler. From inside the gate and the region.
  MemTxResult call(BusAccess& access) const {
    const bool is_aligned = (access.offset & (access.size - 1)) == 0;
    if (is_aligned && (plain_sizes_ & access.size) != 0) [[likely]]
      return dispatch_plain(*handler_, access);
    return dispatch(*handler_, rules_, access);
  }
  RamBlock* ram() const { return ram_.get(); }
  /// Where the region's offset 0 lies in its block.
  std::uint64_t ram_offset() const { return ram_offset_; }
  /// Host address of the region's offset 0; nullptr without RAM.
  std::byte* host() const { return host_; }
  bool may_reenter() const { return may_reenter_; }
  Fabric& fabric() const { return fabric_; }

  /// Set once the map without the region is published: whoever came in through the gate looks here
  /// and, if it is set, goes out again and translates anew.
  bool is_dropped() const { return dropped_.load(std::memory_order_acquire); }

  /// Comes into the region, from inside its gate. False: it was dropped, go out and look again.
  /// Where the gate does not keep others out, insiders of the region itself are counted.
  bool enter() const {
    // Sequentially consistent, both: either the dropper sees this insider, or this sees the drop.
    if (counts_insiders_) insiders_.fetch_add(kInsider, std::memory_order_seq_cst);
    if (!dropped_.load(std::memory_order_seq_cst)) [[likely]] return true;
    leave();
    return false;
  }
  void leave() const {
    if (counts_insiders_) leave_counted();
  }
  bool has_insiders() const { return insiders_.load(std::memory_order_seq_cst) >= kInsider; }
  /// After the drop, by who does not wait for the insiders: they keep this control block until the
  /// last of them has left.
  void leave_to_insiders() const;
  /// True the first time: for warnings that are given once.
  bool first_warning() const { return !warned_.exchange(true, std::memory_order_relaxed); }

  /// The writer's: under the fabric's writer lock only.
  MapNode& node() { return *this; }
  const MapNode& node() const { return *this; }

 private:
  friend class RefCounted<RegionControl>;
  friend struct MapNode;
  friend class Map;
  RegionControl(Fabric& fabric, Init init);
  ~RegionControl();
  void last_reference_gone() noexcept;  // retires: readers may still see it
  void leave_counted() const;
  void drop() { dropped_.store(true, std::memory_order_seq_cst); }

  static constexpr std::uint32_t kKept = 1;  // the last insider lets go of a reference
  static constexpr std::uint32_t kInsider = 2;

  // What an access to a device looks at stands together.
  std::atomic<bool> dropped_{false};
  mutable std::atomic<bool> warned_{false};
  bool counts_insiders_ = false;
  const bool may_reenter_;
  const bool own_gate_;
  const std::uint8_t plain_sizes_;  // of the rules
  mutable std::atomic<std::uint32_t> insiders_{0};
  MmioHandler* const handler_;
  const Ref<gate::Gate> gate_;
  const AccessRules rules_;
  std::byte* host_ = nullptr;
  const Ref<RamBlock> ram_;
  const std::uint64_t ram_offset_;
  Fabric& fabric_;  // outlives its regions
  const std::string name_;
  Counted counted_;
};

inline RegionControl& MapNode::control() { return *static_cast<RegionControl*>(this); }
inline const RegionControl& MapNode::control() const {
  return *static_cast<const RegionControl*>(this);
}

}  // namespace holdfast::memory
