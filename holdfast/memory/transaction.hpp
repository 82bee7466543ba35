// SPDX-License-Identifier: Apache-2.0
// A transaction is a value: a list of edits of the map. Nothing happens until Fabric::commit takes
// it, and then all of it happens at once or, with an error, none of it.
//
// Edits name control blocks. One whose region has been dropped by the time of the commit is skipped.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "holdfast/memory/region.hpp"

namespace holdfast::memory {

/// One change of the map. What `other`, `number`, `priority` and `flag` mean depends on the kind.
struct MapEdit {
  enum class Kind : std::uint8_t {
    kAdd,          // other: the container; number: the offset
    kRemove,
    kMove,         // number: the offset
    kPriority,
    kEnabled,      // flag
    kSize,         // number: the last address
    kReadOnly,     // flag, and the next three
    kNonVolatile,
    kUnmergeable,
    kRomMode,
    kAlias,        // other: the target; number: the offset in it
    kAliasOffset,  // number
    kSever,
  };
  Kind kind;
  bool flag = false;
  std::int32_t priority = 0;
  Ref<RegionControl> region;
  Ref<RegionControl> other{};
  std::uint64_t number = 0;
};

class Transaction {
 public:
  Transaction() = default;
  Transaction(Transaction&&) noexcept = default;
  Transaction& operator=(Transaction&&) noexcept = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Puts `child` into `container` at `offset`. Error at commit if it has a container already, or if
  /// that would make a cycle (through containers and alias targets): the message names both ends.
  Transaction& add(const MemoryRegion& container, std::uint64_t offset, const MemoryRegion& child,
                   std::int32_t priority = 0);
  Transaction& add(Ref<RegionControl> container, std::uint64_t offset, const MemoryRegion& child,
                   std::int32_t priority = 0);
  /// Takes it out of whatever container it is in; no error if it is in none.
  Transaction& remove(const MemoryRegion& child);
  /// Within its container. Among equal priorities what moved last shows, as if it had been added now.
  Transaction& move(const MemoryRegion& child, std::uint64_t offset);
  Transaction& set_priority(const MemoryRegion& child, std::int32_t priority);
  Transaction& set_enabled(const MemoryRegion& region, bool enabled);
  /// In bytes; kWholeSpace for 2^64. RAM must stay inside its block.
  Transaction& set_size(const MemoryRegion& region, std::uint64_t size);
  /// These three hold for everything that shows through the region.
  Transaction& set_read_only(const MemoryRegion& region, bool read_only);
  Transaction& set_non_volatile(const MemoryRegion& region, bool non_volatile);
  Transaction& set_unmergeable(const MemoryRegion& region, bool unmergeable);
  /// ROM device: reads direct (true) or by callback.
  Transaction& set_rom_mode(const MemoryRegion& region, bool direct);
  Transaction& set_alias(const MemoryRegion& alias, const MemoryRegion& target,
                         std::uint64_t target_offset);
  Transaction& set_alias_offset(const MemoryRegion& alias, std::uint64_t target_offset);
  /// Takes the region out of the map for good (container, children, aliases onto it, spaces).
  Transaction& sever(const MemoryRegion& region) { return sever(region.control()); }
  Transaction& sever(Ref<RegionControl> region);
  /// After the new map is published, and still under the same hold of the writer lock: close this
  /// gate. `when_drained` as for gate::Gate::close. One that is closed already is left alone.
  Transaction& close(Ref<gate::Gate> gate, std::move_only_function<void()> when_drained = {});

  bool empty() const { return edits_.empty() && closings_.empty(); }
  /// Edits.
  std::size_t size() const { return edits_.size(); }

 private:
  friend class Map;
  struct Closing {
    Ref<gate::Gate> gate;
    std::move_only_function<void()> when_drained;
  };
  Transaction& push(MapEdit edit);
  Transaction& push_flag(MapEdit::Kind kind, const MemoryRegion& region, bool flag);

  std::vector<MapEdit> edits_;
  std::vector<Closing> closings_;
};

}  // namespace holdfast::memory
