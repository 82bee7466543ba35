// SPDX-License-Identifier: Apache-2.0
// The control queue of a machine: plug, unplug, reset, run-state changes, load and quit are jobs,
// done one at a time on the control thread, outside of every gate and section.
//
// A job waits for no drain, grace period, ticket or other job; what has to come afterwards is
// another job, posted by whoever ends the wait. Debug builds end the process if a job waits.
// Whoever posts from a callback posts to the thread's outbox: the job is queued when the callback
// has left its device, behind whatever else the callback caused.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/rcu/domain.hpp"

namespace holdfast::hw {

class ControlQueue {
 public:
  using Job = std::move_only_function<void()>;

  /// Jobs run on the thread of `loop`: whenever the loop runs, and in run_pending().
  ControlQueue(rcu::Domain& domain, EventLoop& loop);
  /// No job is left: whoever owns the queue has run them.
  ~ControlQueue();
  ControlQueue(const ControlQueue&) = delete;
  ControlQueue& operator=(const ControlQueue&) = delete;

  /// Queues a job. From any thread; from a callback through the outbox. `what` is a literal.
  void post(const char* what, Job job);
  /// The same at once, whatever this thread is inside of or holds.
  void post_now(const char* what, Job job);
  /// The job runs once every reader inside a section now has left it. At once, as post_now().
  void post_after_grace(const char* what, Job job);

  /// What has been retired until now is freed once no reader can be at it, and with it what that retires:
  /// for what is too large to wait until more has come together. From any thread.
  void reclaim_soon();

  /// The calling thread is the control thread from now on: the one that runs the loop.
  void bind_here();
  bool on_control_thread() const;
  /// What the job that this thread is running is called, or nullptr.
  static const char* current_job();

  /// Runs what is queued, and what that queues; returns how many jobs that were. Control thread.
  std::size_t run_pending();
  /// Waits until `done()`, which is asked again after each job and each changed(). On the control
  /// thread jobs are run meanwhile: those that are queued already, and others until then; what comes
  /// behind is left to the loop. Never in a job, gate or section.
  void wait_until(const std::function<bool()>& done);
  /// The same with a limit; false if it was reached first.
  bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds limit);
  /// What somebody in wait_until() waits for may have become true. Any thread, any lock.
  void changed();
  /// Jobs queued, those behind a grace period included.
  std::size_t size() const;

 private:
  struct Item {
    const char* what;
    Job job;
  };
  struct Later {
    rcu::Token token;
    Item item;
  };

  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  void reclaim(int rounds);
  void queue(Item item) HF_EXCLUDES(mutex_);
  void called_by_loop() HF_EXCLUDES(mutex_);
  /// What is queued, and what that queues until `done()`.
  std::size_t run_until(const std::function<bool()>& done);
  std::size_t queued() const HF_EXCLUDES(mutex_);
  bool run_one();
  bool is_something_later() const HF_EXCLUDES(mutex_);
  void take_due() HF_EXCLUDES(mutex_);
  bool wait(const std::function<bool()>& done, Deadline limit);
  /// Until something changed since `seen`, or it is time to ask about grace periods again.
  void wait_for_change(std::uint64_t seen, Deadline limit) HF_EXCLUDES(mutex_);
  std::uint64_t changes() const HF_EXCLUDES(mutex_);

  rcu::Domain& domain_;  // the machine's
  EventLoop& loop_;      // the machine's
  mutable Mutex mutex_{LockRank::kLeaf, "control queue"};
  ConditionVariable something_;
  std::deque<Item> items_ HF_GUARDED_BY(mutex_);
  std::vector<Later> later_ HF_GUARDED_BY(mutex_);
  std::uint64_t changes_ HF_GUARDED_BY(mutex_) = 0;
  bool woken_ HF_GUARDED_BY(mutex_) = false;  // the loop is going to call called_by_loop()
  std::thread::id control_ HF_GUARDED_BY(mutex_);
  EventLoop::Alarm again_;  // looks at grace periods
};

}  // namespace holdfast::hw
