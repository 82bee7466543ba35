// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/virt/layout.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/boards/virt/pci.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::boards::virt {
namespace {

constexpr std::uint64_t kPage = 4096;

Result<void> check_nodes(const Options& options) {
  if (options.nodes.size() > kMostNodes)
    return fail("-numa: machine 'virt' has at most {} nodes, not {}", kMostNodes,
                options.nodes.size());
  std::uint64_t harts = 0;
  std::uint64_t ram = 0;
  for (const MemoryNode& node : options.nodes) {
    const auto number = &node - options.nodes.data();
    if (node.harts == 0 || harts >= options.harts)
      return fail("-numa: node {} has no CPU at first; on machine 'virt' each node has at least one",
                  number);
    if (node.ram_size == 0 || node.ram_size % kPage != 0)
      return fail("-numa: node {} has {} bytes of memory; it takes a positive multiple of {}", number,
                  node.ram_size, kPage);
    harts += node.harts;
    ram += node.ram_size;
  }
  if (harts != hart_places(options))
    return fail("-numa: the nodes have {} of the {} CPUs; each CPU belongs to one node", harts,
                hart_places(options));
  if (ram != options.ram_size)
    return fail("-numa: the nodes have {} of memory and the machine (-m) has {}; they have to be the same",
                object::format_size(ram), object::format_size(options.ram_size));
  return {};
}

Result<void> check_distances(const Options& options) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> told;
  for (const auto& [from, to, distance] : options.distances) {
    if (from >= options.nodes.size() || to >= options.nodes.size())
      return fail("-numa dist: from node {} to node {}; there are {} nodes, from 0", from, to,
                  options.nodes.size());
    if (distance > 255 || (from == to ? distance != 10 : distance < 10))
      return fail("-numa dist: from node {} to node {} it is {}; it takes 10 to a node itself, else 10 "
                  "to 255",
                  from, to, distance);
    if (!told.insert({from, to}).second)
      return fail("-numa dist: from node {} to node {} is told twice", from, to);
  }
  return {};
}

}  // namespace

Result<void> check(const Options& options) {
  if (options.harts == 0 || options.harts > kMostHarts)
    return fail("-smp {}: machine 'virt' has 1 to {} CPUs", options.harts, kMostHarts);
  if (options.most_harts > kMostHarts)
    return fail("-smp maxcpus={}: machine 'virt' has room for {} CPUs", options.most_harts, kMostHarts);
  // All RAM, what is left free below a window of PCI, and the window.
  constexpr std::uint64_t kBeside = 2 * map::kPciHighSize + map::kRam;
  if (std::max(options.ram_size, options.most_ram) > kAddressMax - kBeside)
    return fail("-m: machine 'virt' cannot address {} bytes of RAM",
                std::max(options.ram_size, options.most_ram));
  if (options.guests > kMostGuests)
    return fail("-M virt,aia-guests={}: it takes 0 to {}", options.guests, kMostGuests);
  TRY(options.cpu.hart());
  if (!options.nodes.empty()) TRY(check_nodes(options));
  return check_distances(options);
}

unsigned guest_bits(const Options& options) {
  return static_cast<unsigned>(std::bit_width(options.guests));
}

cpu::riscv::CpuModel cpu_of(const Options& options) {
  cpu::riscv::CpuModel model = options.cpu;
  if (options.interrupts != Interrupts::kAplicAndImsics) return model;
  for (const char* extension : {"smaia", "ssaia"})
    HF_CHECK(model.set(extension, "on"), "harts have no {}", extension);
  return model;
}

std::vector<Place> places(const Options& options) {
  std::vector<MemoryNode> nodes = options.nodes;
  if (nodes.empty()) nodes.push_back({hart_places(options), options.ram_size, options.ram_backing});
  std::vector<Place> places;
  std::uint32_t hart = 0;
  std::uint64_t ram = map::kRam;
  for (const MemoryNode& node : nodes) {
    const auto number = static_cast<std::uint32_t>(places.size());
    places.push_back({.number = number,
                      .first_hart = hart,
                      .harts = node.harts,
                      .present = std::min(node.harts, options.harts - std::min(hart, options.harts)),
                      .ram = ram,
                      .ram_size = node.ram_size,
                      .backing = node.backing,
                      .clint = map::kClint +
                               number * (has_mtimer_only(options) ? map::kMtimerSize : map::kClintSize),
                      .sswi = map::kSswi + number * map::kSswiSize,
                      .plic = map::kPlic + number * map::kPlicSize,
                      .aplic_machine = map::kAplicMachine + number * map::kAplicSize,
                      .aplic_supervisor = map::kAplicSupervisor + number * map::kAplicSize,
                      .imsic_machine =
                          map::kImsicMachine + (std::uint64_t{number} << map::kImsicGroupShift),
                      .imsic_supervisor =
                          map::kImsicSupervisor + (std::uint64_t{number} << map::kImsicGroupShift)});
    hart += node.harts;
    ram += node.ram_size;
  }
  return places;
}

}  // namespace holdfast::boards::virt
