// SPDX-License-Identifier: Apache-2.0
// Random edits, each done to the map and to the model; the model says which must be refused.
#include <gtest/gtest.h>

#include "tests/property/memory/map_program.hpp"

namespace holdfast::memory::test {

void MapProgram::populate() {
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

void MapProgram::step() {
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

bool MapProgram::edit(Transaction& transaction) {
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

bool MapProgram::add(Transaction& transaction, int region) {
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

bool MapProgram::rom_mode(Transaction& transaction, int region) {
  for (int i = 0; i < 16 && !(handle(region) && at(region).kind == RegionKind::kRomDevice); ++i)
    region = some_region();
  if (!handle(region)) return true;
  if (at(region).kind != RegionKind::kRomDevice && !random_.one_in(20)) return true;
  const bool on = random_.one_in(2);
  transaction.set_rom_mode(handle(region), on);
  return model_.flag(region, RangeFlags::kRomdDirect, on);
}

bool MapProgram::alias(Transaction& transaction, int region) {
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

void MapProgram::drop_a_region() {
  const int region = some_region();
  model_.sever(region);
  ids_.erase(handle(region).control().get());
  regions_[static_cast<std::size_t>(region)] = {};
}

void MapProgram::replace_a_viewer() {
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

void MapProgram::commit(Transaction transaction, bool acceptable) {
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

}  // namespace holdfast::memory::test
