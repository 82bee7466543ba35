// SPDX-License-Identifier: Apache-2.0
// How devices go: who is asked, what goes along, and what becomes of the tickets.
#include <algorithm>
#include <utility>

#include "holdfast/hw/reset.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/machine/tell.hpp"

namespace holdfast::machine {

Ref<hw::Ticket> Machine::unplug(std::string name, Consent consent) {
  auto ticket =
      hw::Ticket::make(control(), services_->realm().census(), node().path() + "/" + name);
  {
    const LockGuard guard{requests_mutex_};
    requested_.push_back({name, ticket});
  }
  control().post("unplug", [this, name = std::move(name), consent, ticket] {
    unplug_now(name, consent, ticket);
  });
  return ticket;
}

Result<void> Machine::ask_to_unplug(const std::string& name) {
  Result<void> result;
  run_job("ask a slot", [&] {  // looked at in the same job: the guest's answer is a later one
    auto ticket =
        hw::Ticket::make(control(), services_->realm().census(), node().path() + "/" + name);
    unplug_now(name, Consent::kAsk, ticket);
    if (ticket->stage() == hw::Ticket::Stage::kRefused) result = fail("{}", ticket->report().reason);
  });
  return result;
}

bool Machine::is_unplug_requested(std::string_view name) {
  const LockGuard guard{requests_mutex_};
  return std::ranges::find(requested_, name, &Leaving::name) != requested_.end();
}

void Machine::unplug_now(const std::string& name, Consent consent, Ref<hw::Ticket> ticket) {
  {
    const LockGuard guard{requests_mutex_};
    std::erase_if(requested_, [&](const Leaving& one) { return one.ticket.get() == ticket.get(); });
  }
  hw::Device* device = find_now(name);
  if (device == nullptr) return ticket->refuse("device '" + name + "': not found");
  if (device == bus_) return ticket->refuse("device '" + name + "': goes with the machine");
  if (consent == Consent::kAsk) {
    if (hw::Slot* slot = slot_of(*device)) {
      const auto awaited = ask(name, *slot, ticket);
      if (!awaited) return ticket->refuse(awaited.error().message);
      if (*awaited) return;
    }
  }
  take_out(*device, std::move(ticket));
}

// --- buses and slots ---------------------------------------------------------------------------------

namespace {

/// The one that is no child.
hw::Device* top_of(hw::Device& device) {
  hw::Device* top = &device;
  while (top->parent() != nullptr) top = top->parent();
  return top;
}

/// What a device sits on; null if it needs no bus.
hw::Bus* bus_of(const hw::Device& device) {
  hw::Bus* bus = nullptr;
  device.for_each_part([&](hw::Part& part) {
    if (const auto* link = dynamic_cast<hw::BusLink*>(&part)) bus = link->get();
  });
  return bus;
}

bool has_bus(hw::Device& device) {
  bool has = false;
  for (const hw::Device* one : device.subtree())
    one->for_each_part([&](const hw::Part& part) { has = has || dynamic_cast<const hw::Bus*>(&part) != nullptr; });
  return has;
}

}  // namespace

hw::Slot* Machine::slot_of(hw::Device& device) {
  hw::Bus* bus = bus_of(device);
  return bus == nullptr ? nullptr : bus->slot_of(device);
}

Result<void> Machine::check_unpluggable(hw::Device& device) {
  const hw::Bus* bus = bus_of(device);
  return bus == nullptr ? Result<void>{} : bus->hot_pluggable();
}

// Nobody may come and see them half reset.
void Machine::request_reset_below(object::Handle<hw::Bus> bus) {
  hw::CpuSet* held = hold_cpus();
  control().post("reset below a bus", [this, bus = std::move(bus), held] {
    if (const hw::Bus* above = bus.get()) {
      std::vector<hw::Device*> riders;
      for (hw::Device* one : devices_now())
        if (bus_of(*one) == above) {
          riders.push_back(one);
          collect_riders(*one, riders);
        }
      hw::reset_devices(riders, services_->holdback(), cpus_);
    }
    if (held != nullptr) held->resume();
  });
}

// --- consent: who is asked, and what is made of the answer -------------------------------------------

namespace {

/// The second ticket of an unplug ends as the first does.
void follow(const Ref<hw::Ticket>& first, Ref<hw::Ticket> second) {
  first->when_done([first, second = std::move(second)] {
    if (first->stage() == hw::Ticket::Stage::kReclaimed)
      second->reach(hw::Ticket::Stage::kReclaimed);
    else
      second->refuse(first->report().reason);
  });
}

}  // namespace

std::vector<Machine::Asked>::iterator Machine::asked(std::string_view name) {
  return std::ranges::find(asked_, name, &Asked::name);
}

Result<bool> Machine::ask(const std::string& name, hw::Slot& slot, const Ref<hw::Ticket>& ticket) {
  const auto before = asked(name);
  if (before != asked_.end() && clock().now_ns() < before->again_ns)
    return fail("device '{}' is being unplugged already: the guest has been asked", name);
  if (TRY(slot.ask()) == hw::Slot::Answer::kGo) return false;
  const std::uint64_t again = clock().now_ns() + kPatienceNs;
  if (before == asked_.end()) {
    ticket->await("the guest is asked by " + slot.slot_name());
    asked_.push_back({name, ticket, again});
  } else {
    before->again_ns = again;
    follow(before->ticket, ticket);
  }
  return true;
}

// In the order of the callbacks that they came from, behind what those did to the slot.
void Machine::slot_decided(object::Handle<hw::Slot> slot, std::uint64_t seating, Verdict verdict) {
  control().post("answer of a slot", [this, slot = std::move(slot), seating, verdict] {
    hw::Slot* here = slot.get();
    if (here == nullptr || here->seating() != seating) return;
    if (verdict == Verdict::kKept) return keep(*here);
    const auto occupants = here->occupants();
    if (!occupants.empty()) take_out(*top_of(*occupants.front()), {});
  });
}

void Machine::keep(hw::Slot& slot) {
  const auto occupants = slot.occupants();
  std::vector<Asked> kept;
  std::erase_if(asked_, [&](const Asked& one) {
    const bool here = std::ranges::find(occupants, find_now(one.name)) != occupants.end();
    if (here) kept.push_back(one);
    return here;
  });
  for (const Asked& one : kept) {
    one.ticket->refuse("device '" + one.name + "': the guest keeps it");
    tell([&](Observer& observer) { observer.guest_kept(one.name, one.ticket->path()); });
  }
}

void Machine::complete_asked() {
  while (!asked_.empty()) {
    const Asked first = asked_.front();
    take_out(*find_now(first.name), first.ticket);
  }
}

void Machine::collect_riders(hw::Device& device, std::vector<hw::Device*>& riders) {
  if (!has_bus(device)) return;
  for (hw::Device* one : devices_now()) {
    const hw::Bus* bus = bus_of(*one);
    if (bus == nullptr || top_of(bus->device()) != &device) continue;
    collect_riders(*one, riders);
    riders.push_back(one);
  }
}

void Machine::take_out(hw::Device& device, Ref<hw::Ticket> ticket) {
  hw::Slot* slot = slot_of(device);
  std::vector<hw::Device*> together{&device};
  if (slot != nullptr)
    for (hw::Device* occupant : slot->occupants())
      if (top_of(*occupant) != &device) together.push_back(top_of(*occupant));
  std::vector<hw::Device*> going;
  for (hw::Device* one : together) {
    collect_riders(*one, going);
    going.push_back(one);
  }
  if (slot != nullptr) slot->vacate();
  for (hw::Device* one : going) depart(*one, one == &device ? ticket : Ref<hw::Ticket>{});
}

// What it was asked for is done by this, whatever led to it.
void Machine::depart(hw::Device& device, Ref<hw::Ticket> ticket) {
  const auto found = std::ranges::find(devices_, &device, [](const Entry& one) { return one.device.get(); });
  const std::string name = found->name;
  if (const auto before = asked(name); before != asked_.end()) {
    if (ticket && ticket.get() != before->ticket.get()) follow(before->ticket, std::move(ticket));
    ticket = before->ticket;
    asked_.erase(before);
  }
  if (!ticket)
    ticket = hw::Ticket::make(control(), services_->realm().census(), device.full_path());
  found->device.release();
  devices_.erase(found);
  leaving_.push_back({name, ticket});
  ticket->when_done([this, name, path = ticket->path()] {
    tell([&](Observer& observer) { observer.device_went(name, path); });
  });
  hw::Device::dispose(&device, std::move(ticket));
}

}  // namespace holdfast::machine
