// SPDX-License-Identifier: Apache-2.0
// A view: one root region rendered into a flat tree, shared by every address space that sees the
// same. Readers load the root inside a read section; the writer replaces it.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "holdfast/memory/flat_tree.hpp"

namespace holdfast::memory {

class Fabric;
class View;

/// The views that a view's link ranges continue in. Immutable once published; a view that once had
/// links keeps a set, so that what it has dropped goes on counting.
struct LinkSet {
  std::vector<const View*> views;
  std::uint64_t dropped = 0;  // what the stamps of views no longer linked to had reached
};

/// What readers see of a view. The generation moves after the root is stored: whoever loads the
/// generation first and the root second never takes an old root for a new one.
class View {
 public:
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  FlatTree::Root root() const {
    return FlatTree::Root::from_bits(root_.load(std::memory_order_acquire));
  }
  /// Its own generation and those of all views it links to, added up: moves if any of them moves,
  /// and never comes back to an earlier value (dropping a link adds what its view had reached).
  std::uint64_t stamp() const {
    const std::uint64_t own = generation();  // before the links: see publish.cpp
    const LinkSet* const links = links_.load(std::memory_order_acquire);
    return links == nullptr ? own : own + stamp_of(*links);
  }
  /// If not, the stamp is the generation.
  bool ever_had_links() const { return links_.load(std::memory_order_acquire) != nullptr; }
  bool has_links() const {
    const LinkSet* links = links_.load(std::memory_order_acquire);
    return links != nullptr && !links->views.empty();
  }

 private:
  static std::uint64_t stamp_of(const LinkSet& links);

 protected:
  View() = default;
  ~View() = default;

  friend class Map;
  std::atomic<std::uintptr_t> root_{0};
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<const LinkSet*> links_{nullptr};
};

/// What an address shows, links followed: the range is never a link range. Inside a read section.
/// Wait-free unless it crosses a link: then it is looked up again while linked views are being published.
FindResult find(const Fabric& fabric, const View& view, std::uint64_t address);

}  // namespace holdfast::memory
