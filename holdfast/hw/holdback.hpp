// SPDX-License-Identifier: Apache-2.0
// Holds back what comes from outside of the guest (timers, completions, back-end events, pins that
// clients drive) while a reset goes through its phases. What is held back waits at the gate, outside
// of it, and is let in afterwards if it is still armed: whoever waited looks again.
//
// It also knows which threads that are not the machine's are in it, so that it can wait for them to leave
// before it ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "holdfast/base/mutex.hpp"
#include "holdfast/gate/gate.hpp"

namespace holdfast::hw {

class Holdback {
 public:
  Holdback() = default;
  Holdback(const Holdback&) = delete;
  Holdback& operator=(const Holdback&) = delete;

  bool active() const { return active_.load(std::memory_order_acquire); }
  /// Until the reset that goes on is over. Holds nothing; not on the thread that resets.
  void wait_until_over();

  /// A thread that is not the machine's is in it, from before it passes a gate until what it caused there
  /// is done. Begun while something of the machine is known to live.
  class [[nodiscard]] Visit {
   public:
    explicit Visit(Holdback& holdback) : holdback_{holdback} { holdback_.visits(+1); }
    ~Visit() { holdback_.visits(-1); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    Holdback& holdback_;  // the machine's, which waits for this
  };
  /// Until nobody visits. Every gate is closed, so visitors only leave.
  void wait_until_alone();

  /// As a scope, on the control thread.
  class [[nodiscard]] Scope {
   public:
    explicit Scope(Holdback& holdback) : holdback_{holdback} { holdback_.begin(); }
    ~Scope() { holdback_.end(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Holdback& holdback_;  // the machine's
  };

 private:
  void begin();
  void end();
  void visits(int change);

  std::atomic<bool> active_{false};
  Mutex mutex_{LockRank::kLeaf, "holdback"};
  ConditionVariable over_;
  ConditionVariable alone_;
  int visits_ HF_GUARDED_BY(mutex_) = 0;
};

/// Passes a gate on behalf of something outside of the guest. Once inside, look whether what you came
/// for is still armed.
///
///   if (hw::OutsidePass pass{gate, kTimerUse, context.holdback}) { … }
class [[nodiscard]] OutsidePass {
 public:
  OutsidePass(gate::Gate& gate, const gate::Use& use, Holdback& holdback,
              gate::Reentry reentry = gate::Reentry::kRefuse);
  ~OutsidePass() {
    if (entry_ == gate::Entry::kEntered) gate_->leave();
  }
  OutsidePass(const OutsidePass&) = delete;
  OutsidePass& operator=(const OutsidePass&) = delete;

  explicit operator bool() const { return entry_ == gate::Entry::kEntered; }
  gate::Entry entry() const { return entry_; }

 private:
  Ref<gate::Gate> gate_;
  std::optional<gate::GraceCover> cover_;
  gate::Entry entry_;
};

}  // namespace holdfast::hw
