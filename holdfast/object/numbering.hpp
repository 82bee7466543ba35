// SPDX-License-Identifier: Apache-2.0
// Which numbers of an array of siblings ("uart[0]", "uart[1]" …) are taken.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace holdfast::object {

/// A set of numbers, kept as maximal runs. Every operation takes logarithmic time in their count.
class Numbering {
 public:
  std::uint32_t lowest_free() const {
    if (runs_.empty() || runs_.begin()->first != 0) return 0;
    return runs_.begin()->second + 1;  // 2^32 siblings do not fit in memory
  }
  bool empty() const { return runs_.empty(); }

  /// `n` is not in the set.
  void add(std::uint32_t n) {
    std::uint32_t first = n, last = n;
    auto above = runs_.upper_bound(n);
    if (above != runs_.begin()) {
      const auto below = std::prev(above);
      if (below->second + std::uint64_t{1} == n) {
        first = below->first;
        runs_.erase(below);
      }
    }
    if (above != runs_.end() && above->first == n + std::uint64_t{1}) {
      last = above->second;
      runs_.erase(above);
    }
    runs_.emplace(first, last);
  }

  /// `n` is in the set.
  void remove(std::uint32_t n) {
    const auto run = std::prev(runs_.upper_bound(n));
    const auto [first, last] = *run;
    runs_.erase(run);
    if (first < n) runs_.emplace(first, n - 1);
    if (n < last) runs_.emplace(n + 1, last);
  }

 private:
  std::map<std::uint32_t, std::uint32_t> runs_;  // first → last, inclusive
};

}  // namespace holdfast::object
