// SPDX-License-Identifier: Apache-2.0
// Who wants to know what becomes of a machine: monitors, which turn it into events for their clients.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::machine {

enum class RunState : std::uint8_t { kPrelaunch, kRunning, kPaused, kShutdown };

/// Who asked for a reset, or for the end.
enum class Cause : std::uint8_t {
  kGuestReset,
  kGuestShutdown,
  kHostRequest,  // a monitor: quit
  kHostSignal,
  kHostUi,       // the escape key of a console
  kHostReset,    // a monitor: reset
};

/// Each is called on the control thread, in the job that did it: it takes note and returns.
class Observer {
 public:
  virtual void run_state_changed(RunState /*before*/, RunState /*now*/) {}
  virtual void was_reset(Cause /*cause*/) {}
  enum class Afterwards : std::uint8_t { kEnds, kStays };
  /// Before the state becomes kShutdown.
  virtual void switched_off(Cause /*cause*/, Afterwards /*then*/) {}
  /// A machine that takes no heed goes on.
  virtual void asked_to_power_down() {}
  /// Something joined the machine.
  virtual void devices_came() {}
  /// Storage, name and back-ends are free. `name` as unplug() was given it.
  virtual void device_went(const std::string& /*name*/, const std::string& /*path*/) {}
  /// The guest was asked to let go of it, and does not.
  virtual void guest_kept(const std::string& /*name*/, const std::string& /*path*/) {}

 protected:
  ~Observer() = default;
};

}  // namespace holdfast::machine
