// SPDX-License-Identifier: Apache-2.0
// What the gates of one machine share: its reclamation domain, its census, and who waits for whom.
// Owned by the machine; outlives every gate made in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/rcu/domain.hpp"

namespace holdfast::gate {

class Activity;
class Gate;

class Realm {
 public:
  explicit Realm(std::string name, rcu::Options options = {});
  ~Realm();
  Realm(const Realm&) = delete;
  Realm& operator=(const Realm&) = delete;

  const std::string& name() const { return name_; }
  Census& census() { return census_; }
  rcu::Domain& domain() { return domain_; }

  /// Accesses refused because waiting would have closed a circle of devices waiting for each other.
  std::uint64_t circles_refused() const { return circles_.load(std::memory_order_relaxed); }
  /// Accesses refused because a device reached itself.
  std::uint64_t reentries_refused() const { return reentries_.load(std::memory_order_relaxed); }
  void count_reentry() { reentries_.fetch_add(1, std::memory_order_relaxed); }

 private:
  friend class Gate;

  struct Waiter {
    const Activity* who;
    const Gate* wanted;
  };
  /// What is to happen when the one who is inside a gate leaves it.
  struct Departure {
    const Gate* gate;  // told apart by its address alone: it may be gone
    std::uintptr_t insider;
    std::move_only_function<void()> action;
  };
  /// The gate that `who` is waiting for, or nullptr.
  const Gate* awaited_by(const Activity* who) const HF_REQUIRES(waiting_);

  std::string name_;
  Census census_;
  Mutex waiting_{LockRank::kWaitGraph, "wait graph"};
  ConditionVariable changed_;
  std::vector<Waiter> waiters_ HF_GUARDED_BY(waiting_);
  std::vector<Departure> departures_ HF_GUARDED_BY(waiting_);
  std::atomic<std::uint64_t> circles_{0};
  std::atomic<std::uint64_t> reentries_{0};
  rcu::Domain domain_;  // last: its destructor runs what was retired, which still counts itself out
};

}  // namespace holdfast::gate
