// SPDX-License-Identifier: Apache-2.0
// A timer as a part: calls a function of its device when the machine's virtual clock reaches a time.
// The call passes the device's gate; a timer that was cancelled or set anew meanwhile is dropped there.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "holdfast/hw/clock.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::hw {

class Timer final : public Part {
 public:
  template <std::derived_from<Device> D>
  Timer(D& device, std::string name, void (D::*expired)())
      : Timer{device, std::move(name), [&device, expired] { (device.*expired)(); }} {}
  /// `expired` is called inside the gate, and may refer to the device.
  Timer(Device& device, std::string name, TimerControl::Handler expired);
  ~Timer() override;

  /// The machine's virtual time.
  std::uint64_t now_ns() const { return context().clock.now_ns(); }
  /// Due at that virtual time, instead of when it was due before. A time that has passed is due at
  /// once. A device that is being taken away arms nothing.
  void arm(std::uint64_t deadline_ns) { control_->arm(deadline_ns); }
  void cancel() { control_->cancel(); }
  bool armed() const { return control_->armed(); }
  /// VirtualClock::kNever if it is not armed.
  std::uint64_t deadline_ns() const { return control_->deadline_ns(); }

 private:
  void published() override { control_->opened(); }
  void severed() override { control_->cancel(); }
  void drop() override { control_->drop(); }
  void reset(ResetPhase phase) override {
    if (phase == ResetPhase::kEnter) control_->cancel();
  }

  const Ref<TimerControl> control_;
};

}  // namespace holdfast::hw
