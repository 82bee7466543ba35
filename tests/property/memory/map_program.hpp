// SPDX-License-Identifier: Apache-2.0
// One random map, its edits and what is asked of it after each: a program made of a seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/subscription.hpp"
#include "holdfast/memory/transaction.hpp"
#include "tests/property/memory/map_statistics.hpp"
#include "tests/property/memory/model.hpp"
#include "tests/property/memory/random.hpp"
#include "tests/property/memory/shadow.hpp"

namespace holdfast::memory::test {

class Silent final : public MmioHandler {
 public:
  MemTxResult read(std::uint64_t, unsigned, std::uint64_t&, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t, unsigned, std::uint64_t, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
};

/// What all maps share, because it costs more than a map.
struct World {
  gate::Realm realm{"property"};
  Ref<gate::Gate> gate = gate::Gate::make(realm, "owner");
  Ref<RamBlock> block = RamBlock::make(realm, "block", kBlock).value();
  Silent handler;
  static constexpr std::uint64_t kBlock = 0x10000;
  World() { gate->open(); }
  ~World() { block->close(); }
};

/// One space, its expectations and its listeners.
struct Viewer {
  Viewer(Fabric& fabric, std::string name)
      : space{std::make_unique<AddressSpace>(fabric,
                                             AddressSpace::Init{.name = std::move(name)})} {}
  std::unique_ptr<AddressSpace> space;
  int root = kNone;
  Shadow shadow;
  StaleWindows stale;
  std::unique_ptr<Subscription> layout;
  std::unique_ptr<Subscription> translation;
  std::vector<Section> flat;  // as of the last check
  std::uint64_t stamp = 0;
};

class MapProgram {
 public:
  MapProgram(World& world, Statistics& statistics, std::uint64_t seed)
      : world_{world}, statistics_{statistics}, random_{seed}, tuning_{some_tuning()},
        fabric_{world.realm, tuning_} {}
  void run();

 private:
  MapTuning some_tuning();
  void report();
  /// In any order.
  void tear_down();

  // --- making things: map_program_make.cpp --------------------------------------------------------

  std::uint64_t some_offset();
  /// size - 1
  std::uint64_t some_last(RegionKind kind);
  std::int32_t some_priority() { return static_cast<std::int32_t>(random_.below(4)) - 1; }
  int some_region() { return random_.index(model_.regions.size()); }
  void make_region();
  int make_region(RegionKind kind);
  /// Roots that show region 0 through an alias, with something of their own above it.
  void make_overlays();
  MemoryRegion make(RegionKind kind, RegionInit init, ModelRegion& made);
  std::uint64_t alias_offset() { return random_.one_in(2) ? 0 : some_offset(); }
  void make_viewer();
  void set_root(Viewer& viewer);
  void subscribe(Viewer& viewer);

  // --- editing: map_program_edit.cpp --------------------------------------------------------------

  ModelRegion& at(int i) { return model_.regions[static_cast<std::size_t>(i)]; }
  const MemoryRegion& handle(int i) { return regions_[static_cast<std::size_t>(i)]; }
  /// Everything into something, so that there is a tree at all.
  void populate();
  void step();
  /// Adds an edit to the transaction and the model; false if it must be refused.
  bool edit(Transaction& transaction);
  bool add(Transaction& transaction, int region);
  bool rom_mode(Transaction& transaction, int region);
  bool alias(Transaction& transaction, int region);
  void drop_a_region();
  void replace_a_viewer();
  void commit(Transaction transaction, bool acceptable);

  // --- checking: map_program_check.cpp ------------------------------------------------------------

  /// What the space's tree says, links followed.
  std::vector<Section> flat_of(const View& view);
  void check();
  void check(Viewer& viewer);
  void check_tree(const View& view);
  void check_points(Viewer& viewer, const std::vector<Section>& flat);
  void check_point(Viewer& viewer, const std::vector<Section>& flat, std::uint64_t point);
  void check_stamp(Viewer& viewer, const std::vector<Section>& flat);
  int id_of(const RegionControl* control) const;

  World& world_;
  Statistics& statistics_;
  Random random_;
  const MapTuning tuning_;
  Fabric fabric_;
  Model model_;
  bool large_ = false;
  bool refused_ = false;
  bool quiet_ = false;
  std::vector<int> roots_;  // of overlays
  std::vector<MemoryRegion> regions_;
  std::unordered_map<const RegionControl*, int> ids_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
  std::vector<std::uint64_t> points_;
};

}  // namespace holdfast::memory::test
