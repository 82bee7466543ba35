// SPDX-License-Identifier: Apache-2.0
// From a region up to the views that show it: through its container, and through the aliases onto it.
// Whether it is visible there is deliberately not looked at: what is hidden renders to the same
// again, and an equal result changes nothing.
#include "holdfast/memory/map.hpp"

namespace holdfast::memory {

void Map::touch(MapNode& node) {
  climb(node, node.whole());
  note_links_near(node);
}

void Map::climb(MapNode& start, Extent window) {
  for (MapNode* node = &start;;) {
    if (!node->enabled) return;  // shows nothing, as a root and as a target neither
    if (node->watchers) {
      for (ViewState* view : node->watchers->views) add_pending(*view, window);
      for (MapNode* alias : node->watchers->aliases) {
        const auto down = shift_down(window, alias->target_offset);
        const auto seen = down ? intersect(*down, alias->whole()) : std::nullopt;
        if (seen) climb(*alias, *seen);
      }
    }
    MapNode* const parent = node->parent;
    if (parent == nullptr) return;
    const auto up = shift_up(window, node->offset);
    const auto inside = up ? intersect(*up, parent->whole()) : std::nullopt;
    if (!inside) return;
    window = *inside;
    node = parent;
  }
}

void Map::add_pending(ViewState& view, Extent window) {
  list(view);
  // An edit climbs before and after its change, often through the same windows.
  if (!view.pending.empty() && view.pending.back().contains(window)) return;
  view.pending.push_back(window);
}

void Map::list(ViewState& view) {
  if (view.listed) return;
  view.listed = true;
  listed_.push_back(&view);
}

void Map::touch_paths(MapNode& node) {
  if (node.watchers && node.watchers->spaces != nullptr) touched_paths_.push_back(&node);
}

}  // namespace holdfast::memory
