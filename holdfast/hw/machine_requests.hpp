// SPDX-License-Identifier: Apache-2.0
// What a device may ask of the machine that it is in: a power button, a reset line.
#pragma once

#include <cstdint>

#include "holdfast/object/handle.hpp"

namespace holdfast::hw {

class Bus;
class Slot;

/// Each returns at once, from a callback, too: what is asked for becomes a job on the control queue.
/// A hart that asked executes no further instruction before it is done.
class MachineRequests {
 public:
  virtual void request_reset() = 0;
  /// The machine is to end; `status` is the exit status of the process, 0 for a guest that is content.
  virtual void request_quit(int status) = 0;
  // What a guest does about a slot, while that seating lasts. It has an effect a moment later; what a
  // guest is to see at once is the slot's affair.
  enum class Verdict : std::uint8_t {
    kReleased,  // what is in it may go
    kKept,      // it stays, though it was asked for
  };
  virtual void slot_decided(object::Handle<Slot> /*slot*/, std::uint64_t /*seating*/,
                            Verdict /*verdict*/) {}
  /// All that sits on a bus, and below, is to lose its state: the bus is in reset, or has no power.
  virtual void request_reset_below(object::Handle<Bus> /*bus*/) {}

 protected:
  ~MachineRequests() = default;
};

}  // namespace holdfast::hw
