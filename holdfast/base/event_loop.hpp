// SPDX-License-Identifier: Apache-2.0
// One thread's loop over descriptors, work posted from other threads, and alarms.
//
// A loop is owned like any value and serves whichever thread runs it, one at a time: its *loop
// thread*. A loop that nobody runs can be stepped: run_ready() does what is due and never sleeps.
// Handlers run on the loop thread, with none of the loop's locks held.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "holdfast/base/mutex.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast {

class EventLoop {
 public:
  /// What a descriptor is watched for and found to be: bits, OR-ed.
  enum Readiness : unsigned {
    kNothing = 0,
    kReadable = 1,  // end of file and errors, too: read() tells
    kWritable = 2,
  };
  using Work = std::move_only_function<void()>;
  using Handler = std::move_only_function<void(unsigned readiness)>;
  class Watch;
  class Alarm;

  static Result<std::unique_ptr<EventLoop>> make();
  /// No watch or alarm may be left. Posted work that has not run is dropped.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// CLOCK_MONOTONIC in nanoseconds: the time alarms go by.
  static std::uint64_t now_ns();

  /// Runs `work` on the loop thread, in the order of posting. From any thread.
  void post(Work work);
  /// Calls `handler` whenever `fd` is ready for what it is watched for. The descriptor stays the
  /// caller's and must be open for as long as the watch lives; what the host cannot watch (a file,
  /// /dev/null) counts as always ready. From any thread.
  Result<Watch> watch(int fd, unsigned interest, Handler handler);

  /// Sleeps and works until stop() is called.
  void run();
  /// Makes run() return when the handler that is running, if any, is done. From any thread; before
  /// run() it makes the next one return at once.
  void stop();
  /// Does what is due now, once, without sleeping; says how many handlers it called.
  std::size_t run_ready();
  /// Whether the calling thread is inside run() or run_ready().
  bool on_loop_thread() const;

 private:
  struct Entry {
    int fd;
    unsigned interest;  // LOCK: mutex_
    Handler handler;    // called by the loop thread, without it
    bool always_ready = false;
  };
  using AlarmKey = std::pair<std::uint64_t, Alarm*>;

  EventLoop() = default;
  Result<void> open();
  std::size_t turn(bool may_sleep);
  bool go_to_sleep();
  void woken();
  std::size_t run_posted();
  std::size_t run_alarms();
  std::size_t run_descriptors(const std::vector<std::uint64_t>& ready,
                              const std::vector<unsigned>& how);
  bool dispatch(std::uint64_t id, unsigned readiness);
  Entry* find(std::uint64_t id) HF_REQUIRES(mutex_);
  void arm_descriptor(std::uint64_t id, const Entry& entry) HF_REQUIRES(mutex_);
  void end_turn();
  void set_interest(std::uint64_t id, unsigned interest);
  void unwatch(std::uint64_t id);
  void set_alarm(Alarm& alarm, std::uint64_t deadline_ns);
  void program_timer() HF_REQUIRES(mutex_);
  void wake() HF_REQUIRES(mutex_);

  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  int timer_fd_ = -1;

  std::atomic<std::thread::id> thread_{};  // inside a turn

  Mutex mutex_{LockRank::kLeaf, "event loop"};
  std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> entries_ HF_GUARDED_BY(mutex_);
  // During this turn, while their handlers run, perhaps.
  std::vector<std::unique_ptr<Entry>> ended_ HF_GUARDED_BY(mutex_);
  std::uint64_t next_id_ HF_GUARDED_BY(mutex_) = 16;
  std::deque<Work> posted_ HF_GUARDED_BY(mutex_);
  std::set<AlarmKey> alarms_ HF_GUARDED_BY(mutex_);
  bool stopping_ HF_GUARDED_BY(mutex_) = false;
  bool due_ HF_GUARDED_BY(mutex_) = false;        // the next turn does not sleep
  bool sleeping_ HF_GUARDED_BY(mutex_) = false;   // or about to
  bool signalled_ HF_GUARDED_BY(mutex_) = false;  // the wake descriptor has been written to
  int alarm_count_ HF_GUARDED_BY(mutex_) = 0;
};

/// The right to be called for a descriptor; ends with its destruction, in its own handler, too. From
/// any thread, one at a time; on another than the loop thread, a handler that has just been picked
/// may still run after the end, so it looks at what is due itself.
class EventLoop::Watch {
 public:
  Watch() = default;
  Watch(Watch&& other) noexcept
      : loop_{std::exchange(other.loop_, nullptr)}, id_{std::exchange(other.id_, 0)} {}
  Watch& operator=(Watch&& other) noexcept {
    std::swap(loop_, other.loop_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~Watch() { end(); }

  explicit operator bool() const { return loop_ != nullptr; }
  /// kNothing pauses.
  void set_interest(unsigned interest) { loop_->set_interest(id_, interest); }
  void end() {
    if (auto* loop = std::exchange(loop_, nullptr)) loop->unwatch(id_);
  }

 private:
  friend class EventLoop;
  Watch(EventLoop& loop, std::uint64_t id) : loop_{&loop}, id_{id} {}
  EventLoop* loop_ = nullptr;  // outlives its watches
  std::uint64_t id_ = 0;
};

/// Calls its handler once when its time has come. Set and cleared from any thread; a handler that
/// has just been picked may still run after a clear, so it looks at what is due itself. Destroyed on
/// the loop thread, outside its own handler, or while nobody runs the loop.
class EventLoop::Alarm {
 public:
  Alarm(EventLoop& loop, Work handler);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// Replaces the time set before. A time that has passed is due at once.
  void set(std::uint64_t monotonic_ns) { loop_.set_alarm(*this, monotonic_ns); }
  void clear() { loop_.set_alarm(*this, kNever); }

 private:
  friend class EventLoop;
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  EventLoop& loop_;  // outlives its alarms
  Work handler_;
  std::uint64_t deadline_ns_ = kNever;  // LOCK: loop_.mutex_
};

}  // namespace holdfast
