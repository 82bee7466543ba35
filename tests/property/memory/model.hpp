// SPDX-License-Identifier: Apache-2.0
// The map as the reference describes it, resolved one byte at a time: go down by priority, the newest
// first among equals, take what answers. Knows nothing of windows, ranges or trees.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/memory/flat_range.hpp"
#include "holdfast/memory/region_kind.hpp"

namespace holdfast::memory::test {

inline constexpr int kNone = -1;

struct ModelRegion {
  RegionKind kind = RegionKind::kContainer;
  std::uint64_t last = 0;
  std::uint64_t largest = kAddressMax;  // RAM: what its block allows
  RangeFlags flags = RangeFlags::kNone;
  bool enabled = true;
  bool severed = false;
  int parent = kNone;
  std::uint64_t offset = 0;
  std::int32_t priority = 0;
  int target = kNone;
  std::uint64_t target_offset = 0;
  std::vector<int> children{};  // by priority, the highest first; among equals the newest
};

/// What one byte shows.
struct Hit {
  int region;
  std::uint64_t offset;
  RangeFlags flags;
  friend bool operator==(const Hit&, const Hit&) = default;
};

class Model {
 public:
  std::vector<ModelRegion> regions;

  std::optional<Hit> resolve(int root, std::uint64_t address) const {
    if (root == kNone) return std::nullopt;
    return look(root, address, RangeFlags::kNone);
  }

  // The edits. Each returns whether it is acceptable, and does nothing if not.
  bool add(int child, int container, std::uint64_t offset, std::int32_t priority) {
    if (skips(child) || skips(container)) return true;
    if (!holds_regions(at(container).kind) || at(child).parent != kNone) return false;
    if (reaches(child, container)) return false;
    put(child, container, offset, priority);
    return true;
  }
  bool remove(int child) {
    if (!skips(child) && at(child).parent != kNone) take_out(child);
    return true;
  }
  bool move(int child, std::uint64_t offset, std::int32_t priority) {
    if (skips(child)) return true;
    ModelRegion& r = at(child);
    if (r.parent == kNone) return false;
    if (r.offset == offset && r.priority == priority) return true;
    const int container = r.parent;
    take_out(child);
    put(child, container, offset, priority);
    return true;
  }
  bool resize(int region, std::uint64_t last) {
    if (skips(region)) return true;
    if (last > at(region).largest) return false;
    at(region).last = last;
    return true;
  }
  bool enable(int region, bool enabled) {
    if (!skips(region)) at(region).enabled = enabled;
    return true;
  }
  bool flag(int region, RangeFlags flag, bool on) {
    if (skips(region)) return true;
    ModelRegion& r = at(region);
    if (flag == RangeFlags::kRomdDirect && r.kind != RegionKind::kRomDevice) return false;
    if (flag == RangeFlags::kReadOnly && r.kind == RegionKind::kRom) return true;
    const auto bits = static_cast<unsigned>(r.flags);
    const auto bit = static_cast<unsigned>(flag);
    r.flags = static_cast<RangeFlags>(on ? bits | bit : bits & ~bit);
    return true;
  }
  bool alias(int alias, int target, std::uint64_t target_offset) {
    if (skips(alias) || skips(target)) return true;
    if (at(alias).kind != RegionKind::kAlias) return false;
    if (at(alias).target != target && reaches(target, alias)) return false;
    at(alias).target = target;
    at(alias).target_offset = target_offset;
    return true;
  }
  bool alias_offset(int alias, std::uint64_t target_offset) {
    if (skips(alias)) return true;
    if (at(alias).kind != RegionKind::kAlias) return false;
    if (at(alias).target != kNone) at(alias).target_offset = target_offset;
    return true;
  }
  bool sever(int region) {
    if (skips(region)) return true;
    if (at(region).parent != kNone) take_out(region);
    at(region).target = kNone;
    for (const int child : std::vector<int>{at(region).children}) take_out(child);
    for (ModelRegion& other : regions)
      if (other.target == region) other.target = kNone;
    at(region).severed = true;
    return true;
  }

  /// First and last address of every instance of every region below `root`, at most `limit`.
  void boundaries(int root, std::size_t limit, std::vector<std::uint64_t>& out) const {
    if (root != kNone) walk(root, 0, 0, kAddressMax, limit, out);
  }
  int depth(int region) const {
    int deepest = 0;
    for (const int child : at(region).children) deepest = std::max(deepest, depth(child));
    if (at(region).target != kNone) deepest = std::max(deepest, depth(at(region).target));
    return deepest + 1;
  }

 private:
  ModelRegion& at(int i) { return regions[static_cast<std::size_t>(i)]; }
  const ModelRegion& at(int i) const { return regions[static_cast<std::size_t>(i)]; }
  bool skips(int region) const { return at(region).severed; }

  void put(int child, int container, std::uint64_t offset, std::int32_t priority) {
    ModelRegion& r = at(child);
    r.parent = container;
    r.offset = offset;
    r.priority = priority;
    auto& siblings = at(container).children;
    siblings.insert(std::find_if(siblings.begin(), siblings.end(),
                                 [&](int other) { return at(other).priority <= priority; }),
                    child);
  }
  void take_out(int child) {
    std::erase(at(at(child).parent).children, child);
    at(child).parent = kNone;
  }
  /// Whether `to` is `from` or shows inside it.
  bool reaches(int from, int to) const {
    if (from == to) return true;
    for (const int child : at(from).children)
      if (reaches(child, to)) return true;
    return at(from).target != kNone && reaches(at(from).target, to);
  }

  std::optional<Hit> look(int region, std::uint64_t address, RangeFlags above) const {
    const ModelRegion& r = at(region);
    if (!r.enabled || address > r.last) return std::nullopt;
    const RangeFlags flags = above | r.flags;
    if (r.kind == RegionKind::kAlias) {
      if (r.target == kNone || address > kAddressMax - r.target_offset) return std::nullopt;
      return look(r.target, address + r.target_offset, flags);
    }
    for (const int child : r.children) {
      const std::uint64_t offset = at(child).offset;
      if (address < offset) continue;
      if (const auto hit = look(child, address - offset, flags)) return hit;
    }
    if (!terminates(r.kind)) return std::nullopt;
    return Hit{region, address, flags};
  }
  /// `lo`, `hi`: what of the region is in sight, in its own addresses; `base`: the view address of
  /// its address 0, modulo 2^64.
  void walk(int region, std::uint64_t base, std::uint64_t lo, std::uint64_t hi, std::size_t limit,
            std::vector<std::uint64_t>& out) const {
    const ModelRegion& r = at(region);
    if (out.size() >= limit || lo > r.last) return;
    hi = std::min(hi, r.last);
    out.push_back(base + lo);
    out.push_back(base + hi);
    for (const int child : r.children) {
      const std::uint64_t offset = at(child).offset;
      if (offset > hi) continue;
      walk(child, base + offset, lo > offset ? lo - offset : 0, hi - offset, limit, out);
    }
    if (r.target == kNone || lo > kAddressMax - r.target_offset) return;
    const std::uint64_t top = kAddressMax - r.target_offset;
    walk(r.target, base - r.target_offset, lo + r.target_offset,
         std::min(hi, top) + r.target_offset, limit, out);
  }
};

}  // namespace holdfast::memory::test
