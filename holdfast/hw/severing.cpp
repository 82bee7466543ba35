// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/severing.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/gate.hpp"
#include "holdfast/hw/control_queue.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/memory/fabric.hpp"
#include "holdfast/memory/transaction.hpp"

namespace holdfast::hw {

void Severing::begin(Device* device, Ref<Ticket> ticket) {
  HF_CHECK(device->parent() == nullptr, "{}: a child goes with its parent", device->full_path());
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kOther, [device, ticket = std::move(ticket)]() mutable {
        auto* severing = new Severing{*device, std::move(ticket)};
        severing->sever();
      });
}

Severing::Severing(Device& device, Ref<Ticket> ticket)
    : device_{device},
      context_{device.context()},
      ticket_{std::move(ticket)},
      subtree_{device.subtree()},
      was_live_{device.life() == Life::kLive},
      steps_left_{subtree_.size() + 1} {}

void Severing::sever() {
  device_.node().detach();  // the name first
  {
    // What severing causes elsewhere (a level that falls, say) waits until no lock is held.
    const gate::Outbox::Deferral later{gate::Activity::current().outbox()};
    memory::Transaction map;
    for (Device* device : subtree_) {
      device->expire_handles();
      device->sever_parts(map);
    }
    if (ticket_) note_remains();
    for (Device* device : subtree_)
      map.close(Ref<gate::Gate>::share(&device->gate()), [this] { step(); });
    HF_SCHEDULE_POINT("hw.sever.before_commit");
    const auto done = context_.fabric.commit(std::move(map));
    HF_CHECK(done.has_value(), "{}: severing failed: {}", device_.full_path(),
             done.error().message);
    HF_SCHEDULE_POINT("hw.sever.committed");
    for (Device* device : subtree_) {
      device->enter_life(Life::kClosed);
      device->for_each_part([](Part& part) { part.severed(); });
    }
    if (ticket_) ticket_->reach(Ticket::Stage::kSevered);
  }
  if (!last_step()) return;
  // Nobody ever came into a device that was never published: it goes here and now.
  if (was_live_)
    drained();
  else
    reclaim();
}

void Severing::note_remains() {
  Remains remains;
  for (Device* device : subtree_) {
    remains.gates.push_back(Ref<gate::Gate>::share(&device->gate()));
    device->for_each_part([&](const Part& part) { part.note_remains(remains); });
  }
  ticket_->note_remains(std::move(remains));
}

void Severing::step() {
  if (last_step()) drained();
}

// On the last insider's thread, which may hold locks. The device is destroyed by a job, so that the
// control thread may look at live devices without a lock.
void Severing::drained() {
  for (Device* device : subtree_) device->enter_life(Life::kDrained);
  if (ticket_) ticket_->reach(Ticket::Stage::kDrained);
  const bool uncounted = std::ranges::any_of(subtree_, [](const Device* device) {
    return device->gate().locking() == gate::Locking::kGrace;
  });
  HF_SCHEDULE_POINT("hw.sever.drained");
  if (uncounted)
    context_.control.post_after_grace("reclaim a device", [this] { reclaim(); });
  else
    context_.control.post_now("reclaim a device", [this] { reclaim(); });
}

void Severing::reclaim() {
  delete &device_;
  if (ticket_) ticket_->device_gone();
  delete this;
}

}  // namespace holdfast::hw
