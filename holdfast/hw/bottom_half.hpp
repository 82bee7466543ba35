// SPDX-License-Identifier: Apache-2.0
// A bottom half: a function of a device that is to be called soon, on the control thread, through the
// device's gate. One that was cancelled meanwhile is dropped there.
#pragma once

#include <atomic>
#include <concepts>
#include <functional>
#include <string>
#include <utility>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::hw {

/// What the loop knows of a bottom half; may outlive it, and its device, by a turn of the loop.
class BottomHalfControl final : public RefCounted<BottomHalfControl> {
 public:
  using Handler = std::move_only_function<void()>;
  static Ref<BottomHalfControl> make(EventLoop& loop, Ref<gate::Gate> gate, Handler handler);

  void schedule();
  void cancel() { scheduled_.store(false, std::memory_order_release); }
  bool is_scheduled() const { return scheduled_.load(std::memory_order_seq_cst); }
  /// The gate is open: what was scheduled before is posted.
  void opened();
  /// Cancels for good. On return the handler does not run, unless this thread is inside its gate.
  void drop();

 private:
  friend class RefCounted<BottomHalfControl>;
  BottomHalfControl(EventLoop& loop, Ref<gate::Gate> gate, Handler handler);
  ~BottomHalfControl() = default;
  void last_reference_gone() noexcept { delete this; }
  void post();
  void deliver();
  bool begin();
  void end();

  EventLoop& loop_;  // the machine's, which outlives its devices
  Ref<gate::Gate> gate_;  // LOCK: let go under mutex_; until then it stays as it is
  Handler handler_;  // called inside the gate
  std::atomic<bool> scheduled_{false};
  Mutex mutex_{LockRank::kLeaf, "bottom half"};
  ConditionVariable ran_;
  int running_ HF_GUARDED_BY(mutex_) = 0;
  bool dropped_ HF_GUARDED_BY(mutex_) = false;
};

class BottomHalf final : public Part {
 public:
  template <std::derived_from<Device> D>
  BottomHalf(D& device, std::string name, void (D::*function)())
      : BottomHalf{device, std::move(name), [&device, function] { (device.*function)(); }} {}
  /// `function` is called inside the gate, and may refer to the device.
  BottomHalf(Device& device, std::string name, BottomHalfControl::Handler function);
  ~BottomHalf() override;

  /// From any thread. Scheduled again before it ran, it runs once.
  void schedule() { control_->schedule(); }
  void cancel() { control_->cancel(); }
  bool is_scheduled() const { return control_->is_scheduled(); }

 private:
  void published() override { control_->opened(); }
  void severed() override { control_->cancel(); }
  void drop() override { control_->drop(); }
  void reset(ResetPhase phase) override {
    if (phase == ResetPhase::kEnter) control_->cancel();
  }

  const Ref<BottomHalfControl> control_;
};

}  // namespace holdfast::hw
