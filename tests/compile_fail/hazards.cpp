// SPDX-License-Identifier: Apache-2.0
// Two hazards that cannot be spelled.
// H4: a child that keeps its parent alive. H9: an array of address spaces freed before what walks it.
#include <array>
#include <memory>
#include <vector>

#include "holdfast/hw/device.hpp"
#include "holdfast/memory/address_space.hpp"

using holdfast::Ref;
using holdfast::hw::Device;
using holdfast::hw::DeviceInit;
using holdfast::hw::Owned;
using holdfast::memory::AddressSpace;
using holdfast::memory::SpaceControl;
using holdfast::object::Handle;

class Child final : public Device {
 public:
  Child(const DeviceInit& init, Device& parent) : Device{init}, parent_{parent} {}

 private:
  Handle<Device> parent_;  // the way to name it: expires
#ifdef CASE_h4_ref
  Ref<Device> strong_{Ref<Device>::share(parent())};
#endif
#ifdef CASE_h4_shared
  std::shared_ptr<Device> strong_{parent_};
#endif
#ifdef CASE_h4_owned
  Owned<Device> strong_{parent_};
#endif
};

void spaces(std::array<AddressSpace, 2>& array) {
  Ref<SpaceControl> kept = array[0].control();  // what outlives a space is its control block
  (void)kept;
#ifdef CASE_h9_copied
  AddressSpace copy = array[0];
#endif
#ifdef CASE_h9_array
  std::vector<AddressSpace> grown;
  grown.push_back(std::move(array[0]));
#endif
#ifdef CASE_h9_deferred
  array[0].control()->~SpaceControl();
#endif
}

int main() {}
