// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/view.hpp"

#include <thread>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/link_range.hpp"

namespace holdfast::memory {

std::uint64_t View::stamp_of(const LinkSet& links) {
  std::uint64_t sum = links.dropped;
  for (const View* view : links.views) sum += view->generation();
  return sum;
}

namespace {

FindResult find_in(FlatTree::Root root, std::uint64_t address) {
  FindResult result{.found = true, .range = {}, .hole = {}};
  if (FlatTree::find(root, address, result.range)) [[likely]]
    return result;
  return FlatTree::find_or_hole(root, address);
}

}  // namespace

std::optional<FindResult> try_find(const Fabric& fabric, const View& view,
                                   std::uint64_t address) {
  const std::uint64_t before = fabric.publication();
  const FindResult here = find_in(view.root(), address);
  if (!here.found || !here.range.is_link()) return here;
  HF_SCHEDULE_POINT("memory.find.at_link");
  const FindResult there = find_in(here.range.view()->root(), here.range.offset_of(address));
  // An odd count, or one that moved: the two roots may be of different commits.
  if (before % 2 == 0 && fabric.publication() == before) return through_link(here.range, there);
  std::this_thread::yield();
  return std::nullopt;
}

FindResult find(const Fabric& fabric, const View& view, std::uint64_t address) {
  for (;;)
    if (const auto found = try_find(fabric, view, address)) return *found;
}

}  // namespace holdfast::memory
