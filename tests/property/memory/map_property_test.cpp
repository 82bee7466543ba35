// SPDX-License-Identifier: Apache-2.0
// Random maps under random edits, against an oracle that resolves one byte at a time.
//
//   HOLDFAST_TREES=n   how many maps
//   HOLDFAST_SEED=s    only the map with this seed, which a failure prints
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <unordered_map>

#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/fanout.hpp"
#include "holdfast/memory/link_range.hpp"
#include "holdfast/memory/map.hpp"
#include "tests/property/memory/model.hpp"
#include "tests/property/memory/random.hpp"
#include "tests/property/memory/shadow.hpp"

namespace holdfast::memory::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kTrees = 700;  // three programs: 2,100
#else
constexpr std::uint64_t kTrees = 34'000;  // three programs: 102,000
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

class Silent final : public MmioHandler {
 public:
  MemTxResult read(std::uint64_t, unsigned, std::uint64_t&, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t, unsigned, std::uint64_t, MemTxAttrs) override {
    return MemTxResult::kOk;
  }
};

/// How many maps had so many of something, by powers of two.
class Histogram {
 public:
  explicit Histogram(const char* name) : name_{name} {}
  void count(std::size_t n) {
    std::size_t slot = 0;
    for (; n > 1 && slot + 1 < std::size(slots_); n /= 2) ++slot;
    ++slots_[slot];
  }
  void print() const {
    std::printf("%-10s", name_);
    for (std::size_t i = 0; i < std::size(slots_); ++i)
      if (slots_[i] != 0) std::printf("  >=%zu: %zu", std::size_t{1} << i, slots_[i]);
    std::printf("\n");
  }

 private:
  const char* name_;
  std::size_t slots_[16] = {};
};

struct Statistics {
  Histogram regions{"regions"};
  Histogram depths{"depth"};
  Histogram ranges{"ranges"};
  Histogram spaces{"spaces"};
  std::uint64_t commits = 0;
  std::uint64_t failed = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t links = 0;
  std::uint64_t points = 0;

  void print() const {
    regions.print();
    depths.print();
    ranges.print();
    spaces.print();
    std::printf("commits %llu, refused %llu, without effect %llu, link ranges %llu, points %llu\n",
                ull(commits), ull(failed), ull(unchanged), ull(links), ull(points));
  }
  static unsigned long long ull(std::uint64_t n) { return n; }
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
  Viewer(Fabric& fabric, std::string name) : space{std::make_unique<AddressSpace>(fabric, AddressSpace::Init{std::move(name)})} {}
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

  void run() {
    large_ = random_.one_in(200);
    const std::size_t regions = large_ ? 80 + random_.below(300) : 4 + random_.below(24);
    const int steps = large_ ? 12 : 4 + random_.index(8);
    for (std::size_t i = 0; i < regions; ++i) make_region();
    if (random_.one_in(3)) make_overlays();
    const std::size_t spaces = 1 + random_.below(large_ ? 5 : 3);
    for (std::size_t i = 0; i < spaces; ++i) make_viewer();
    check();
    populate();
    check();
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      step();
      check();
    }
    report();
    tear_down();
  }

 private:
  MapTuning some_tuning() {
    if (random_.one_in(3)) return {};
    return {.links = !random_.one_in(4),
            .link_children = 1 + random_.below(3),
            .many_windows = 1 + random_.below(3),
            .windows_per_leaf = 1 + random_.below(3),
            .prune_from = 1 + random_.below(3)};
  }

  // --- making things ------------------------------------------------------------------------------

  std::uint64_t some_offset() {
    if (random_.one_in(8)) return kAddressMax - random_.below(64);
    if (random_.one_in(12)) return random_.next();
    return random_.below(large_ ? 2048 : 96);
  }
  /// size - 1
  std::uint64_t some_last(RegionKind kind) {
    if (random_.one_in(terminates(kind) ? 30 : 5)) return kAddressMax - random_.below(3);
    if (random_.one_in(16)) return random_.next();
    if (!terminates(kind)) return random_.below(large_ ? 2048 : 160);
    return random_.below(random_.one_in(4) ? 96 : 12);
  }
  std::int32_t some_priority() { return static_cast<std::int32_t>(random_.below(4)) - 1; }
  int some_region() { return random_.index(model_.regions.size()); }

  void make_region() {
    make_region(regions_.empty() ? RegionKind::kContainer
                                 : random_.pick({RegionKind::kContainer, RegionKind::kContainer,
                                                 RegionKind::kAlias, RegionKind::kAlias,
                                                 RegionKind::kMmio, RegionKind::kMmio,
                                                 RegionKind::kMmio, RegionKind::kRam,
                                                 RegionKind::kRam, RegionKind::kRom,
                                                 RegionKind::kRomDevice, RegionKind::kReservation}));
  }
  int make_region(RegionKind kind) {
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

  /// Roots that show region 0 through an alias, with something of their own above it.
  void make_overlays() {
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

  MemoryRegion make(RegionKind kind, RegionInit init, ModelRegion& made) {
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
  std::uint64_t alias_offset() { return random_.one_in(2) ? 0 : some_offset(); }

  void make_viewer() {
    viewers_.push_back(
        std::make_unique<Viewer>(fabric_, "s" + std::to_string(viewers_.size())));
    Viewer& viewer = *viewers_.back();
    if (!random_.one_in(4)) set_root(viewer);
    if (random_.one_in(2)) subscribe(viewer);
  }

  void set_root(Viewer& viewer) {
    int root = some_region();
    // Roots that show something are more telling.
    for (int i = 0; i < 4 && at(root).children.empty(); ++i) root = some_region();
    if (random_.one_in(2)) root = 0;
    if (!roots_.empty() && !random_.one_in(3)) root = roots_[random_.below(roots_.size())];
    if (!regions_[static_cast<std::size_t>(root)]) return;
    viewer.root = root;
    viewer.space->set_root(regions_[static_cast<std::size_t>(root)]);
  }

  void subscribe(Viewer& viewer) {
    viewer.layout = std::make_unique<Subscription>(*viewer.space, viewer.shadow);
    viewer.translation = std::make_unique<Subscription>(*viewer.space, viewer.stale);
  }

  // --- editing ------------------------------------------------------------------------------------

  ModelRegion& at(int i) { return model_.regions[static_cast<std::size_t>(i)]; }
  const MemoryRegion& handle(int i) { return regions_[static_cast<std::size_t>(i)]; }

  /// Everything into something, so that there is a tree at all.
  void populate() {
    Transaction transaction;
    for (std::size_t i = 1; i < regions_.size(); ++i) {
      const int child = static_cast<int>(i);
      if (at(child).parent != kNone || random_.one_in(8)) continue;
      for (int attempt = 0; attempt < 4; ++attempt) {
        const int container = random_.one_in(2) ? 0 : random_.index(regions_.size());
        const std::uint64_t offset = some_offset();
        const std::int32_t priority = some_priority();
        if (!model_.add(child, container, offset, priority)) continue;
        transaction.add(handle(container), offset, handle(child), priority);
        break;
      }
    }
    // Region 0 is what most of it is in: let it show that.
    transaction.set_size(handle(0), kWholeSpace);
    model_.resize(0, kAddressMax);
    commit(std::move(transaction), true);
  }

  void step() {
    const std::uint64_t what = random_.below(24);
    if (what == 0) return drop_a_region();
    if (what == 1) return set_root(*viewers_[random_.below(viewers_.size())]);
    if (what == 2) return replace_a_viewer();
    if (what == 3 && model_.regions.size() < 500) make_region();
    Transaction transaction;
    const Model before = model_;
    bool acceptable = true;
    const std::size_t edits = random_.one_in(2) ? 1 : 1 + random_.below(large_ ? 40 : 6);
    for (std::size_t i = 0; i < edits; ++i) acceptable = edit(transaction) && acceptable;
    if (!acceptable) model_ = before;
    commit(std::move(transaction), acceptable);
  }

  /// Adds an edit to the transaction and the model; false if it must be refused.
  bool edit(Transaction& transaction) {
    int region = some_region();
    // What is in something is likelier to show.
    for (int i = 0; i < 8 && !(handle(region) && at(region).parent != kNone); ++i)
      region = some_region();
    if (!handle(region)) return true;
    const auto& r = handle(region);
    switch (random_.below(15)) {
      case 0:
      case 1:
        return add(transaction, region);
      case 2:
        transaction.remove(r);
        return model_.remove(region);
      case 3:
      case 4:
      case 5: {
        if (at(region).parent == kNone && !random_.one_in(40)) return add(transaction, region);
        const std::uint64_t offset = some_offset();
        transaction.move(r, offset);
        return model_.move(region, offset, at(region).priority);
      }
      case 6: {
        if (at(region).parent == kNone && !random_.one_in(40)) return add(transaction, region);
        const std::int32_t priority = some_priority();
        transaction.set_priority(r, priority);
        return model_.move(region, at(region).offset, priority);
      }
      case 7:
      case 8: {
        const bool enabled = !at(region).enabled || random_.one_in(8);
        transaction.set_enabled(r, enabled);
        return model_.enable(region, enabled);
      }
      case 9: {
        std::uint64_t last = some_last(at(region).kind);
        if (last > at(region).largest && !random_.one_in(20)) last = random_.below(128);
        transaction.set_size(r, last + 1);
        return model_.resize(region, last);
      }
      case 10: {
        const bool on = random_.one_in(2);
        transaction.set_read_only(r, on);
        return model_.flag(region, RangeFlags::kReadOnly, on);
      }
      case 11: {
        const bool on = random_.one_in(2);
        if (random_.one_in(2)) {
          transaction.set_unmergeable(r, on);
          return model_.flag(region, RangeFlags::kUnmergeable, on);
        }
        transaction.set_non_volatile(r, on);
        return model_.flag(region, RangeFlags::kNonVolatile, on);
      }
      case 12:
        return rom_mode(transaction, region);
      case 13:
        return alias(transaction, region);
      default:
        if (!random_.one_in(8)) return add(transaction, region);
        transaction.sever(r);
            return model_.sever(region);
    }
  }

  bool add(Transaction& transaction, int region) {
    int container = some_region();
    for (int i = 0; i < 8 && !(handle(container) && holds_regions(at(container).kind)); ++i)
      container = some_region();
    if (!handle(container)) return true;
    if (at(region).parent != kNone) {
      if (random_.one_in(40)) {  // must be refused
        transaction.add(handle(container), 0, handle(region));
        return model_.add(region, container, 0, 0);
      }
      transaction.remove(handle(region));
      model_.remove(region);
    }
    const std::uint64_t offset = some_offset();
    const std::int32_t priority = some_priority();
    const Model before = model_;
    if (!model_.add(region, container, offset, priority) && !random_.one_in(20)) return true;
    transaction.add(handle(container), offset, handle(region), priority);
    model_ = before;
    return model_.add(region, container, offset, priority);
  }

  bool rom_mode(Transaction& transaction, int region) {
    for (int i = 0; i < 16 && !(handle(region) && at(region).kind == RegionKind::kRomDevice); ++i)
      region = some_region();
    if (!handle(region)) return true;
    if (at(region).kind != RegionKind::kRomDevice && !random_.one_in(20)) return true;
    const bool on = random_.one_in(2);
    transaction.set_rom_mode(handle(region), on);
    return model_.flag(region, RangeFlags::kRomdDirect, on);
  }

  bool alias(Transaction& transaction, int region) {
    for (int i = 0; i < 16 && !(handle(region) && at(region).kind == RegionKind::kAlias); ++i)
      region = some_region();
    if (!handle(region)) return true;
    if (at(region).kind != RegionKind::kAlias && !random_.one_in(20)) return true;
    const std::uint64_t offset = alias_offset();
    if (random_.one_in(2)) {
      transaction.set_alias_offset(handle(region), offset);
      return model_.alias_offset(region, offset);
    }
    const int target = some_region();
    if (!handle(target)) return true;
    const Model before = model_;
    if (!model_.alias(region, target, offset) && !random_.one_in(8)) return true;
    model_ = before;
    transaction.set_alias(handle(region), handle(target), offset);
    return model_.alias(region, target, offset);
  }

  void drop_a_region() {
    const int region = some_region();
    model_.sever(region);
    ids_.erase(handle(region).control().get());
    regions_[static_cast<std::size_t>(region)] = {};
  }

  void replace_a_viewer() {
    auto& viewer = viewers_[random_.below(viewers_.size())];
    if (random_.one_in(2)) {  // the space goes before its subscriptions
      viewer->space.reset();
      if (viewer->layout) {
        EXPECT_TRUE(viewer->shadow.sections().empty());
      }
    }
    viewer->layout.reset();
    viewer->translation.reset();
    EXPECT_TRUE(viewer->shadow.sections().empty());
    viewer = std::make_unique<Viewer>(fabric_, "new");
    set_root(*viewer);
    if (random_.one_in(2)) subscribe(*viewer);
  }

  void commit(Transaction transaction, bool acceptable) {
    const bool empty = transaction.empty();
    const auto done = fabric_.commit(std::move(transaction));
    ++statistics_.commits;
    ASSERT_EQ(done.has_value(), acceptable)
        << (done ? std::string{"accepted"} : done.error().message);
    if (!done) ++statistics_.failed;
    refused_ = !done;
    quiet_ = done && !done->changed;
    if (quiet_ && !empty) ++statistics_.unchanged;
  }

  // --- checking -----------------------------------------------------------------------------------

  /// What the space's tree says, links followed.
  std::vector<Section> flat_of(const View& view) {
    std::vector<Section> all;
    FlatTree::for_each(view.root(), Extent::everything(), [&](const FlatRange& range) {
      if (!range.is_link()) {
        all.push_back({{range.first, range.last}, range.control(), range.offset, range.flags});
        return;
      }
      ++statistics_.links;
      FlatTree::for_each(range.view()->root(), seen_through(range), [&](const FlatRange& there) {
        EXPECT_FALSE(there.is_link()) << "a link to a view that has links";
        const FlatRange here = through_link(range, there);
        all.push_back({{here.first, here.last}, here.control(), here.offset, here.flags});
      });
    });
    return all;
  }

  void check() {
    for (const auto& viewer : viewers_) {
      if (viewer->root != kNone && at(viewer->root).severed) viewer->root = kNone;
      check(*viewer);
    }
    refused_ = quiet_ = false;
  }

  void check(Viewer& viewer) {
    const View& view = viewer.space->view();
    const auto flat = flat_of(view);
    check_tree(view);
    check_points(viewer, flat);
    check_stamp(viewer, flat);
    if (viewer.layout) {
      EXPECT_EQ(viewer.shadow.sections(), flat) << "the listener's shadow";
    }
    viewer.stale.clear();
    viewer.flat = flat;
  }

  void check_tree(const View& view) {
    const auto sound = FlatTree::check(view.root());
    EXPECT_TRUE(sound.has_value()) << (sound ? "" : sound.error().message);
    if (&view == &fabric_.nothing()) {
      EXPECT_TRUE(view.root().empty());
      return;
    }
    // Rendered window by window, it equals what a rendering of the whole gives: maximal runs.
    std::vector<FlatRange> whole;
    Renderer renderer{tuning_};
    for (const FlatRange& range :
         renderer.render(static_cast<const ViewState&>(view), Extent::everything())) {
      if (!whole.empty() && joins(whole.back(), range))
        whole.back().last = range.last;
      else
        whole.push_back(range);
    }
    std::vector<FlatRange> windowed;
    FlatTree::for_each(view.root(), Extent::everything(),
                       [&](const FlatRange& range) { windowed.push_back(range); });
    EXPECT_TRUE(whole == windowed) << "windowed and full rendering differ:\n full     "
                                   << text_of(whole) << "\n windowed " << text_of(windowed);
  }
  static std::string text_of(const std::vector<FlatRange>& ranges) {
    std::string text;
    for (const FlatRange& r : ranges)
      text += fmt::format("[{:x},{:x}]->{}{}+{:x} f{:x} ", r.first, r.last,
                          r.is_link() ? "view" : "", r.is_link() ? "" : r.control()->name(), r.offset,
                          static_cast<unsigned>(r.flags));
    return text;
  }
  static bool joins(const FlatRange& a, const FlatRange& b) {
    return a.last + 1 == b.first && a.last != kAddressMax && a.target == b.target &&
           a.flags == b.flags && a.offset + (b.first - a.first) == b.offset &&
           !any(a.flags & RangeFlags::kUnmergeable);
  }

  void check_points(Viewer& viewer, const std::vector<Section>& flat) {
    points_.clear();
    model_.boundaries(viewer.root, large_ ? 600 : 300, points_);
    const std::size_t boundaries = points_.size();
    for (std::size_t i = 0; i < boundaries; ++i) {
      points_.push_back(points_[i] - 1);
      points_.push_back(points_[i] + 1);
    }
    for (const std::uint64_t end : {std::uint64_t{0}, std::uint64_t{1}, kAddressMax - 1, kAddressMax})
      points_.push_back(end);
    for (int i = 0; i < 48; ++i) points_.push_back(some_offset());
    for (int i = 0; i < 16; ++i) points_.push_back(random_.next());
    std::sort(points_.begin(), points_.end());
    points_.erase(std::unique(points_.begin(), points_.end()), points_.end());
    // Where nothing was published, a few tell whether that is right.
    const std::size_t stride = quiet_ || refused_ ? 4 : 1;
    for (std::size_t i = random_.below(stride); i < points_.size(); i += stride) {
      check_point(viewer, flat, points_[i]);
      ++statistics_.points;
    }
  }

  void check_point(Viewer& viewer, const std::vector<Section>& flat, std::uint64_t point) {
    const auto expected = model_.resolve(viewer.root, point);
    const auto shown = look(flat, point);
    ASSERT_EQ(shown.has_value(), expected.has_value()) << "at " << point;
    if (expected) {
      EXPECT_EQ(id_of(shown->region), expected->region) << "at " << point;
      EXPECT_EQ(shown->offset + (point - shown->extent.first), expected->offset) << "at " << point;
      EXPECT_EQ(static_cast<int>(shown->flags), static_cast<int>(expected->flags)) << "at " << point;
    }
    const FindResult found = viewer.space->find(point);
    ASSERT_EQ(found.found, expected.has_value()) << "at " << point;
    if (found.found) {
      EXPECT_EQ(found.range.control(), shown->region) << "at " << point;
      EXPECT_EQ(found.range.offset_of(point), expected->offset) << "at " << point;
      EXPECT_TRUE(found.range.first <= point && point <= found.range.last);
    } else {
      EXPECT_TRUE(found.hole.contains(point));
      EXPECT_FALSE(look(flat, found.hole.first).has_value());
      EXPECT_FALSE(look(flat, found.hole.last).has_value());
    }
    if (!viewer.layout) return;
    const auto before = look(viewer.flat, point);
    const bool same = before.has_value() == shown.has_value() &&
                      (!before || (before->region == shown->region && before->flags == shown->flags &&
                                   before->offset - before->extent.first ==
                                       shown->offset - shown->extent.first));
    if (!same) {
      EXPECT_TRUE(viewer.stale.contains(point)) << "nobody said that " << point << " changed";
    }
  }

  void check_stamp(Viewer& viewer, const std::vector<Section>& flat) {
    const std::uint64_t stamp = viewer.space->stamp();
    EXPECT_GE(stamp, viewer.stamp) << "a stamp went back";
    if (flat != viewer.flat) {
      EXPECT_NE(stamp, viewer.stamp) << "a change that no stamp tells of";
    }
    if (refused_ || quiet_) {
      EXPECT_EQ(flat, viewer.flat) << "an edit without effect had one";
      EXPECT_EQ(viewer.stale.calls(), 0);
    }
    if (refused_) {
      EXPECT_EQ(stamp, viewer.stamp);
    }
    viewer.stamp = stamp;
  }

  static std::optional<Section> look(const std::vector<Section>& flat, std::uint64_t point) {
    auto after = std::upper_bound(
        flat.begin(), flat.end(), point,
        [](std::uint64_t address, const Section& s) { return address < s.extent.first; });
    if (after == flat.begin() || std::prev(after)->extent.last < point) return std::nullopt;
    return *std::prev(after);
  }
  int id_of(const RegionControl* control) const {
    const auto at = ids_.find(control);
    return at == ids_.end() ? kNone : at->second;
  }

  void report() {
    statistics_.regions.count(regions_.size());
    statistics_.spaces.count(viewers_.size());
    for (const auto& viewer : viewers_) {
      if (viewer->root == kNone) continue;
      statistics_.depths.count(static_cast<std::size_t>(model_.depth(viewer->root)));
      statistics_.ranges.count(viewer->flat.size());
    }
  }

  /// In any order.
  void tear_down() {
    const bool spaces_first = random_.one_in(2);
    if (spaces_first) viewers_.clear();
    while (!regions_.empty()) {
      std::swap(regions_[random_.below(regions_.size())], regions_.back());
      regions_.pop_back();
    }
    for (const auto& viewer : viewers_) {
      EXPECT_TRUE(viewer->space->view().root().empty());
      EXPECT_TRUE(viewer->shadow.sections().empty());
    }
    viewers_.clear();
    EXPECT_EQ(fabric_.footprint().views, 0U);
  }

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

TEST(MapProperty, RandomMapsShowWhatTheOracleSays) {
  Statistics statistics;
  {
    World world;
    const std::uint64_t first = number_from("HOLDFAST_SEED", 1);
    const bool single = std::getenv("HOLDFAST_SEED") != nullptr;
    const std::uint64_t trees = single ? 1 : number_from("HOLDFAST_TREES", kTrees);
    const auto before = world.realm.census().take();
    for (std::uint64_t seed = first; seed < first + trees; ++seed) {
      MapProgram{world, statistics, seed * 0x10001 + kMapFanout}.run();
      ASSERT_FALSE(HasFailure()) << "HOLDFAST_SEED=" << seed;
    }
    world.realm.domain().barrier();
    EXPECT_EQ(world.realm.census().take(), before);
  }
  std::printf("fan-out %u\n", kMapFanout);
  statistics.print();
}

}  // namespace
}  // namespace holdfast::memory::test
