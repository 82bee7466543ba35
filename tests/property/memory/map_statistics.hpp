// SPDX-License-Identifier: Apache-2.0
// What the random maps were like, so that nobody has to believe that they were any good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace holdfast::memory::test {

/// How many maps had so many of something, by powers of two.
class Histogram {
 public:
  explicit Histogram(const char* name) : name_{name} {}
  void count(std::size_t n) {
    std::size_t slot = 0;
    for (; n > 1 && slot + 1 < std::size(slots_); n /= 2) ++slot;
    ++slots_[slot];
  }
  void print() const {
    std::printf("%-10s", name_);
    for (std::size_t i = 0; i < std::size(slots_); ++i)
      if (slots_[i] != 0) std::printf("  >=%zu: %zu", std::size_t{1} << i, slots_[i]);
    std::printf("\n");
  }

 private:
  const char* name_;
  std::size_t slots_[16] = {};
};

struct Statistics {
  Histogram regions{"regions"};
  Histogram depths{"depth"};
  Histogram ranges{"ranges"};
  Histogram spaces{"spaces"};
  std::uint64_t commits = 0;
  std::uint64_t failed = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t links = 0;
  std::uint64_t points = 0;

  void print() const {
    regions.print();
    depths.print();
    ranges.print();
    spaces.print();
    std::printf("commits %llu, refused %llu, without effect %llu, link ranges %llu, points %llu\n",
                ull(commits), ull(failed), ull(unchanged), ull(links), ull(points));
  }
  static unsigned long long ull(std::uint64_t n) { return n; }
};

}  // namespace holdfast::memory::test
