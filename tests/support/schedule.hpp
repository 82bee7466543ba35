// SPDX-License-Identifier: Apache-2.0
// Forces interleavings: a test says at which named point of the protocol a thread is to stop, waits
// until it stands there, does what the other side is to do meanwhile, and lets it go on.
//
//   Schedule schedule;
//   Stop& before_gate = schedule.stop_at("memory.port.before_gate", "cpu");
//   Thread cpu{"cpu", [&] { … }};          // a thread with a role
//   before_gate.wait_reached();            // it stands there
//   …
//   before_gate.release();
//
// Only the first thread of the role that gets there stops, once. A stop that was named and not
// reached fails the test. Needs a build with schedule points (all presets but release).
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "holdfast/base/schedule_point.hpp"

namespace holdfast::testing {

inline thread_local std::string_view t_role = "main";

/// A thread with a role, joined at its end.
class Thread {
 public:
  template <class F>
  Thread(const char* role, F body)
      : thread_{[role, body = std::move(body)]() mutable {
          t_role = role;
          body();
        }} {}
  ~Thread() { join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

class Schedule;

/// One place where one thread is stopped once.
class Stop {
 public:
  /// Until the thread stands there. A thread that never comes fails the test after a minute.
  void wait_reached() {
    std::unique_lock lock{*mutex_};
    if (!changed_->wait_for(lock, std::chrono::minutes{1}, [&] { return reached_; }))
      ADD_FAILURE() << "nobody of role '" << role_ << "' came to " << point_;
  }
  bool reached() const {
    std::lock_guard lock{*mutex_};
    return reached_;
  }
  /// Lets the thread go on, or not stop at all if it has not come yet.
  void release() {
    std::lock_guard lock{*mutex_};
    released_ = true;
    changed_->notify_all();
  }

 private:
  friend class Schedule;
  Stop(std::mutex& mutex, std::condition_variable& changed, std::string point, std::string role,
       int skip)
      : mutex_{&mutex},
        changed_{&changed},
        point_{std::move(point)},
        role_{std::move(role)},
        skip_{skip} {}

  std::mutex* mutex_;  // the schedule's, like the next
  std::condition_variable* changed_;
  std::string point_;
  std::string role_;
  int skip_;
  bool reached_ = false;
  bool released_ = false;
};

/// At most one at a time in a process.
class Schedule {
 public:
#ifdef HOLDFAST_DEBUG
  Schedule() { schedule::set_hook(&Schedule::hook, this); }
#else
  Schedule() { ADD_FAILURE() << "this build has no schedule points"; }
#endif
  ~Schedule() {
    let_everybody_go();
#ifdef HOLDFAST_DEBUG
    schedule::remove_hook();
#endif
    for (const Action& action : actions_)
      EXPECT_TRUE(action.done) << "point not reached by '" << action.role << "': " << action.point;
    for (const Stop& stop : stops_)
      EXPECT_TRUE(stop.reached_) << "point not reached by '" << stop.role_ << "': " << stop.point_;
  }
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  /// `role`'s thread stops at `point`, the first time it comes there after `skip` times.
  Stop& stop_at(std::string point, std::string role, int skip = 0) {
    std::lock_guard lock{mutex_};
    return stops_.emplace_back(Stop{mutex_, changed_, std::move(point), std::move(role), skip});
  }
  /// Runs `action` on `role`'s thread itself, the first time it comes to `point`. Threads without a
  /// role have the role "main".
  void run_at(std::string point, std::string role, std::function<void()> action) {
    std::lock_guard lock{mutex_};
    actions_.push_back({std::move(point), std::move(role), std::move(action), false});
  }

 private:
  struct Action {
    std::string point;
    std::string role;
    std::function<void()> action;
    bool done;
  };

#ifdef HOLDFAST_DEBUG
  static void hook(void* self, const char* point) { static_cast<Schedule*>(self)->reached(point); }
#endif

  void let_everybody_go() {
    std::lock_guard lock{mutex_};
    for (Stop& stop : stops_) stop.released_ = true;
    changed_.notify_all();
  }
  void reached(std::string_view point) {
    std::unique_lock lock{mutex_};
    for (Action& action : actions_) {
      if (action.done || action.point != point || action.role != t_role) continue;
      action.done = true;
      lock.unlock();
      action.action();
      lock.lock();
      break;
    }
    for (Stop& stop : stops_) {
      if (stop.reached_ || stop.point_ != point || stop.role_ != t_role) continue;
      if (stop.skip_-- > 0) continue;
      stop.reached_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return stop.released_; });
      return;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Stop> stops_;
  std::list<Action> actions_;
};

}  // namespace holdfast::testing
