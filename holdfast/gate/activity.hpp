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

class Gate;

/// One a thread, found by current(). Only its own thread touches it.
class alignas(64) Activity {
 public:
  static Activity& current() noexcept;

  /// Whether this thread is inside `gate`, or performs something whose maker was.
  bool inside(const Gate& gate) const;
  /// Whether this thread itself is inside any gate of any machine.
  bool inside_any() const { return depth_ != 0; }
  /// Whether this thread runs a device's callback, whose writes to other devices are posted. False
  /// while a posted write is on its way, though its maker's gate may still be held.
  bool in_callback() const { return depth_ > delivered_from_; }
  /// The gate this thread entered last, or nullptr.
  const Gate* innermost() const { return depth_ == 0 ? nullptr : entered_[depth_ - 1]; }

  Outbox& outbox() { return outbox_; }

  Activity();
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  friend class Gate;
  friend class Outbox;

  void push(Gate& gate);
  /// Removes the newest entry of `gate`; true if the thread is now outside of all gates.
  bool pop(Gate& gate);
  /// How often this thread itself is inside `gate`.
  std::size_t times_inside(const Gate& gate) const;
  GateSet gates_for_outbox() const;

  static constexpr std::size_t kDeepest = 64;
  std::array<Gate*, kDeepest> entered_;
  std::size_t depth_ = 0;
  std::size_t delivered_from_ = 0;  // the depth at which a posted write is being performed
  GateSet inherited_;
  Outbox outbox_{*this};
};

/// For rcu::add_waiting_veto: "the gate of 'uart0'" if this thread is inside one, else nullptr.
const char* waiting_veto();

}  // namespace holdfast::gate
