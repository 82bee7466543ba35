// SPDX-License-Identifier: Apache-2.0
// The thresholds of the map's writer. Any value gives the same map; tests force them low so that
// small trees take every path.
#pragma once

#include <cstddef>

namespace holdfast::memory {

struct MapTuning {
  /// Whether a private overlay continues in the view below it by a link range.
  bool links = true;
  /// A container with so many children gets a view of its own as soon as an overlay shows it.
  std::size_t link_children = 4096;
  /// From so many windows in one view on, those within one leaf of its tree are rendered together …
  std::size_t many_windows = 64;
  /// … if there are so many of them.
  std::size_t windows_per_leaf = 3;
  /// In a cluster of so many overlapping children, those below a covering leaf are left out.
  std::size_t prune_from = 3;
};

}  // namespace holdfast::memory
