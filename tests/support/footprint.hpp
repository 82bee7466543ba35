// SPDX-License-Identifier: Apache-2.0
// What a process has of the host, by the host's account: for tests that repeat something and want to see
// that nothing grows.
#pragma once

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOLDFAST_SANITIZED_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOLDFAST_SANITIZED_HEAP 1
#endif
#endif

#ifdef HOLDFAST_SANITIZED_HEAP
// Of the sanitizers' run time; g++ comes without the header that declares it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace holdfast::test {

struct Footprint {
  std::size_t heap = 0;         // bytes allocated and not freed
  std::size_t mappings = 0;     // of the address space; not counted where a sanitizer has its own in it
  std::size_t descriptors = 0;

  static Footprint now() {
    Footprint footprint;
#ifdef HOLDFAST_SANITIZED_HEAP
    footprint.heap = __sanitizer_get_current_allocated_bytes();
#else
    const auto info = mallinfo2();
    footprint.heap = info.uordblks + info.hblkhd;
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);) ++footprint.mappings;
#endif
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"})
      ++footprint.descriptors;
    return footprint;
  }
};

/// By how many bytes the heap grew in that one of five times in which it grew least. What is lost each time is lost in
/// all of them; the allocator's stock of small pieces, which counts as in use, comes and goes.
template <class Rounds>
std::ptrdiff_t least_growth(Rounds&& rounds) {
  rounds();
  std::ptrdiff_t least = PTRDIFF_MAX;
  std::size_t before = Footprint::now().heap;
  for (int times = 0; times < 5; ++times) {
    rounds();
    const std::size_t after = Footprint::now().heap;
    least = std::min(least, static_cast<std::ptrdiff_t>(after - before));
    before = after;
  }
  return least;
}

/// Bytes of the process's own that are in memory. The account that counts pages one by one, if the host has it: the
/// other one is kept by processor, and off by some hundred KiB.
inline std::size_t resident_bytes() {
  std::ifstream exactly{"/proc/self/smaps_rollup"};
  for (std::string word; exactly >> word;) {
    std::size_t kib = 0;
    if (word == "Anonymous:" && exactly >> kib) return kib * 1024;
  }
  std::size_t all = 0;
  std::size_t resident = 0;
  std::size_t shared = 0;
  std::ifstream{"/proc/self/statm"} >> all >> resident >> shared;
  return (resident - shared) * static_cast<std::size_t>(::getpagesize());
}

/// How much a straight line through the samples rises from the first to the last.
inline double rise(const std::vector<double>& samples) {
  const auto count = static_cast<double>(samples.size());
  double sum = 0;
  double weighted = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double from_the_middle = static_cast<double>(i) - (count - 1) / 2;
    sum += from_the_middle * samples[i];
    weighted += from_the_middle * from_the_middle;
  }
  return sum / weighted * (count - 1);
}

/// What becomes of resident memory while something is repeated: samples of it after every tenth round, from a tenth
/// of the rounds on. One is noisy, as what is freed need not be given back; a line through all of them is not.
/// Not for sanitizers, which keep what is freed for a while, and have memory of their own that grows.
class ResidentTrend {
 public:
  explicit ResidentTrend(int rounds) : rounds_{rounds} {
    samples_.reserve(static_cast<std::size_t>(rounds) / kStep + 1);
    // Or the host joins pages, holes between them included, when it comes to it.
    ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  }
  bool wants_sample_after(int round) const {
    return kIsCompared && round % kStep == kStep - 1 && round >= rounds_ / 10;
  }
  void sample() { samples_.push_back(static_cast<double>(resident_bytes())); }
  /// The rest of the test is about what is lost; this, about what is kept and never used again.
  void expect_no_rise() const {
    if (!kIsCompared) {
      std::cout << "resident memory is not compared: it is the sanitizer's\n";
      return;
    }
    ASSERT_GE(samples_.size(), 2U);
    constexpr double kNoise = 256 * 1024;
    const double more = rise(samples_);
    std::cout << rounds_ << " rounds: resident " << more / 1024 << " KiB more, of "
              << samples_.back() / 1024 << " KiB\n";
    EXPECT_LE(more, kNoise) << "after " << rounds_ << " rounds";
  }

 private:
#ifdef HOLDFAST_SANITIZED_HEAP
  static constexpr bool kIsCompared = false;
#else
  static constexpr bool kIsCompared = true;
#endif
  static constexpr int kStep = 10;
  const int rounds_;
  std::vector<double> samples_;  // bytes
};

}  // namespace holdfast::test
