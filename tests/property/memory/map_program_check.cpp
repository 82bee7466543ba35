// SPDX-License-Identifier: Apache-2.0
// After each commit: the trees, the points, the stamps and the listeners against the model.
#include <gtest/gtest.h>

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "holdfast/memory/link_range.hpp"
#include "holdfast/memory/map.hpp"

#include "tests/property/memory/map_program.hpp"

namespace holdfast::memory::test {
namespace {

std::string text_of(const std::vector<FlatRange>& ranges) {
  std::string text;
  for (const FlatRange& r : ranges)
    text += fmt::format("[{:x},{:x}]->{}{}+{:x} f{:x} ", r.first, r.last,
                        r.is_link() ? "view" : "", r.is_link() ? "" : r.control()->name(), r.offset,
                        static_cast<unsigned>(r.flags));
  return text;
}

bool joins(const FlatRange& a, const FlatRange& b) {
  return a.last + 1 == b.first && a.last != kAddressMax && a.target == b.target &&
         a.flags == b.flags && a.offset + (b.first - a.first) == b.offset &&
         !any(a.flags & RangeFlags::kUnmergeable);
}

std::optional<Section> look(const std::vector<Section>& flat, std::uint64_t point) {
  auto after = std::upper_bound(
      flat.begin(), flat.end(), point,
      [](std::uint64_t address, const Section& s) { return address < s.extent.first; });
  if (after == flat.begin() || std::prev(after)->extent.last < point) return std::nullopt;
  return *std::prev(after);
}

}  // namespace

std::vector<Section> MapProgram::flat_of(const View& view) {
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

void MapProgram::check() {
  for (const auto& viewer : viewers_) {
    if (viewer->root != kNone && at(viewer->root).severed) viewer->root = kNone;
    check(*viewer);
  }
  refused_ = quiet_ = false;
}

void MapProgram::check(Viewer& viewer) {
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

void MapProgram::check_tree(const View& view) {
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

void MapProgram::check_points(Viewer& viewer, const std::vector<Section>& flat) {
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

void MapProgram::check_point(Viewer& viewer, const std::vector<Section>& flat, std::uint64_t point) {
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

void MapProgram::check_stamp(Viewer& viewer, const std::vector<Section>& flat) {
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

int MapProgram::id_of(const RegionControl* control) const {
  const auto at = ids_.find(control);
  return at == ids_.end() ? kNone : at->second;
}

}  // namespace holdfast::memory::test
