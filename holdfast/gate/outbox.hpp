// SPDX-License-Identifier: Apache-2.0
// The outbox: what a callback causes outside its device, performed after it has left.
//
// A device's callback runs under the device's lock, so whatever it wants from others (a changed
// interrupt line, a write to another device, an edit of the map, a job) is queued here in order and
// performed when the thread is inside no gate, before the access returns to the CPU. Entries name
// control blocks, never devices: whoever is gone by then is skipped by the action itself.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "holdfast/base/ref.hpp"

namespace holdfast::gate {

class Activity;
class Gate;
using GateSet = std::vector<Ref<Gate>>;

class Outbox {
 public:
  using Action = std::move_only_function<void()>;
  enum class Kind : unsigned char {
    kPostedWrite,  // performed early if the same thread reads from a device
    kOther,
  };

  explicit Outbox(Activity& activity) : activity_{activity} {}
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Queues an action; it inherits the gates this thread is inside of. If the thread is inside no
  /// gate and not flushing, it is performed now.
  void post(Kind kind, Action action);
  /// Performs everything, also what that causes. Only outside of all gates; else, and while a flush
  /// is going on further up, it does nothing.
  void flush() {
    if (is_due()) perform_all();
  }
  /// Whether flush() would perform something here and now.
  bool is_due() const { return !entries_.empty() && may_perform(); }
  /// Performs the posted writes of the device this thread is inside of (the innermost gate), in
  /// order, inside the gates it is in: a device's read may not overtake its writes. Those of others
  /// stay: performed here, one that is meant for this device would be refused as its own.
  /// False if one was put back, and with it those behind it.
  bool perform_posted_writes();
  /// For the posted write that perform_posted_writes() is performing, if that is what this thread does:
  /// it would have had to wait for a device that waits for this thread, and is performed when this thread
  /// is inside no gate. False otherwise.
  bool put_back();
  bool is_put_back() const { return put_back_ != nullptr && *put_back_; }
  bool has_posted_writes() const;
  bool empty() const { return entries_.empty(); }
  /// How many flushes this thread has begun: tells one flush from the next.
  std::uint64_t flushes() const { return flushes_; }

  /// Holds the outbox back while a lock of the order is held; flushes at its end if it may.
  class Deferral {
   public:
    explicit Deferral(Outbox& outbox) : outbox_{outbox} { ++outbox_.deferrals_; }
    ~Deferral() {
      if (--outbox_.deferrals_ == 0) outbox_.flush();
    }
    Deferral(const Deferral&) = delete;
    Deferral& operator=(const Deferral&) = delete;

   private:
    Outbox& outbox_;  // of the same thread, hence longer-lived than this scope
  };

 private:
  struct Item {
    Kind kind;
    GateSet makers;
    Action action;  // a posted write's may be performed twice
  };
  bool is_write_of(const Gate* maker, const Item& item) const;
  bool may_perform() const;
  void perform_all();
  void perform(Item& item);

  Activity& activity_;  // which this is a member of
  std::deque<Item> entries_;
  std::size_t posted_writes_ = 0;  // among them
  unsigned deferrals_ = 0;
  bool flushing_ = false;
  bool* put_back_ = nullptr;  // where perform_posted_writes() wants to know
  std::uint64_t flushes_ = 0;
};

}  // namespace holdfast::gate
