// SPDX-License-Identifier: Apache-2.0
// `info mtree`: what is in what, and what address spaces see.
#include <algorithm>
#include <array>
#include <map>
#include <ranges>
#include <set>
#include <vector>

#include "holdfast/control/hmp/command.hpp"
#include "holdfast/control/map_look.hpp"
#include "holdfast/memory/map_snapshot.hpp"

namespace holdfast::control::hmp {
namespace {

using memory::MapSnapshot;
using memory::RangeFlags;
using Index = MapSnapshot::Index;

struct Wanted {
  bool flat = false;      // -f
  bool tree = false;      // -d: the tree that readers search
  bool owners = false;    // -o
  bool disabled = false;  // -D
};

class Tree {
 public:
  Tree(Call& call, const MapSnapshot& map, const Wanted& wanted)
      : call_{call}, map_{map}, wanted_{wanted} {}

  void print() {
    std::map<std::optional<Index>, std::vector<std::string>> roots;
    std::vector<std::optional<Index>> order;
    for (const auto& space : map_.spaces) {
      auto& names = roots[space.root];
      if (names.empty()) order.push_back(space.root);
      names.push_back(space.name);
    }
    for (const auto root : order) {
      for (const std::string& name : roots[root]) call_.say("address-space: {}", name);
      if (root) below(*root);
      call_.say("");
    }
    // What aliases show, and what those show, each once.
    for (std::size_t i = 0; i < shown_.size(); ++i) {
      call_.say("memory-region: {}", map_.regions[shown_[i]].name);
      below(shown_[i]);
      call_.say("");
    }
  }

  std::string owner_of(const MapSnapshot::Region& region) const {
    if (!wanted_.owners) return {};
    if (region.owner.empty()) return " orphan";
    const std::string peripherals = fmt::format("/machine/{}/", machine::Machine::kPeripherals);
    if (region.owner.starts_with(peripherals))
      return fmt::format(" owner:{{dev id={}}}", region.owner.substr(peripherals.size()));
    return fmt::format(" owner:{{dev path={}}}", region.owner);
  }

  /// As the range or region itself is; an alias is what it shows.
  std::string type_of(Index index) const {
    std::set<Index> seen;
    while (const auto target = map_.regions[index].target) {
      if (!seen.insert(index).second) break;
      index = *target;
    }
    const MapSnapshot::Region& region = map_.regions[index];
    using Kind = memory::RegionKind;
    switch (region.kind) {
      case Kind::kRam: return "ram";
      case Kind::kRom: return "rom";
      case Kind::kRomDevice: return any(region.flags & RangeFlags::kRomdDirect) ? "romd" : "i/o";
      default: return "i/o";
    }
  }

 private:
  struct Place {
    Index region;
    std::size_t depth;
    std::uint64_t base;  // of the container
  };

  // Depth first, with a stack of its own: nesting is as deep as somebody made it.
  void below(Index root) {
    std::vector<Place> stack{{root, 1, 0 - map_.regions[root].offset}};
    while (!stack.empty()) {
      const Place place = stack.back();
      stack.pop_back();
      const MapSnapshot::Region& region = map_.regions[place.region];
      if (!region.enabled && !wanted_.disabled) continue;
      const std::uint64_t first = place.base + region.offset;
      line(place, first);
      for (const Index child : std::views::reverse(region.children))
        stack.push_back({child, place.depth + 1, first});
    }
  }

  void line(const Place& place, std::uint64_t first) {
    const MapSnapshot::Region& region = map_.regions[place.region];
    const std::uint64_t last = first + region.last;
    std::string text = fmt::format("{:{}}{:016x}-{:016x} (prio {}, {}{}): ", "", 2 * place.depth, first, last,
                                   region.priority,
                                   any(region.flags & RangeFlags::kNonVolatile) ? "nv-" : "",
                                   type_of(place.region));
    if (region.target) {
      const MapSnapshot::Region& target = map_.regions[*region.target];
      if (std::ranges::find(shown_, *region.target) == shown_.end())
        shown_.push_back(*region.target);
      text += fmt::format("alias {} @{} {:016x}-{:016x}", region.name, target.name, region.target_offset,
                          region.target_offset + region.last);
    } else {
      text += region.name;
    }
    if (!region.enabled) text += " [disabled]";
    text += owner_of(region);
    if (last < first) text += " [DETECTED OVERFLOW!]";
    call_.say("{}", text);
  }

  Call& call_;
  const MapSnapshot& map_;
  const Wanted wanted_;
  std::vector<Index> shown_;  // what aliases met so far show
};

void print_flat(Call& call, const MapSnapshot& map, const Wanted& wanted) {
  const Tree tree{call, map, wanted};
  std::vector<std::optional<Index>> views;
  for (const auto& space : map.spaces)
    if (std::ranges::find(views, space.view) == views.end()) views.push_back(space.view);
  for (std::size_t number = 0; number < views.size(); ++number) {
    const auto view = views[number];
    call.say("FlatView #{}", number);
    for (const auto& space : map.spaces) {
      if (space.view != view) continue;
      std::string text = fmt::format(" AS \"{}\"", space.name);
      if (space.root) {
        const MapSnapshot::Region& root = map.regions[*space.root];
        text += fmt::format(", root: {}", root.name);
        if (root.target) text += fmt::format(", alias {}", map.regions[*root.target].name);
      } else {
        text += ", root: (none)";
      }
      call.say("{}", text);
    }
    call.say(" Root memory region: {}", view ? map.regions[map.views[*view].root].name : "(none)");
    if (!view || map.views[*view].ranges.empty()) call.say("  No rendered FlatView");
    if (view)
      for (const MapSnapshot::Range& range : map.views[*view].ranges) {
        const MapSnapshot::Region& region = map.regions[range.region];
        std::string type = tree.type_of(range.region);
        if (type == "ram" && any(range.flags & RangeFlags::kReadOnly)) type = "rom";
        call.say("  {:016x}-{:016x} (prio {}, {}{}): {}{}{}", range.extent.first, range.extent.last,
                 region.priority, any(range.flags & RangeFlags::kNonVolatile) ? "nv-" : "", type, region.name,
                 range.offset != 0 ? fmt::format(" @{:016x}", range.offset) : std::string{},
                 tree.owner_of(region));
      }
    if (view && wanted.tree) {
      const MapSnapshot::View& shown = map.views[*view];
      call.say("  Dispatch");
      call.say("    {} ranges in {} leaves below {} inner nodes, {} bytes", shown.ranges.size(), shown.leaves,
               shown.inners, shown.bytes);
    }
    call.say("");
  }
}

Result<void> memory_tree(Call& call) {
  const Wanted wanted{.flat = call.flag("f"),
                      .tree = call.flag("d"),
                      .owners = call.flag("o"),
                      .disabled = call.flag("D")};
  const MapSnapshot map = snapshot_of(call.machine());
  if (wanted.flat)
    print_flat(call, map, wanted);
  else
    Tree{call, map, wanted}.print();
  return {};
}

Result<void> ram_blocks(Call& call) {
  const MapSnapshot map = snapshot_of(call.machine());
  for (const MapSnapshot::Region& region : map.regions) {
    using Kind = memory::RegionKind;
    if (region.kind != Kind::kRam && region.kind != Kind::kRom && region.kind != Kind::kRomDevice) continue;
    if (call.out.empty()) call.say("{:<40} {:>18}", "Block", "Bytes");
    call.say("{:<40} {:#018x}", region.owner.empty() ? region.name : region.owner + ":" + region.name,
             region.last + 1);
  }
  if (call.out.empty()) call.say("There is no memory.");
  return {};
}

constexpr auto kInfoMemoryRows = std::to_array<Row>({
    {.name = "mtree",
     .arguments = {flag("f"), flag("d"), flag("o"), flag("D")},
     .help = "the regions of memory; -f: as address spaces see them; -d: with the tree they are found in "
             "(of -f); -o: whose they are; -D: disabled ones, too",
     .perform = memory_tree},
    {.name = "ramblock", .help = "the memory that the map shows", .perform = ram_blocks},
});

}  // namespace

std::span<const Row> info_memory_rows() { return kInfoMemoryRows; }

}  // namespace holdfast::control::hmp
