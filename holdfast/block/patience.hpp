// SPDX-License-Identifier: Apache-2.0
// Whether a thread that works for others looks out for work for a while before it sleeps.
//
// To be woken costs more than many a request: some microseconds of whoever brings the work, who is a hart,
// and some more before the thread runs. A thread that is quicker than those it works for would pay that
// for every request. So one that lately slept but for a moment looks out first. If it does so in vain,
// because nothing comes or whoever brings it has no processor meanwhile, it lets more short sleeps pass each
// time before it tries again. One that sleeps long does not look out at all.
#pragma once

#include <chrono>

namespace holdfast::block {

/// One a thread, for each kind of thing that it waits for.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;
  /// About twice what it takes to be woken.
  static constexpr std::chrono::microseconds kMost{20};

  /// Whether `came()`, now or within the time that is worth it.
  template <class Came>
  bool look_out(Came came) {
    if (came()) return true;
    if (rests_ != 0) return false;
    const auto end = Clock::now() + kMost;
    do {
      for (int i = 0; i < kLooks; ++i) {
        pause();
        if (came()) return succeeded();
      }
    } while (Clock::now() < end);
    failed();
    return false;
  }
  /// After that it slept so long.
  void slept(Clock::duration time) {
    if (time <= kMost && rests_ != 0) --rests_;
  }

 private:
  static constexpr int kLooks = 8;  // between two looks at the clock
  static constexpr unsigned kMostRests = 63;

  static void pause();
  bool succeeded() {
    next_rests_ = 1;
    return true;
  }
  void failed() {
    rests_ = next_rests_;
    if (next_rests_ < kMostRests) next_rests_ = 2 * next_rests_ + 1;
  }

  unsigned rests_ = 1;  // short sleeps before it looks out again
  unsigned next_rests_ = 1;
};

inline void Patience::pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace holdfast::block
