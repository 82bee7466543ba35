// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/holdback.hpp"

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/control_queue.hpp"
#include "holdfast/rcu/waiting.hpp"

namespace holdfast::hw {

void Holdback::begin() {
  HF_CHECK(!active(), "a reset inside a reset");
  active_.store(true, std::memory_order_seq_cst);  // before the first gate is passed
}

void Holdback::end() {
  LockGuard guard{mutex_};
  active_.store(false, std::memory_order_release);
  over_.notify_all();
}

void Holdback::wait_until_over() {
  rcu::check_may_wait("waiting for a reset to be over");
  LockGuard guard{mutex_};
  while (active()) over_.wait(mutex_);
}

void Holdback::visits(int change) {
  LockGuard guard{mutex_};
  visits_ += change;
  if (visits_ == 0) alone_.notify_all();  // with the lock held: whoever waits destroys it all
}

void Holdback::wait_until_alone() {
  rcu::check_may_wait("waiting for visitors to leave");
  LockGuard guard{mutex_};
  while (visits_ != 0) alone_.wait(mutex_);
}

// Whoever comes in before the reset passes this gate finishes before it, too. Whoever comes in after
// it sees the flag: the reset set it before it entered and left.
OutsidePass::OutsidePass(gate::Gate& gate, const gate::Use& use, Holdback& holdback,
                         gate::Reentry reentry)
    : gate_{Ref<gate::Gate>::share(&gate)} {
  for (;;) {
    if (holdback.active()) {
      HF_SCHEDULE_POINT("hw.holdback.waiting");
      holdback.wait_until_over();
    }
    cover_.emplace(*gate_);
    entry_ = gate_->enter(use, reentry);
    if (entry_ != gate::Entry::kEntered || !holdback.active()) return;
    HF_SCHEDULE_POINT("hw.holdback.held_back");
    gate_->leave();
    cover_.reset();
  }
}

}  // namespace holdfast::hw
