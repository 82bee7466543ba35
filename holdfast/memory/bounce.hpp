// SPDX-License-Identifier: Apache-2.0
// How much host memory one bus master may tie up for transfers that cannot go straight to RAM.
//
// A transfer that finds no room is not refused: whoever wants it waits to be told that there is room
// again and asks anew.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "holdfast/base/mutex.hpp"

namespace holdfast::memory {

class BounceBudget {
 public:
  explicit BounceBudget(std::size_t bytes = kDefault) : free_{bytes}, total_{bytes} {}
  ~BounceBudget();  // all of it given back, nobody waiting
  BounceBudget(const BounceBudget&) = delete;
  BounceBudget& operator=(const BounceBudget&) = delete;

  /// Up to `wanted` bytes; 0 if there is no room at all.
  std::size_t take(std::size_t wanted);
  /// Whoever waits is woken when this thread has left its gates.
  static void give_back(const std::shared_ptr<BounceBudget>& budget, std::size_t bytes);

  /// Calls `wake` once there is room: at once if there is now, else on a thread that gave room back
  /// and is inside no gate. To be woken again, ask again.
  void when_room(std::move_only_function<void()> wake);
  /// Forgets everybody who waits and is not being woken yet: their device is going.
  void forget_waiters();

  std::size_t in_use() const;

  static constexpr std::size_t kDefault = 4096;
  /// No single buffer is larger, whatever the budget.
  static constexpr std::size_t kLargestBuffer = 1U << 20U;

 private:
  void wake_waiters();

  mutable Mutex mutex_{LockRank::kLeaf, "bounce budget"};
  std::size_t free_ HF_GUARDED_BY(mutex_);
  std::vector<std::move_only_function<void()>> waiters_ HF_GUARDED_BY(mutex_);
  const std::size_t total_;
};

}  // namespace holdfast::memory
