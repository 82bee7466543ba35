// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/address_space.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
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

SpaceControl::~SpaceControl() { fabric_.count_control(-1); }

void SpaceControl::last_reference_gone() noexcept {
  HF_CHECK(bound_ == nullptr, "address space '{}' goes while it sees a view", name_);
  fabric_.realm().domain().retire(this, [](SpaceControl* self) { delete self; });
}

AddressSpace::AddressSpace(Fabric& fabric, Init init)
    : control_{Ref<SpaceControl>::adopt(
          new SpaceControl{fabric, std::move(init.name), init.requester_id})} {}

AddressSpace::AddressSpace(Fabric& fabric, const MemoryRegion& root, Init init)
    : AddressSpace{fabric, std::move(init)} {
  set_root(root);
}

void AddressSpace::set_root(const MemoryRegion& root) {
  fabric().write_or_post([space = control_, region = root.control()](Map& map) {
    map.set_root(*space, region.get());
  });
}

AddressSpace::~AddressSpace() {
  Fabric& its_fabric = fabric();
  its_fabric.write_or_post([space = std::move(control_)](Map& map) { map.drop_space(*space); });
}

void AddressSpace::drain() { fabric().realm().domain().synchronize(); }

}  // namespace holdfast::memory
