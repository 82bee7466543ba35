// SPDX-License-Identifier: Apache-2.0
// Seeded random choices for programs over addresses. A failing seed is named by the test; run it
// alone with HOLDFAST_SEED=n.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <utility>
#include <vector>

#include "holdfast/base/extent.hpp"

namespace holdfast::memory::testing {

/// The seeds of one property: `count` of them, or the one that the environment asks for.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
  if (const char* wanted = std::getenv("HOLDFAST_SEED"))
    return {std::strtoull(wanted, nullptr, 10)};
  std::vector<std::uint64_t> all(count);
  for (std::uint64_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

class Chooser {
 public:
  explicit Chooser(std::uint64_t seed) : random_{seed} {
    const std::uint64_t width = std::uint64_t{1} << between(4, 12);
    switch (below(4)) {
      case 0: space_ = {0, width}; break;
      case 1: space_ = {kAddressMax - width, kAddressMax}; break;
      case 2: space_ = {(std::uint64_t{1} << 63) - width / 2, (std::uint64_t{1} << 63) + width / 2};
        break;
      default: break;  // everything
    }
  }

  /// For programs with many entries: all of the address space, and mostly narrow extents in it.
  void live_everywhere() {
    space_ = Extent::everything();
    usual_extent_ = space_.span() / 512;
  }

  std::uint64_t below(std::uint64_t n) { return between(0, n - 1); }
  std::uint64_t between(std::uint64_t lo, std::uint64_t hi) {
    return std::uniform_int_distribution<std::uint64_t>{lo, hi}(random_);
  }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  /// Mostly inside the part of the address space that this program lives in, and now and then at
  /// one of the ends of everything.
  std::uint64_t address() {
    if (one_in(40)) return one_in(2) ? kAddressMax : 0;
    return between(space_.first, space_.last);
  }
  Extent extent() {
    if (one_in(60)) return Extent::everything();
    std::uint64_t a = address();
    const bool wide = one_in(usual_extent_ == 0 ? 3 : 15);
    std::uint64_t b =
        wide ? address() : a + below((usual_extent_ == 0 ? space_.span() / 16 : usual_extent_) + 2);
    if (b < a) std::swap(a, b);
    return {a, b};
  }

 private:
  std::mt19937_64 random_;
  Extent space_;
  std::uint64_t usual_extent_ = 0;  // 0: a part of the space
};

}  // namespace holdfast::memory::testing
