// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/transaction.hpp"

#include <utility>

#include "holdfast/base/check.hpp"

namespace holdfast::memory {

using Kind = MapEdit::Kind;

Transaction& Transaction::push(MapEdit edit) {
  HF_CHECK(edit.region, "an edit of no region");
  edits_.push_back(std::move(edit));
  return *this;
}

Transaction& Transaction::push_flag(Kind kind, const MemoryRegion& region, bool flag) {
  return push({.kind = kind, .flag = flag, .region = region.control()});
}

Transaction& Transaction::add(const MemoryRegion& container, std::uint64_t offset,
                              const MemoryRegion& child, std::int32_t priority) {
  return add(container.control(), offset, child, priority);
}

Transaction& Transaction::add(Ref<RegionControl> container, std::uint64_t offset,
                              const MemoryRegion& child, std::int32_t priority) {
  HF_CHECK(container, "an addition to no region");
  return push({.kind = Kind::kAdd, .priority = priority, .region = child.control(),
               .other = std::move(container), .number = offset});
}

Transaction& Transaction::remove(const MemoryRegion& child) {
  return push({.kind = Kind::kRemove, .region = child.control()});
}

Transaction& Transaction::move(const MemoryRegion& child, std::uint64_t offset) {
  return push({.kind = Kind::kMove, .region = child.control(), .number = offset});
}

Transaction& Transaction::set_priority(const MemoryRegion& child, std::int32_t priority) {
  return push({.kind = Kind::kPriority, .priority = priority, .region = child.control()});
}

Transaction& Transaction::set_enabled(const MemoryRegion& region, bool enabled) {
  return push_flag(Kind::kEnabled, region, enabled);
}

Transaction& Transaction::set_size(const MemoryRegion& region, std::uint64_t size) {
  return push({.kind = Kind::kSize, .region = region.control(), .number = size - 1});
}

Transaction& Transaction::set_read_only(const MemoryRegion& region, bool read_only) {
  return push_flag(Kind::kReadOnly, region, read_only);
}

Transaction& Transaction::set_non_volatile(const MemoryRegion& region, bool non_volatile) {
  return push_flag(Kind::kNonVolatile, region, non_volatile);
}

Transaction& Transaction::set_unmergeable(const MemoryRegion& region, bool unmergeable) {
  return push_flag(Kind::kUnmergeable, region, unmergeable);
}

Transaction& Transaction::set_rom_mode(const MemoryRegion& region, bool direct) {
  return push_flag(Kind::kRomMode, region, direct);
}

Transaction& Transaction::set_alias(const MemoryRegion& alias, const MemoryRegion& target,
                                    std::uint64_t target_offset) {
  HF_CHECK(target, "an alias of no region");
  return push({.kind = Kind::kAlias, .region = alias.control(), .other = target.control(),
               .number = target_offset});
}

Transaction& Transaction::set_alias_offset(const MemoryRegion& alias,
                                           std::uint64_t target_offset) {
  return push({.kind = Kind::kAliasOffset, .region = alias.control(), .number = target_offset});
}

Transaction& Transaction::sever(Ref<RegionControl> region) {
  return push({.kind = Kind::kSever, .region = std::move(region)});
}

Transaction& Transaction::close(Ref<gate::Gate> gate,
                                std::move_only_function<void()> when_drained) {
  closings_.push_back({std::move(gate), std::move(when_drained)});
  return *this;
}

}  // namespace holdfast::memory
