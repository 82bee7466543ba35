// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/map_look.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "holdfast/hw/space.hpp"

namespace holdfast::control {
namespace {

using memory::MapSnapshot;
using memory::RegionKind;
using Index = MapSnapshot::Index;

/// A way from a space's root to a region that has a byte at the address.
struct Way {
  std::vector<Index> through;  // from the root on; the last one has the byte
  std::uint64_t offset;        // of the byte in it
};

/// All of them, in no order that matters. Maps may show the same region in a great many ways: enough of
/// them, then.
std::vector<Way> ways_to(const MapSnapshot& map, Index root, std::uint64_t address) {
  constexpr std::size_t kMostWays = 64;
  constexpr std::size_t kMostSteps = 10'000;
  std::vector<Way> found;
  std::vector<Way> open{{.through = {root}, .offset = address}};
  for (std::size_t steps = 0; !open.empty() && steps < kMostSteps && found.size() < kMostWays; ++steps) {
    const Way way = std::move(open.back());
    open.pop_back();
    const MapSnapshot::Region& region = map.regions[way.through.back()];
    if (way.offset > region.last) continue;
    const auto go = [&](Index next, std::uint64_t offset) {
      Way further{way.through, offset};
      further.through.push_back(next);
      open.push_back(std::move(further));
    };
    if (region.target) {
      go(*region.target, region.target_offset + way.offset);
    } else {
      for (const Index child : region.children) go(child, way.offset - map.regions[child].offset);
      if (region.kind != RegionKind::kContainer) found.push_back(way);
    }
  }
  return found;
}

/// Why one way shows and another does not.
std::string reason(const MapSnapshot& map, const Way& hidden, const Way* shown) {
  for (const Index index : hidden.through)
    if (!map.regions[index].enabled) return fmt::format("'{}' is disabled", map.regions[index].name);
  if (shown == nullptr) return "its container does not show it";
  const auto [mine, theirs] = std::ranges::mismatch(hidden.through, shown->through);
  if (mine == hidden.through.end()) {
    return fmt::format("'{}' lies in it, and what is inside comes before what contains it",
                       map.regions[*theirs].name);
  }
  if (theirs == shown->through.end())
    return fmt::format("'{}' does not show it here", map.regions[shown->through.back()].name);
  const MapSnapshot::Region& loser = map.regions[*mine];
  const MapSnapshot::Region& winner = map.regions[*theirs];
  if (winner.priority == loser.priority)
    return fmt::format("'{}' has the same priority, {}, and came later", winner.name, winner.priority);
  return fmt::format("'{}' has priority {}, and '{}' has {}", winner.name, winner.priority, loser.name,
                     loser.priority);
}

const MapSnapshot::Range* range_at(const MapSnapshot::View& view, std::uint64_t address) {
  const auto at = std::ranges::lower_bound(view.ranges, address, {},
                                           [](const auto& range) { return range.extent.last; });
  return at != view.ranges.end() && at->extent.first <= address ? &*at : nullptr;
}

std::string why_nothing(const MapSnapshot& map, const MapSnapshot::View& view, std::uint64_t address) {
  std::string because = "nothing is there: reads give zeroes and writes vanish";
  const auto above = std::ranges::lower_bound(view.ranges, address, {},
                                              [](const auto& range) { return range.extent.last; });
  if (above != view.ranges.begin())
    because += fmt::format("; below, '{}' ends at {:#x}", map.regions[std::prev(above)->region].name,
                           std::prev(above)->extent.last);
  if (above != view.ranges.end())
    because += fmt::format("; above, '{}' begins at {:#x}", map.regions[above->region].name,
                           above->extent.first);
  return because;
}

}  // namespace

MapSnapshot snapshot_of(machine::Machine& machine) {
  const memory::AddressSpace bus{machine.fabric(), machine.bus().memory().region(), {.name = "memory"}};
  std::vector<Ref<memory::SpaceControl>> spaces{bus.control()};
  for (hw::Device* device : machine.devices_now())
    for (hw::Device* one : device->subtree())
      one->for_each_part([&](hw::Part& part) {
        if (auto* space = dynamic_cast<hw::Space*>(&part)) spaces.push_back(space->get().control());
      });
  std::ranges::sort(spaces, {}, [](const auto& space) { return space->name(); });
  return machine.fabric().snapshot(spaces);
}

std::string_view kind_name(RegionKind kind) {
  switch (kind) {
    case RegionKind::kRam: return "ram";
    case RegionKind::kRom: return "rom";
    case RegionKind::kRomDevice: return "rom-device";
    case RegionKind::kMmio: return "mmio";
    case RegionKind::kAlias: return "alias";
    case RegionKind::kContainer: return "container";
    case RegionKind::kReservation: return "reservation";
  }
  return "other";
}

bool is_writable(const MapSnapshot& map, const MapSnapshot::Range& range) {
  return map.regions[range.region].kind != RegionKind::kRom &&
         !any(range.flags & memory::RangeFlags::kReadOnly);
}

Result<Explanation> explain(const MapSnapshot& map, std::string_view name, std::uint64_t address) {
  const auto space = std::ranges::find(map.spaces, name, &MapSnapshot::Space::name);
  if (space == map.spaces.end()) {
    std::vector<std::string_view> names;
    for (const auto& one : map.spaces) names.push_back(one.name);
    return fail("there is no space '{}'; there are {}", name, fmt::join(names, ", "));
  }
  Explanation said{.space = space->name};
  if (!space->view || !space->root) {
    said.because = "the space sees nothing: it was made from none of the machine's regions";
    return said;
  }
  const MapSnapshot::View& view = map.views[*space->view];
  const MapSnapshot::Range* range = range_at(view, address);
  if (range == nullptr) {
    said.because = why_nothing(map, view, address);
  } else {
    const MapSnapshot::Region& region = map.regions[range->region];
    said.range = *range;
    said.offset = address - range->extent.first + range->offset;
    said.because = fmt::format("'{}' shows byte {:#x} of region '{}'{}{}", name, said.offset, region.name,
                               region.owner.empty() ? "" : " of " + region.owner,
                               is_writable(map, *range) ? "" : "; writes have no effect");
  }
  const std::vector<Way> ways = ways_to(map, *space->root, address);
  const auto shown = std::ranges::find_if(ways, [&](const Way& way) {
    return range != nullptr && way.through.back() == range->region && way.offset == said.offset;
  });
  for (const Way& way : ways)
    if (shown == ways.end() || &way != &*shown)
      said.shadowed.push_back({.region = way.through.back(),
                               .offset = way.offset,
                               .because = reason(map, way, shown == ways.end() ? nullptr : &*shown)});
  return said;
}

}  // namespace holdfast::control
