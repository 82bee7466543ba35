// SPDX-License-Identifier: Apache-2.0
// Renders the windows that the edits touched and splices what differs into the views' trees, as an
// exact difference: ranges stay maximal runs, and what is the same is neither replaced nor reported.
#include <algorithm>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/map.hpp"

namespace holdfast::memory {
namespace {

/// Whether b goes on where a ends, in addresses and inside the target.
bool continues(const FlatRange& a, const FlatRange& b) {
  return a.last != kAddressMax && a.last + 1 == b.first && a.target == b.target &&
         a.flags == b.flags && a.offset_of(b.first) == b.offset;
}

bool is_unmergeable(const FlatRange& range) {
  return any(range.flags & RangeFlags::kUnmergeable);
}

void append(std::vector<FlatRange>& ranges, const FlatRange& range) {
  if (!ranges.empty() && continues(ranges.back(), range) && !is_unmergeable(range))
    ranges.back().last = range.last;
  else
    ranges.push_back(range);
}

FlatRange cut_above(FlatRange range, std::uint64_t last) {
  range.last = std::min(range.last, last);
  return range;
}

FlatRange cut_below(FlatRange range, std::uint64_t first) {
  if (range.first >= first) return range;
  range.offset = range.offset_of(first);
  range.first = first;
  return range;
}

bool by_first(const FlatRange& a, const FlatRange& b) { return a.first < b.first; }

/// Takes out of both lists what is in both.
void cancel(std::vector<FlatRange>& deletions, std::vector<FlatRange>& additions) {
  std::size_t keep_d = 0;
  std::size_t keep_a = 0;
  std::size_t a = 0;
  for (const FlatRange& deletion : deletions) {
    for (; a < additions.size() && additions[a].first < deletion.first; ++a)
      additions[keep_a++] = additions[a];
    if (a < additions.size() && additions[a] == deletion)
      ++a;
    else
      deletions[keep_d++] = deletion;
  }
  for (; a < additions.size(); ++a) additions[keep_a++] = additions[a];
  deletions.resize(keep_d);
  additions.resize(keep_a);
}

/// Whether stale reads of this range may touch memory behind the core's back.
bool shows_ram(const FlatRange& range) {
  return range.is_link() || range.control()->kind() == RegionKind::kRam ||
         range.control()->kind() == RegionKind::kRom;
}

/// Whether some address that showed RAM shows other memory now, or the same less freely.
bool loses_ram(std::span<const FlatRange> deletions, std::span<const FlatRange> additions) {
  auto next = additions.begin();
  for (const FlatRange& gone : deletions) {
    if (!shows_ram(gone)) continue;
    while (next != additions.end() && next->last < gone.first) ++next;
    std::uint64_t position = gone.first;
    for (auto come = next;; ++come) {
      if (come == additions.end() || come->first > position || come->target != gone.target ||
          come->offset_of(position) != gone.offset_of(position) || come->flags != gone.flags)
        return true;
      if (come->last >= gone.last) break;
      position = come->last + 1;
    }
  }
  return false;
}

}  // namespace

/// All that follows the edits of a step.
Map::Published Map::finish() {
  Published published;
  resolve_touched();
  settle_links();
  bury_unused();
  for (MapNode* alias : noted_links_) {  // what the burial noted
    alias->links_noted = false;
    file(*alias);
  }
  noted_links_.clear();
  for (ViewState* view : listed_) {
    if (!view->dead) rebuild(*view);
    if (view->changed) {
      changed_.push_back(view);
      published.ram_changed = published.ram_changed || loses_ram(view->deletions, view->additions);
    }
  }
  published.changed = !changed_.empty() || !rebound_.empty();
  HF_SCHEDULE_POINT("memory.commit.before_publish");
  publish();
  HF_SCHEDULE_POINT("memory.commit.published");
  notify();
  discard();
  return published;
}

void Map::rebuild(ViewState& view) {
  FlatTree::Edit edit{tree_, view.root()};
  tidy_windows(view.pending);
  for (std::size_t i = 0; i < view.pending.size();) {
    Extent window = view.pending[i++];
    if (view.pending.size() >= tuning_.many_windows) {
      const std::uint64_t leaf_last = edit.leaf_last(window.first);
      std::size_t end = i;
      while (end < view.pending.size() && view.pending[end].last <= leaf_last) ++end;
      if (end - i + 1 >= tuning_.windows_per_leaf && end != i) {
        window.last = std::max(window.last, view.pending[end - 1].last);
        i = end;
      }
    }
    replace_window(view, edit, window);
  }
  view.pending.clear();
  if (!std::is_sorted(view.deletions.begin(), view.deletions.end(), by_first))
    std::sort(view.deletions.begin(), view.deletions.end(), by_first);
  cancel(view.deletions, view.additions);
  if (view.deletions.empty() && view.additions.empty()) return edit.abandon();
  view.changed = true;
  view.before = view.root();
  view.after = edit.root();
  view.dropped = edit.finish();
}

/// Ascending and disjoint.
void Map::tidy_windows(std::vector<Extent>& windows) {
  if (windows.size() < 2) return;
  std::sort(windows.begin(), windows.end(),
            [](Extent a, Extent b) { return a.first < b.first; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < windows.size(); ++i) {
    if (windows[i].first <= windows[last].last)
      windows[last].last = std::max(windows[last].last, windows[i].last);
    else
      windows[++last] = windows[i];
  }
  windows.resize(last + 1);
}

void Map::replace_window(ViewState& view, FlatTree::Edit& edit, Extent window) {
  std::span<const FlatRange> rendered;
  do {
    const Extent around{window.first == 0 ? 0 : window.first - 1,
                        window.last == kAddressMax ? kAddressMax : window.last + 1};
    old_.clear();
    FlatTree::for_each(edit.root(), around, [&](const FlatRange& r) { old_.push_back(r); });
    rendered = renderer_.render(view, window);
  } while (widen(window, rendered));

  // The neighbours belong to it: a run may go on beyond the window, in another node of the tree.
  new_.clear();
  if (!old_.empty() && old_.front().first < window.first)
    append(new_, cut_above(old_.front(), window.first - 1));
  for (const FlatRange& range : rendered) append(new_, range);
  if (!old_.empty() && old_.back().last > window.last)
    append(new_, cut_below(old_.back(), window.last + 1));

  std::span<const FlatRange> gone{old_};
  std::span<const FlatRange> come{new_};
  while (!gone.empty() && !come.empty() && gone.front() == come.front()) {
    gone = gone.subspan(1);
    come = come.subspan(1);
  }
  while (!gone.empty() && !come.empty() && gone.back() == come.back()) {
    gone = gone.first(gone.size() - 1);
    come = come.first(come.size() - 1);
  }
  if (gone.empty() && come.empty()) return;
  std::uint64_t lo = kAddressMax;
  std::uint64_t hi = 0;
  for (const auto& side : {gone, come}) {
    if (side.empty()) continue;
    lo = std::min(lo, side.front().first);
    hi = std::max(hi, side.back().first);
  }
  edit.replace(lo, hi, come);
  record(view, gone, come);
}

/// What may not be joined cannot be cut and put together again either: where two pieces meet at the
/// window's border, only rendering them together tells whether they are one. Takes them in whole.
bool Map::widen(Extent& window, std::span<const FlatRange> rendered) const {
  Extent wide = window;
  for (const FlatRange& range : old_) {
    if (!is_unmergeable(range)) continue;
    const bool straddles = (range.first < window.first && range.last >= window.first) ||
                           (range.first <= window.last && range.last > window.last);
    const bool touches = !rendered.empty() && (continues(range, rendered.front()) ||
                                               continues(rendered.back(), range));
    if (!straddles && !touches) continue;
    wide.first = std::min(wide.first, range.first);
    wide.last = std::max(wide.last, range.last);
  }
  if (wide == window) return false;
  window = wide;
  return true;
}

/// A range that an earlier window of this commit put and this one drops was never there.
void Map::record(ViewState& view, std::span<const FlatRange> gone,
                 std::span<const FlatRange> come) {
  auto& additions = view.additions;
  for (const FlatRange& range : gone) {
    const auto at = std::lower_bound(additions.begin(), additions.end(), range, by_first);
    if (at != additions.end() && *at == range)
      additions.erase(at);
    else
      view.deletions.push_back(range);
  }
  const auto at = come.empty() ? additions.end()
                               : std::lower_bound(additions.begin(), additions.end(),
                                                  come.front(), by_first);
  additions.insert(at, come.begin(), come.end());
}

}  // namespace holdfast::memory
