// SPDX-License-Identifier: Apache-2.0
// What a device may ask of the machine that it is in: a power button, a reset line.
#pragma once

namespace holdfast::hw {

/// Each returns at once, from a callback, too: what is asked for becomes a job on the control queue.
/// A hart that asked executes no further instruction before it is done.
class MachineRequests {
 public:
  virtual void request_reset() = 0;
  /// The machine is to end; `status` is the exit status of the process, 0 for a guest that is content.
  virtual void request_quit(int status) = 0;

 protected:
  ~MachineRequests() = default;
};

}  // namespace holdfast::hw
