// SPDX-License-Identifier: Apache-2.0
// What random maps are made of: regions of every kind, overlays, spaces with their listeners.
#include <gtest/gtest.h>

#include "tests/property/memory/map_program.hpp"

namespace holdfast::memory::test {

std::uint64_t MapProgram::some_offset() {
  if (random_.one_in(8)) return kAddressMax - random_.below(64);
  if (random_.one_in(12)) return random_.next();
  return random_.below(large_ ? 2048 : 96);
}

std::uint64_t MapProgram::some_last(RegionKind kind) {
  if (random_.one_in(terminates(kind) ? 30 : 5)) return kAddressMax - random_.below(3);
  if (random_.one_in(16)) return random_.next();
  if (!terminates(kind)) return random_.below(large_ ? 2048 : 160);
  return random_.below(random_.one_in(4) ? 96 : 12);
}

void MapProgram::make_region() {
  make_region(regions_.empty() ? RegionKind::kContainer
                               : random_.pick({RegionKind::kContainer, RegionKind::kContainer,
                                               RegionKind::kAlias, RegionKind::kAlias,
                                               RegionKind::kMmio, RegionKind::kMmio,
                                               RegionKind::kMmio, RegionKind::kRam,
                                               RegionKind::kRam, RegionKind::kRom,
                                               RegionKind::kRomDevice, RegionKind::kReservation}));
}

int MapProgram::make_region(RegionKind kind) {
  ModelRegion made{.kind = kind, .last = some_last(kind)};
  RegionInit init{.name = "r" + std::to_string(model_.regions.size()), .gate = world_.gate};
  const bool has_ram = kind == RegionKind::kRam || kind == RegionKind::kRom ||
                       kind == RegionKind::kRomDevice;
  if (has_ram) made.last = random_.below(128), made.largest = World::kBlock - 1;
  init.size = made.last + 1;
  regions_.push_back(make(kind, std::move(init), made));
  ids_[regions_.back().control().get()] = static_cast<int>(model_.regions.size());
  model_.regions.push_back(std::move(made));
  return static_cast<int>(model_.regions.size()) - 1;
}

void MapProgram::make_overlays() {
  Transaction transaction;
  const auto put = [&](int child, int container, std::uint64_t offset, std::int32_t priority) {
    if (model_.add(child, container, offset, priority))
      transaction.add(handle(container), offset, handle(child), priority);
  };
  for (std::uint64_t i = 1 + random_.below(3); i != 0; --i) {
    const int root = make_region(RegionKind::kContainer);
    const int alias = make_region(RegionKind::kAlias);
    const int leaf = make_region(RegionKind::kMmio);
    put(alias, root, random_.one_in(2) ? 0 : some_offset(), 0);
    put(leaf, root, some_offset(), random_.one_in(4) ? -1 : 1);
    transaction.set_size(handle(root), kWholeSpace);
    model_.resize(root, kAddressMax);
    const std::uint64_t last = random_.one_in(3) ? some_last(RegionKind::kAlias) : kAddressMax;
    transaction.set_size(handle(alias), last + 1);
    model_.resize(alias, last);
    const std::uint64_t offset = random_.one_in(2) ? 0 : random_.below(32);
    if (at(alias).kind == RegionKind::kAlias && model_.alias(alias, 0, offset))
      transaction.set_alias(handle(alias), handle(0), offset);
    roots_.push_back(root);
  }
  commit(std::move(transaction), true);
  quiet_ = false;  // roots are set before the next check
}

MemoryRegion MapProgram::make(RegionKind kind, RegionInit init, ModelRegion& made) {
  switch (kind) {
    case RegionKind::kRam:
      return MemoryRegion::ram(fabric_, std::move(init), world_.block);
    case RegionKind::kRom:
      made.flags = RangeFlags::kReadOnly;
      return MemoryRegion::rom(fabric_, std::move(init), world_.block);
    case RegionKind::kRomDevice:
      made.flags = RangeFlags::kRomdDirect;
      return MemoryRegion::rom_device(fabric_, std::move(init), {.handler = world_.handler},
                                      world_.block);
    case RegionKind::kMmio:
      return MemoryRegion::mmio(fabric_, std::move(init), {.handler = world_.handler});
    case RegionKind::kReservation:
      return MemoryRegion::reservation(fabric_, std::move(init));
    case RegionKind::kAlias:
      if (!regions_.empty()) {
        made.target = some_region();
        made.target_offset = alias_offset();
        // A region whose handle is gone has no name any more.
        if (regions_[static_cast<std::size_t>(made.target)])
          return MemoryRegion::alias(fabric_, std::move(init),
                                     regions_[static_cast<std::size_t>(made.target)],
                                     made.target_offset);
        made.target = kNone;
      }
      [[fallthrough]];
    case RegionKind::kContainer:
      break;
  }
  made.kind = RegionKind::kContainer;
  return MemoryRegion::container(fabric_, std::move(init));
}

void MapProgram::make_viewer() {
  viewers_.push_back(
      std::make_unique<Viewer>(fabric_, "s" + std::to_string(viewers_.size())));
  Viewer& viewer = *viewers_.back();
  if (!random_.one_in(4)) set_root(viewer);
  if (random_.one_in(2)) subscribe(viewer);
}

void MapProgram::set_root(Viewer& viewer) {
  int root = some_region();
  // Roots that show something are more telling.
  for (int i = 0; i < 4 && at(root).children.empty(); ++i) root = some_region();
  if (random_.one_in(2)) root = 0;
  if (!roots_.empty() && !random_.one_in(3)) root = roots_[random_.below(roots_.size())];
  if (!regions_[static_cast<std::size_t>(root)]) return;
  viewer.root = root;
  viewer.space->set_root(regions_[static_cast<std::size_t>(root)]);
}

void MapProgram::subscribe(Viewer& viewer) {
  viewer.layout = std::make_unique<Subscription>(*viewer.space, viewer.shadow);
  viewer.translation = std::make_unique<Subscription>(*viewer.space, viewer.stale);
}

}  // namespace holdfast::memory::test
