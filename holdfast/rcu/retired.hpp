// SPDX-License-Identifier: Apache-2.0
// What waits for its grace period, over an atomics policy.
//
// Anyone pushes, without a lock, onto a stack that is only ever taken whole (so there is no ABA).
// One thread at a time reclaims: it takes the stack, turns it round, appends it to a queue that
// only the reclaiming thread touches, and runs the front of the queue for as long as grace periods
// are over. So things run in the order in which they were pushed, one at a time, and a marker
// pushed last runs last: that is barrier().
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "holdfast/rcu/epochs.hpp"

namespace holdfast::rcu {

/// One thing to free, or several, once `epoch` is over. `run` frees the record as well.
struct Retired {
  using Run = void (*)(Retired*) noexcept;

  explicit Retired(Run how, std::size_t n = 1, std::size_t size = 0)
      : run{how}, objects{n}, bytes{size} {}

  Run run;
  std::size_t objects;
  std::size_t bytes;
  Epoch epoch = 0;
  Retired* next = nullptr;
};

template <class Policy>
class RetiredQueue {
 public:
  RetiredQueue() = default;
  RetiredQueue(const RetiredQueue&) = delete;
  RetiredQueue& operator=(const RetiredQueue&) = delete;

  /// Lock-free; from anywhere, a reclamation callback included.
  void push(Retired& record) noexcept {
    record.next = pushed_.load(std::memory_order_relaxed);
    // Release pairs with the acquire in gather(): the record's fields travel with it.
    while (!pushed_.compare_exchange_weak(record.next, &record, std::memory_order_acq_rel)) {
    }
  }

  /// Runs what may run: `horizon(epoch)` returns the last grace period over, given the first one
  /// that matters; `run(record)` runs one. Returns false at once if another thread is at it.
  template <class Horizon, class Run>
  bool reclaim(Horizon&& horizon, Run&& run) noexcept {
    // Acquire and release hand the queue from one reclaiming thread to the next.
    if (reclaiming_.exchange(true, std::memory_order_acquire)) return false;
    gather();
    while (front_) {
      const Epoch over = horizon(front_->epoch);
      if (front_->epoch > over) break;
      while (front_ && front_->epoch <= over) run(pop());
    }
    reclaiming_.store(false, std::memory_order_release);
    return true;
  }

 private:
  void gather() noexcept {
    Retired* newest = pushed_.exchange(nullptr, std::memory_order_acq_rel);
    if (!newest) return;
    Retired* oldest = nullptr;
    for (Retired* record = newest; record;) {
      Retired* const older = std::exchange(record->next, oldest);
      oldest = std::exchange(record, older);
    }
    (back_ ? back_->next : front_) = oldest;
    back_ = newest;
  }

  Retired& pop() noexcept {
    Retired& record = *std::exchange(front_, front_->next);
    if (!front_) back_ = nullptr;
    return record;
  }

  typename Policy::template Atomic<Retired*> pushed_{nullptr};
  typename Policy::template Atomic<bool> reclaiming_{false};
  Retired* front_ = nullptr;  // these two: the reclaiming thread's
  Retired* back_ = nullptr;
};

}  // namespace holdfast::rcu
