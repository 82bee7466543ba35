// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/view.hpp"

#include <optional>
#include <thread>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/address_space.hpp"
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

/// Nothing if it crossed a link while linked views were being published, or after `publication`, the
/// fabric's count, was taken.
std::optional<FindResult> try_find(const Fabric& fabric, std::uint64_t publication,
                                   const View& view, std::uint64_t address) {
  HF_SCHEDULE_POINT("memory.find.has_view");
  const FindResult here = find_in(view.root(), address);
  if (!here.found || !here.range.is_link()) return here;
  HF_SCHEDULE_POINT("memory.find.at_link");
  const FindResult there = find_in(here.range.view()->root(), here.range.offset_of(address));
  // An odd count, or one that moved: view and roots may be of different commits.
  if (publication % 2 == 0 && fabric.publication() == publication)
    return through_link(here.range, there);
  std::this_thread::yield();
  return std::nullopt;
}

}  // namespace

FindResult find(const Fabric& fabric, const View& view, std::uint64_t address) {
  for (;;)
    if (const auto found = try_find(fabric, fabric.publication(), view, address)) return *found;
}

// The count comes before the view: a view of before a commit is not continued in one of after it.
FindResult SpaceControl::find(std::uint64_t address) const {
  for (;;) {
    const std::uint64_t publication = fabric_.publication();
    if (const auto found = try_find(fabric_, publication, view(), address)) return *found;
  }
}

}  // namespace holdfast::memory
