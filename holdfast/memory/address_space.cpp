// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/address_space.hpp"

#include <thread>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/fabric_write.hpp"

namespace holdfast::memory {

SpaceControl::SpaceControl(Fabric& fabric, std::string name, std::uint16_t requester_id)
    : view_{&fabric.nothing()},
      fabric_{fabric},
      requester_id_{requester_id},
      name_{std::move(name)},
      counted_{fabric.realm().census(), Census::Kind::kSpace} {
  fabric_.count_control(1);
}

/// The writer is between two stores.
void SpaceControl::wait_for_view() {
  HF_SCHEDULE_POINT("memory.space.between_views");
  std::this_thread::yield();
}

SpaceControl::~SpaceControl() {
  HF_CHECK(bound_ == nullptr, "address space '{}' goes while it sees a view", name_);
  fabric_.count_control(-1);
}

AddressSpace::AddressSpace(Fabric& fabric, Init init)
    : control_{Ref<SpaceControl>::adopt(
          new SpaceControl{fabric, std::move(init.name), init.requester_id})} {}

AddressSpace::AddressSpace(Fabric& fabric, const MemoryRegion& root, Init init)
    : AddressSpace{fabric, std::move(init)} {
  set_root(root);
}

void AddressSpace::set_root(const MemoryRegion& root) {
  if (may_write_now())
    fabric().write_now([&](Map& map) { map.set_root(*control_, root.control().get()); });
  else
    fabric().write_later([space = control_, region = root.control()](Map& map) {
      map.set_root(*space, region.get());
    });
}

AddressSpace::~AddressSpace() {
  Fabric& its_fabric = fabric();
  if (may_write_now())
    its_fabric.write_now([&](Map& map) { map.drop_space(*control_); });
  else
    its_fabric.write_later([space = std::move(control_)](Map& map) { map.drop_space(*space); });
}

void AddressSpace::drain() { fabric().realm().domain().synchronize(); }

}  // namespace holdfast::memory
