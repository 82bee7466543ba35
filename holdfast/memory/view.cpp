// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/view.hpp"

#include <thread>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/link_range.hpp"

namespace holdfast::memory {

std::optional<FindResult> try_find(const Fabric& fabric, const View& view,
                                   std::uint64_t address) {
  const std::uint64_t before = fabric.publication();
  const FindResult here = FlatTree::find_or_hole(view.root(), address);
  if (!here.found || !here.range.is_link()) return here;
  HF_SCHEDULE_POINT("memory.find.at_link");
  const FindResult there =
      FlatTree::find_or_hole(here.range.view()->root(), here.range.offset_of(address));
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
