// SPDX-License-Identifier: Apache-2.0
// How a clock's period gets from the device that makes it to those that follow it: what stands behind
// the parts of clock_tree.hpp.
//
// One feed, any number of sinks. A change is noted with each sink under the feed's lock and delivered by
// the thread that caused it once that is inside no gate, through the receiver's gate. One thread at a
// time delivers to a sink; another whose change is behind it waits until it has arrived, holding
// nothing. Only the last of several changes in one callback arrives. A line is placement and keeps
// neither device; cut from either end, its last change is to 0.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::hw {

class ClockSink;

/// The sender's end.
class ClockFeed final : public RefCounted<ClockFeed> {
 public:
  static Ref<ClockFeed> make(std::string path);

  /// "/machine/soc/rcc:sysclk"
  const std::string& path() const { return path_; }
  std::uint64_t period() const { return period_.load(std::memory_order_relaxed); }
  /// Inside the sender's gate, or before it is published. The same period again costs nothing.
  void set(std::uint64_t period) HF_EXCLUDES(mutex_);
  /// Cuts all lines for good.
  void sever() HF_EXCLUDES(mutex_);

 private:
  friend class ClockSink;
  friend class RefCounted<ClockFeed>;
  explicit ClockFeed(std::string path) : path_{std::move(path)} {}
  ~ClockFeed() = default;
  void last_reference_gone() noexcept { delete this; }
  void add(ClockSink& sink) HF_EXCLUDES(mutex_);
  void forget(const ClockSink& sink) HF_EXCLUDES(mutex_);

  const std::string path_;
  mutable Mutex mutex_{LockRank::kPin, "clock feed"};
  std::atomic<std::uint64_t> period_{0};  // changed under the lock, read by its device inside the gate
  std::vector<Ref<ClockSink>> sinks_ HF_GUARDED_BY(mutex_);
  bool severed_ HF_GUARDED_BY(mutex_) = false;
};

/// The receiver's end.
class ClockSink final : public RefCounted<ClockSink> {
 public:
  using Handler = std::move_only_function<void(std::uint64_t period)>;
  /// `handler` is called inside the gate.
  static Ref<ClockSink> make(Ref<gate::Gate> gate, std::string path, Handler handler);

  const std::string& path() const { return path_; }
  bool is_connected() const HF_EXCLUDES(mutex_);
  /// Lays the line; an error if there is one. Nothing happens if either end is being taken away.
  Result<void> follow(const Ref<ClockFeed>& feed) HF_EXCLUDES(mutex_);
  /// The gate is open: what waited for that is delivered.
  void opened() { deliver(); }
  /// Cuts the line for good. Waits for nobody: the handler may be running.
  void sever() HF_EXCLUDES(mutex_);
  /// The same, and on return the handler does not run, unless this thread is inside the gate.
  void drop() HF_EXCLUDES(mutex_);

 private:
  friend class ClockFeed;
  friend class RefCounted<ClockSink>;
  ClockSink(Ref<gate::Gate> gate, std::string path, Handler handler);
  ~ClockSink() = default;
  void last_reference_gone() noexcept { delete this; }
  /// What the sink is to be told of next.
  void want(std::uint64_t period) HF_EXCLUDES(mutex_);
  void feed_went() HF_EXCLUDES(mutex_);
  void due();
  /// Returns when all that is wanted now has arrived, or waits for the gate to open.
  void deliver() HF_EXCLUDES(mutex_);
  /// False if the gate is not open yet.
  bool tell(std::uint64_t period, gate::GateSet makers) HF_EXCLUDES(mutex_);
  bool begin() HF_EXCLUDES(mutex_);
  void end() HF_EXCLUDES(mutex_);

  const Ref<gate::Gate> gate_;
  const std::string path_;
  Handler handler_;
  mutable Mutex mutex_{LockRank::kWire, "clock sink"};
  ConditionVariable moved_;
  Ref<ClockFeed> feed_ HF_GUARDED_BY(mutex_);
  std::optional<Counted> counted_ HF_GUARDED_BY(mutex_);  // the line
  std::uint64_t wanted_ HF_GUARDED_BY(mutex_) = 0;
  gate::GateSet makers_ HF_GUARDED_BY(mutex_);  // of what is wanted: it is told on their behalf
  std::uint64_t changes_ HF_GUARDED_BY(mutex_) = 0;    // number of the newest
  std::uint64_t delivered_ HF_GUARDED_BY(mutex_) = 0;  // number of the last that arrived
  bool delivering_ HF_GUARDED_BY(mutex_) = false;
  bool severed_ HF_GUARDED_BY(mutex_) = false;
  int running_ HF_GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::hw
