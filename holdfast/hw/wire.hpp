// SPDX-License-Identifier: Apache-2.0
// Wires: how a level gets from an output pin of one device to an input pin of another.
//
// A change is queued on the wire under the sender's lock and delivered by the sender's thread once
// it is inside no gate, through the receiver's gate. One thread at a time delivers on a wire, in the
// order of the changes; a thread whose change is behind another's waits until it is delivered, holding
// nothing. So when the access that caused a change returns, the change has arrived.
//
// A wire is placement: it keeps neither device. Pins and wires are control blocks, which outlive the
// parts that they stand for by as long as somebody is busy with them. Cutting a wire, from either end,
// makes the receiver's resting level its last change and refuses later ones.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::hw {

class Holdback;
class InPin;
class OutPin;
class Pin;
class Wire;

/// Inputs without a lock of a device behind them: a hart's pins. An atomic bit and a kick.
class PinSink {
 public:
  /// On any thread, with the pin's lock held: calls nothing that could come back to a wire.
  virtual void pin_changed(unsigned line, bool level) noexcept = 0;

 protected:
  ~PinSink() = default;
};

/// Somebody who looks on as a pin changes: a test, a test server. Gone, with all it took, when its
/// destructor returns.
class PinTap {
 public:
  /// Called with the pin's lock held, in the order of the changes: it takes a note and returns.
  using Watcher = std::move_only_function<void(bool level)>;
  PinTap(const Ref<InPin>& pin, Watcher watcher);
  PinTap(const Ref<OutPin>& pin, Watcher watcher);
  ~PinTap();
  PinTap(const PinTap&) = delete;
  PinTap& operator=(const PinTap&) = delete;

 private:
  friend class Pin;
  Pin& pin_;  // kept by one of:
  Ref<InPin> in_;
  Ref<OutPin> out_;
  Watcher watcher_;  // LOCK: pin_.mutex_
};

/// What both kinds of pin have.
class Pin {
 public:
  /// "/machine/uart0:irq"
  const std::string& path() const { return path_; }
  bool is_connected() const;
  /// Output: as the device set it. Input: as it was delivered.
  bool level() const { return level_.load(std::memory_order_relaxed); }  // the lock orders changes

 protected:
  friend class PinTap;
  friend Result<void> connect(OutPin& from, InPin& to, EventLoop& loop);
  Pin(Ref<gate::Gate> gate, std::string path) : gate_{std::move(gate)}, path_{std::move(path)} {}
  ~Pin() = default;
  void change_level(bool level) HF_REQUIRES(mutex_);
  /// No wire from here on; returns the one there was.
  Ref<Wire> take_wire(bool for_good) HF_EXCLUDES(mutex_);

  mutable Mutex mutex_{LockRank::kPin, "pin"};
  const Ref<gate::Gate> gate_;
  const std::string path_;
  std::atomic<bool> level_{false};
  Ref<Wire> wire_ HF_GUARDED_BY(mutex_);
  bool severed_ HF_GUARDED_BY(mutex_) = false;
  std::vector<PinTap*> taps_ HF_GUARDED_BY(mutex_);
};

/// The sender's end.
class OutPin final : public Pin, public RefCounted<OutPin> {
 public:
  static Ref<OutPin> make(Ref<gate::Gate> gate, std::string path);

  /// Inside the gate, or before the device is published. The same level again costs nothing.
  void set(bool level);
  /// Cuts the wire for good.
  void sever();

 private:
  friend class RefCounted<OutPin>;
  friend Result<void> connect(OutPin& from, InPin& to, EventLoop& loop);
  using Pin::Pin;
  ~OutPin() = default;
  void last_reference_gone() noexcept { delete this; }
  bool adopt(Ref<Wire> wire);
  /// The wire, if the change is to be delivered on it.
  Ref<Wire> change(bool level);
};

/// The receiver's end.
class InPin final : public Pin, public RefCounted<InPin> {
 public:
  using Handler = std::move_only_function<void(bool level)>;
  static Ref<InPin> make(Ref<gate::Gate> gate, std::string path, Handler handler);
  static Ref<InPin> make(Ref<gate::Gate> gate, std::string path, PinSink& sink, unsigned line);

  /// A client's own change, past any wire (a test server's "set_irq_in"): waits until no reset goes
  /// on. Not inside a gate, nor on the thread that resets.
  void drive(bool level, Holdback& holdback);
  /// The gate is open: what waited for that is delivered.
  void opened();
  /// Cuts the wire for good. Waits for nobody: a handler may be running.
  void sever();
  /// The same, and on return no handler runs, unless this thread is inside the gate.
  void drop();

 private:
  friend class RefCounted<InPin>;
  friend class Wire;
  friend Result<void> connect(OutPin& from, InPin& to, EventLoop& loop);
  enum class Delivery : std::uint8_t { kDone, kGateNotOpen };

  using Pin::Pin;
  ~InPin() = default;
  void last_reference_gone() noexcept { delete this; }
  bool adopt(Ref<Wire> wire);
  Delivery deliver(bool level);
  template <class Pass>
  Delivery deliver_through(const Pass& pass, bool level);
  Delivery deliver_to_sink(bool level);
  bool begin(bool level);
  void end();

  Handler handler_;  // called inside the gate
  PinSink* sink_ HF_GUARDED_BY(mutex_) = nullptr;  // not called once severed
  bool has_sink_ = false;
  unsigned line_ = 0;
  int running_ HF_GUARDED_BY(mutex_) = 0;
  ConditionVariable ran_;
};

class Wire final : public RefCounted<Wire> {
 public:
  /// The most changes one flush of one thread delivers on a wire. A wire that loops back would keep
  /// it for ever; the rest is the loop's.
  static constexpr int kMostInAFlush = 1000;

  /// Queues a change, if it is one; false after a cut, or if there is nothing to deliver.
  bool queue_change(bool level);
  /// The receiver's resting level becomes the last change.
  void cut();
  bool is_cut() const;
  /// Notes in the thread's outbox that the wire is due, for all that is queued so far. The caller
  /// holds no lock: outside of all gates it is delivered here.
  void due();

 private:
  friend class RefCounted<Wire>;
  friend Result<void> connect(OutPin& from, InPin& to, EventLoop& loop);
  struct Change {
    bool level;
    std::uint64_t number;
    gate::GateSet makers;  // whoever delivers it does so on their behalf
  };

  Wire(Ref<InPin> to, EventLoop& loop, Census& census);
  ~Wire() = default;
  void last_reference_gone() noexcept { delete this; }
  void queue(bool level) HF_REQUIRES(mutex_);
  bool must_wait_for(std::uint64_t number) const HF_REQUIRES(mutex_);
  /// Returns when the change of that number is delivered, or is somebody else's to deliver.
  void deliver_up_to(std::uint64_t number);
  void deliver_all() HF_REQUIRES(mutex_);
  static InPin::Delivery deliver(Change& change, InPin& to);
  bool flush_is_used_up() HF_REQUIRES(mutex_);
  void hand_over() HF_REQUIRES(mutex_);
  void take_over();
  void let_go_if_done() HF_REQUIRES(mutex_);

  static constexpr bool kRest = false;

  mutable Mutex mutex_{LockRank::kWire, "wire"};
  ConditionVariable moved_;
  EventLoop& loop_;  // the machine's: takes over what one flush does not finish
  Ref<InPin> to_ HF_GUARDED_BY(mutex_);  // until cut and delivered
  std::deque<Change> queue_ HF_GUARDED_BY(mutex_);
  bool last_queued_ HF_GUARDED_BY(mutex_) = kRest;
  bool delivering_ HF_GUARDED_BY(mutex_) = false;
  bool cut_ HF_GUARDED_BY(mutex_) = false;
  bool handed_over_ HF_GUARDED_BY(mutex_) = false;
  bool warned_ HF_GUARDED_BY(mutex_) = false;
  std::uint64_t queued_ HF_GUARDED_BY(mutex_) = 0;     // number of the newest change
  std::uint64_t delivered_ HF_GUARDED_BY(mutex_) = 0;  // number of the last one delivered
  const void* flusher_ HF_GUARDED_BY(mutex_) = nullptr;
  std::uint64_t flush_ HF_GUARDED_BY(mutex_) = 0;
  int in_this_flush_ HF_GUARDED_BY(mutex_) = 0;
  std::optional<Counted> counted_ HF_GUARDED_BY(mutex_);
};

/// Lays a wire; the receiver gets the sender's level. Error if either end has a wire; nothing happens
/// if either is being taken away. On the control thread.
Result<void> connect(OutPin& from, InPin& to, EventLoop& loop);

}  // namespace holdfast::hw
