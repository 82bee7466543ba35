// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/space.hpp"

#include "holdfast/hw/context.hpp"

namespace holdfast::hw {

Space::Space(Device& device, std::string name, RegionLink& link, std::uint16_t requester_id)
    : Part{device, "space", std::move(name)},
      link_{&link},
      space_{context().fabric, {.name = path(), .requester_id = requester_id}} {}

Space::Space(Device& device, std::string name, std::uint16_t requester_id)
    : Part{device, "space", std::move(name)},
      link_{nullptr},
      space_{context().fabric, {.name = path(), .requester_id = requester_id}} {}

void Space::set_root(RegionPart& root) {
  root_ = object::Handle<RegionPart>{root};
  if (root.exists()) space_.set_root(root.region());
}

Result<void> Space::prepare() {
  RegionPart* root = link_ != nullptr ? link_->get() : root_.get();
  if (root == nullptr) return {};  // a required link fails its own prepare
  if (!root->exists()) return fail("{}: {} is not made yet", path(), root->path());
  space_.set_root(root->region());
  return {};
}

void Space::unprepare() { space_.set_root({}); }

}  // namespace holdfast::hw
