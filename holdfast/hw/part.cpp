// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/part.hpp"

#include <utility>

#include "holdfast/gate/realm.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::hw {

Part::Part(Device& device, std::string_view kind, std::string name)
    : device_{device},
      kind_{kind},
      name_{std::move(name)},
      counted_{device.context().realm.census(), Census::Kind::kPart} {
  device.add(*this);
}

Part::~Part() {
  if (listed_) device_.remove(*this);
}

std::string Part::path() const { return device_.full_path() + ":" + name_; }

Context& Part::context() const { return device_.context(); }

gate::Gate& Part::gate() const { return device_.gate(); }

void DropPart::operator()(Part* part) const {
  if (part->device().remove(*part)) destroy(part);
}

void DropPart::destroy(Part* part) {
  gate::Activity::current().outbox().post(gate::Outbox::Kind::kOther, [part] {
    part->drop();
    delete part;
  });
}

// The transaction that makes the device invisible does not know of the part. What the device does with it
// from here on is behind this in the outbox, and dropped.
void Part::sever_late() {
  memory::Transaction map;
  sever(map);
  if (!map.empty()) context().fabric.post(std::move(map));
  severed();
}

Result<void> detail::join(Part& part) {
  Device& device = part.device();
  const Life life = device.life();
  if (life == Life::kBuilt) return {};  // joined, and prepared with the others
  if (life == Life::kPrepared || life == Life::kLive) {
    TRY(part.prepare());
    part.prepared_ = true;
  }
  bool too_late = false;
  {
    LockGuard guard{device.parts_mutex_};
    too_late = device.severing_;
    part.joined_ = !too_late;
    part.told_ = life == Life::kLive;
  }
  if (too_late) {
    part.sever_late();
    return {};
  }
  if (life != Life::kLive || !part.may_act()) return {};
  memory::Transaction map;
  part.publish(map);
  if (!map.empty()) part.context().fabric.post(std::move(map));  // adds: nothing to settle
  part.published();
  return {};
}

}  // namespace holdfast::hw
