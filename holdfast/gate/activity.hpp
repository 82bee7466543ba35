// SPDX-License-Identifier: Apache-2.0
// What one thread is in the middle of: the gates it is inside of, those it works on behalf of, and
// its outbox.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "holdfast/base/ref.hpp"
#include "holdfast/gate/outbox.hpp"

namespace holdfast::gate {

class Activity;
class Gate;

namespace detail {
// This thread's, once it has asked for it. Initial-exec: finding it needs no call, and as a plain
// pointer no check whether it is constructed.
extern constinit thread_local Activity* my_activity [[gnu::tls_model("initial-exec")]];
}  // namespace detail

/// One a thread, found by current(). Only its own thread touches it.
class alignas(64) Activity {
 public:
  static Activity& current() noexcept {
    Activity* const mine = detail::my_activity;
    return mine != nullptr ? *mine : make();
  }

  /// Whether this thread is inside `gate`, or performs something whose maker was.
  bool inside(const Gate& gate) const {
    return (depth_ != 0 || !inherited_.empty()) && is_among_mine(gate);
  }
  /// Whether this thread itself is inside any gate of any machine.
  bool inside_any() const { return depth_ != 0; }
  /// Whether this thread runs a device's callback, whose writes to other devices are posted. False
  /// while a posted write is on its way, though its maker's gate may still be held.
  bool in_callback() const { return depth_ > delivered_from_; }
  /// The gate this thread entered last, or nullptr.
  const Gate* innermost() const { return depth_ == 0 ? nullptr : entered_[depth_ - 1]; }

  Outbox& outbox() { return outbox_; }
  /// What this thread causes now inherits these: the gates it is inside of and those it works on behalf of.
  GateSet makers() const;

  /// While it lives, the thread works on behalf of `makers` and of nobody else.
  class Behalf {
   public:
    /// Exchanges them: `makers` has them again afterwards.
    Behalf(Activity& activity, GateSet& makers) : inherited_{activity.inherited_}, makers_{makers} {
      inherited_.swap(makers_);
    }
    ~Behalf() { inherited_.swap(makers_); }
    Behalf(const Behalf&) = delete;
    Behalf& operator=(const Behalf&) = delete;

   private:
    GateSet& inherited_;  // the thread's, hence longer-lived than this scope
    GateSet& makers_;     // the caller's
  };

  Activity();
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  friend class Gate;
  friend class Outbox;

  [[gnu::cold]] static Activity& make() noexcept;
  bool is_among_mine(const Gate& gate) const;
  void push(Gate& gate) {
    if (depth_ == kDeepest) [[unlikely]]
      too_deep(gate);
    entered_[depth_++] = &gate;
  }
  [[noreturn, gnu::cold]] void too_deep(const Gate& gate) const;
  /// Removes the newest entry of `gate`; true if the thread is now outside of all gates.
  bool pop(Gate& gate) {
    if (depth_ == 0 || entered_[depth_ - 1] != &gate) [[unlikely]]
      return pop_deeper(gate);
    return --depth_ == 0;
  }
  [[gnu::cold]] bool pop_deeper(Gate& gate);
  /// How often this thread itself is inside `gate`.
  std::size_t times_inside(const Gate& gate) const {
    std::size_t times = 0;
    for (std::size_t i = 0; i < depth_; ++i) times += entered_[i] == &gate ? 1U : 0U;
    return times;
  }

  static constexpr std::size_t kDeepest = 64;
  // What every access looks at comes first, on one line.
  std::size_t depth_ = 0;
  std::size_t delivered_from_ = 0;  // the depth at which a posted write is being performed
  GateSet inherited_;
  std::array<Gate*, kDeepest> entered_{};
  Outbox outbox_{*this};
};

/// For rcu::add_waiting_veto: "the gate of 'uart0'" if this thread is inside one, else nullptr.
const char* waiting_veto();

}  // namespace holdfast::gate
