// SPDX-License-Identifier: Apache-2.0
// Seeing through a link range: what lies in the view it continues in, in the addresses of the view
// that has it.
#pragma once

#include <algorithm>

#include "holdfast/memory/flat_tree.hpp"

namespace holdfast::memory {

/// The part of the other view that the link range shows.
inline Extent seen_through(const FlatRange& link) {
  return {link.offset, link.offset_of(link.last)};
}

/// Of an extent of the other view that meets what the link shows, in the addresses of this one.
/// Clipped before it is translated, so that nothing wraps.
inline Extent through_link(const FlatRange& link, Extent there) {
  const Extent seen = seen_through(link);
  return {link.first + (std::max(there.first, seen.first) - seen.first),
          link.first + (std::min(there.last, seen.last) - seen.first)};
}

/// The same of a range, with what the link's flags add.
inline FlatRange through_link(const FlatRange& link, const FlatRange& there) {
  const Extent here = through_link(link, Extent{there.first, there.last});
  const std::uint64_t skipped = there.first < link.offset ? link.offset - there.first : 0;
  const auto added = static_cast<RangeFlags>(static_cast<unsigned>(link.flags) &
                                             ~static_cast<unsigned>(RangeFlags::kLink));
  return {here.first, here.last, there.target, there.offset + skipped, there.flags | added};
}

inline FindResult through_link(const FlatRange& link, const FindResult& there) {
  FindResult here = there;
  if (there.found)
    here.range = through_link(link, there.range);
  else
    here.hole = through_link(link, there.hole);
  return here;
}

}  // namespace holdfast::memory
