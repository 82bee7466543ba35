// SPDX-License-Identifier: Apache-2.0
// What a machine lends to its devices: its services, by reference. Made by the machine, which owns
// them all and outlives every device.
#pragma once

#include <cstddef>

namespace holdfast {
class EventLoop;
}
namespace holdfast::gate {
class Realm;
}
namespace holdfast::memory {
class Fabric;
}
namespace holdfast::object {
class Tree;
}

namespace holdfast::hw {

class ControlQueue;
class Holdback;
class MachineRequests;
class VirtualClock;

/// For tests: lets the prepare of the k-th part, counted over everything that is prepared, fail.
struct FaultPlan {
  std::size_t fail_at = 0;  // 0: the first part
  std::size_t seen = 0;     // parts that came to be prepared so far

  bool strikes() { return seen++ == fail_at; }
};

struct Context {
  gate::Realm& realm;
  memory::Fabric& fabric;
  object::Tree& tree;
  ControlQueue& control;
  EventLoop& loop;  // of the control thread
  Holdback& holdback;
  VirtualClock& clock;
  MachineRequests* requests = nullptr;  // none where there is no machine: devices ask in vain
  FaultPlan* faults = nullptr;  // tests only; set and read on the control thread
};

}  // namespace holdfast::hw
