// SPDX-License-Identifier: Apache-2.0
// A slot: a place whose controller has a say in whether what sits in it may go. The controller asks
// the guest; what the guest answers, and when, is the guest's affair. Whoever is in a slot together
// goes together.
//
// Who asks is the machine, in a job of its own; what the guest decides comes back through
// MachineRequests. A request names the seating it was made for, so an answer that is late never
// takes out what came after.
//
// THREADS: all of it on the control thread, but seating(), which is for the controller's own gate, too.
// OWNER: the controller, as a base or member of one of its parts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/object/handle.hpp"

namespace holdfast::hw {

class Device;

class Slot : public object::Expires {
 public:
  enum class Answer : std::uint8_t {
    kGo,     // nobody has to agree
    kAsked,  // the guest has been asked
  };

  /// For messages: its controller's path.
  virtual std::string slot_name() const = 0;
  /// Asks for what is in it. Errors: it cannot be asked, or not now.
  virtual Result<Answer> ask() = 0;
  /// All that is in it, in no particular order.
  virtual std::vector<Device*> occupants() = 0;
  /// All that is in it goes now: nobody is to find it there any more.
  virtual void vacate() = 0;
  /// A number that changes whenever something is put into the empty slot, and whenever it is vacated.
  virtual std::uint64_t seating() const = 0;

 protected:
  ~Slot() = default;
};

}  // namespace holdfast::hw
