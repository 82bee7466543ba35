// SPDX-License-Identifier: Apache-2.0
// A small generator of random numbers that gives the same sequence everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace holdfast::memory::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next() {  // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 … n-1.
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  int index(std::size_t n) { return static_cast<int>(below(n)); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace holdfast::memory::test
