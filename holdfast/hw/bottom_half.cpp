// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/bottom_half.hpp"

#include <utility>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/clock.hpp"

namespace holdfast::hw {

Ref<BottomHalfControl> BottomHalfControl::make(EventLoop& loop, Ref<gate::Gate> gate,
                                               Handler handler) {
  return Ref<BottomHalfControl>::adopt(
      new BottomHalfControl{loop, std::move(gate), std::move(handler)});
}

BottomHalfControl::BottomHalfControl(EventLoop& loop, Ref<gate::Gate> gate, Handler handler)
    : loop_{loop}, gate_{std::move(gate)}, handler_{std::move(handler)} {}

// Sequentially consistent, as the gate's opening is: either this sees it open, or opened() sees this.
void BottomHalfControl::schedule() {
  if (gate_->is_closed() || scheduled_.exchange(true, std::memory_order_seq_cst)) return;
  if (!gate_->is_fresh()) post();
}

void BottomHalfControl::opened() {
  if (is_scheduled()) post();
}

// One that was cancelled and scheduled again is posted twice and runs once: the first finds it
// scheduled, the second does not.
void BottomHalfControl::post() {
  loop_.post([self = Ref<BottomHalfControl>::share(this)] { self->deliver(); });
}

void BottomHalfControl::deliver() {
  static constexpr gate::Use kUse{"bottom half"};
  HF_SCHEDULE_POINT("hw.bottom_half.popped");
  Ref<gate::Gate> gate;
  {
    LockGuard guard{mutex_};
    gate = gate_;
  }
  if (!gate) return;  // dropped
  const gate::Pass pass{*gate, kUse, gate::Reentry::kAllow};
  if (!pass || !begin()) return;
  handler_();
  end();
}

bool BottomHalfControl::begin() {
  LockGuard guard{mutex_};
  if (dropped_ || !scheduled_.exchange(false, std::memory_order_acq_rel)) return false;
  ++running_;
  return true;
}

void BottomHalfControl::end() {
  LockGuard guard{mutex_};
  --running_;
  ran_.notify_all();
}

void BottomHalfControl::drop() {
  cancel();
  if (!gate_) return;  // again
  const bool inside = gate_->entered_by_me();
  Ref<gate::Gate> gate;  // let go below, outside of the lock: the loop may keep this control block
  LockGuard guard{mutex_};
  dropped_ = true;
  while (running_ != 0 && !inside) ran_.wait(mutex_);
  gate = std::exchange(gate_, {});
}

BottomHalf::BottomHalf(Device& device, std::string name, BottomHalfControl::Handler function)
    : Part{device, "bottom half", std::move(name)},
      control_{BottomHalfControl::make(device.context().clock.loop(),
                                       Ref<gate::Gate>::share(&device.gate()),
                                       std::move(function))} {}

BottomHalf::~BottomHalf() { control_->drop(); }

}  // namespace holdfast::hw
