// SPDX-License-Identifier: Apache-2.0
// The services of one machine, in one place and in the order in which they depend on each other. The
// machine has one; so has whoever wants to look at devices without a machine.
#pragma once

#include <memory>
#include <string>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/gate/realm.hpp"
#include "holdfast/hw/clock.hpp"
#include "holdfast/hw/context.hpp"
#include "holdfast/hw/control_queue.hpp"
#include "holdfast/hw/holdback.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/object/tree.hpp"

namespace holdfast::hw {

class Services {
 public:
  struct Options {
    std::string name = "machine";  // in messages
    VirtualClock::Pace pace = VirtualClock::Pace::kStepped;
    rcu::Options reclamation{};
    memory::MapTuning tuning{};
  };
  /// Fails if the host refuses descriptors. The calling thread is the control thread.
  static Result<std::unique_ptr<Services>> make(Options options);
  /// Runs what is queued until every device is gone. Every Owned device has been dropped before.
  ~Services();
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  Context& context() { return context_; }
  gate::Realm& realm() { return realm_; }
  object::Tree& tree() { return tree_; }
  EventLoop& loop() { return *loop_; }
  VirtualClock& clock() { return clock_; }
  ControlQueue& control() { return control_; }
  Holdback& holdback() { return holdback_; }
  memory::Fabric& fabric() { return fabric_; }

  /// Runs jobs on this thread, which is the control thread from now on, until none is left and every
  /// device that was dropped is destroyed. Waits for insiders. `devices` stay.
  void settle(std::int64_t devices = 0);
  /// What is alive, after reclamation has passed a barrier. Not inside anything.
  Census::Snapshot census();

 private:
  Services(Options options, std::unique_ptr<EventLoop> loop);

  gate::Realm realm_;
  object::Tree tree_;
  const std::unique_ptr<EventLoop> loop_;
  VirtualClock clock_;
  ControlQueue control_;
  Holdback holdback_;
  memory::Fabric fabric_;
  Context context_;
};

}  // namespace holdfast::hw
