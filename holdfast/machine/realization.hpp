// SPDX-License-Identifier: Apache-2.0
// One plan becoming devices of a machine: built, linked, prepared, reset, published in one
// transaction. Destroyed before it is finished, it takes all of it back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/hw/device.hpp"

namespace holdfast::machine {

class Machine;

/// In a control job of the machine.
class Realization {
 public:
  Realization(Machine& machine, const boards::BoardPlan& plan) : machine_{machine}, plan_{plan} {}
  ~Realization();
  Realization(const Realization&) = delete;
  Realization& operator=(const Realization&) = delete;

  Result<void> run();

 private:
  Result<object::Node*> parent_of(std::string_view name);
  Result<void> build();
  Result<void> set_links();
  Result<void> check_places();
  Result<void> prepare();
  Result<void> lay_wires();
  Result<void> publish();
  void hand_over();

  hw::Device* device(std::string_view name);
  template <class P>
  Result<P*> part(const boards::PartRef& ref, std::string_view wanted);
  template <class P>
  Result<P*> pins(const boards::PinRef& ref, std::string_view wanted);

  Machine& machine_;
  const boards::BoardPlan& plan_;
  struct Entry {
    std::string name;
    hw::Owned<hw::Device> device;
  };
  std::vector<Entry> made_;
};

}  // namespace holdfast::machine
