// SPDX-License-Identifier: Apache-2.0
// A mutex with a name and a place in the lock order.
//
// Ranks ascend: while a thread holds a mutex it may only lock one of a higher rank. Debug builds
// check that at each lock and end the process with both names. Leaf mutexes (kLeaf) guard a few
// lines that call nothing else.
#pragma once

#include <condition_variable>
#include <mutex>

#include "holdfast/base/thread_annotations.hpp"

namespace holdfast {

enum class LockRank : int {
  kControl = 10,   // machine: control queue hand-over
  kWriter = 20,    // memory: the map of one machine
  kDevice = 30,    // gates of devices; ordered among themselves by the gate layer
  kParts = 35,     // hw: list of a device's parts
  kPin = 38,       // interrupt wires: one end
  kWire = 40,      // interrupt wires
  kClock = 45,     // virtual clock: queue of timers
  kEventFd = 48,   // hw: an eventfd and its watch on the loop
  kWaitGraph = 50, // gate: who waits for whom
  kRam = 60,       // memory: holds of a block
  kDomain = 70,    // rcu: retired lists
  kLeaf = 100,     // guards a few lines that call nothing
};

class HF_CAPABILITY("mutex") Mutex {
 public:
  Mutex(LockRank rank, const char* name) : rank_{rank}, name_{name} {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() HF_ACQUIRE();
  void unlock() HF_RELEASE();
  bool try_lock() HF_TRY_ACQUIRE(true);

  LockRank rank() const { return rank_; }
  const char* name() const { return name_; }

 private:
  std::mutex mutex_;
  LockRank rank_;
  const char* name_;
};

class HF_SCOPED_CAPABILITY LockGuard {
 public:
  explicit LockGuard(Mutex& mutex) HF_ACQUIRE(mutex) : mutex_{mutex} { mutex_.lock(); }
  ~LockGuard() HF_RELEASE() { mutex_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits with a Mutex held; the lock order is kept up to date across the wait.
class ConditionVariable {
 public:
  void wait(Mutex& mutex) HF_REQUIRES(mutex) { condition_.wait(mutex); }
  template <class Predicate>
  void wait(Mutex& mutex, Predicate done) HF_REQUIRES(mutex) {
    while (!done()) condition_.wait(mutex);
  }
  template <class Duration>
  std::cv_status wait_for(Mutex& mutex, Duration time) HF_REQUIRES(mutex) {
    return condition_.wait_for(mutex, time);
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

namespace lock_order {
/// Ranks held by this thread, for the no-waiting assertions. 0 in release builds.
int held_count();
/// The name of the innermost mutex held by this thread, or nullptr.
const char* innermost();

/// While it lives, this thread locks nothing; debug builds check that. `where` is a literal that
/// completes "is wanted in …".
class [[nodiscard]] NoLocks {
 public:
#ifdef HOLDFAST_DEBUG
  explicit NoLocks(const char* where);
  ~NoLocks();
#else
  explicit NoLocks(const char*) {}
#endif
  NoLocks(const NoLocks&) = delete;
  NoLocks& operator=(const NoLocks&) = delete;

 private:
#ifdef HOLDFAST_DEBUG
  const char* outer_;
#endif
};
}  // namespace lock_order

}  // namespace holdfast
