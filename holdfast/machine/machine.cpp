// SPDX-License-Identifier: Apache-2.0
#include "holdfast/machine/machine.hpp"

#include <algorithm>
#include <latch>
#include <optional>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/hw/reset.hpp"
#include "holdfast/machine/realization.hpp"
#include "holdfast/rcu/waiting.hpp"

namespace holdfast::machine {
namespace {

boards::BoardPlan bus_plan() {
  boards::BoardPlan plan{"system bus"};
  plan.add<boards::SystemBus>("bus");
  return plan;
}

}  // namespace

std::string_view to_string(RunState state) {
  switch (state) {
    case RunState::kPrelaunch: return "prelaunch";
    case RunState::kRunning: return "running";
    case RunState::kPaused: return "paused";
    case RunState::kShutdown: return "shutdown";
  }
  return "?";
}

Result<std::unique_ptr<Machine>> Machine::make(Options options) {
  auto services = TRY(hw::Services::make(std::move(options.services)));
  std::unique_ptr<Machine> machine{
      new Machine{std::move(services), options.on_reset, options.on_shutdown}};
  TRY(machine->begin(options.control));
  return machine;
}

Result<std::unique_ptr<Machine>> Machine::make(const boards::BoardPlan& plan, Options options) {
  auto machine = TRY(make(std::move(options)));
  TRY(machine->realize(plan));
  return machine;
}

Machine::Machine(std::unique_ptr<hw::Services> services, OnReset on_reset, OnShutdown on_shutdown)
    : services_{std::move(services)},
      on_reset_{on_reset},
      on_shutdown_{on_shutdown},
      objects_{services_->tree(), "container"},
      node_{services_->tree(), "machine"},
      peripherals_{services_->tree(), "container"},
      anonymous_{services_->tree(), "container"} {}

Result<void> Machine::begin(Control control) {
  TRY(objects_.attach(tree().root(), "objects"));
  TRY(node_.attach(tree().root(), "machine"));
  TRY(peripherals_.attach(node_, kPeripherals));
  TRY(anonymous_.attach(node_, kAnonymous));
  context().requests = this;
  if (control == Control::kOwnThread) {
    std::latch bound{1};
    thread_ = std::thread{[this, &bound] {
      services_->control().bind_here();
      bound.count_down();
      loop().run();
    }};
    bound.wait();
  }
  TRY(realize(bus_plan()));
  bus_ = static_cast<boards::SystemBus*>(find("bus").get());
  return {};
}

// Jobs queued before are done first; then the devices go in reverse order of joining, and the services
// wait for whoever is still inside one.
Machine::~Machine() { end(); }

Census::Snapshot Machine::end() {
  rcu::check_may_wait("destroying a machine");
  if (thread_.joinable()) {
    loop().stop();
    thread_.join();
  }
  services_->control().bind_here();
  services_->control().run_pending();
  HF_SCHEDULE_POINT("machine.end.before_devices");
  if (hw::CpuSet* cpus = cpus_) cpus->pause();
  complete_asked();
  while (!devices_.empty()) devices_.pop_back();
  HF_SCHEDULE_POINT("machine.end.before_settling");
  services_->settle();
  for (const Leaving& leaving : std::exchange(leaving_, {})) leaving.ticket->abandon_errands();
  services_->settle();  // what follows those tickets
  backends_.clear();
  drives_ = {};
  memory_.clear();
  return services_->census();
}

object::Node* Machine::folder(std::string_view name) {
  if (name == kPeripherals) return &peripherals_;
  return name == kAnonymous ? &anonymous_ : nullptr;
}

void Machine::observe(Observer& observer) { observers_.push_back(&observer); }

void Machine::forget(Observer& observer) { std::erase(observers_, &observer); }

// Whoever is told may take itself out.
template <class Tell>
void Machine::tell(Tell tell) {
  const auto all = observers_;
  for (Observer* observer : all)
    if (std::ranges::find(observers_, observer) != observers_.end()) tell(*observer);
}

chardev::Chardev& Machine::keep(std::unique_ptr<chardev::Chardev> backend) {
  chardev::Chardev& kept = *backend;
  run_job("keep a back-end", [&] { backends_.push_back(std::move(backend)); });
  return kept;
}

chardev::Chardev* Machine::find_backend(std::string_view id) {
  const auto all = backends();
  const auto found = std::ranges::find(all, id, &chardev::Chardev::id);
  return found == all.end() ? nullptr : *found;
}

std::vector<chardev::Chardev*> Machine::backends() {
  std::vector<chardev::Chardev*> all;
  run_job("list back-ends", [&] {
    for (const auto& backend : backends_) all.push_back(backend.get());
  });
  return all;
}

Result<void> Machine::discard_backend(std::string_view id) {
  std::unique_ptr<chardev::Chardev> gone;  // outside of the job, for it may write to the host
  Result<void> result;
  run_job("discard a back-end", [&] {
    const auto found = std::ranges::find(backends_, id, [](const auto& it) { return it->id(); });
    if (found == backends_.end()) {
      result = fail("chardev '{}': not found", id);
    } else if ((*found)->is_attached()) {
      result = fail("chardev '{}' is in use; it can be removed when nobody uses it", id);
    } else {
      gone = std::move(*found);
      backends_.erase(found);
    }
  });
  return result;
}

Result<void> Machine::join(std::unique_ptr<hw::MemoryBackend> memory) {
  TRY(memory->node().attach(objects_, memory->id()));
  memory_.push_back(std::move(memory));
  return {};
}

Result<void> Machine::add_memory(const hw::MemoryBackend::Init& init) {
  Result<void> result;
  run_job("add memory", [&] {
    result = [&]() -> Result<void> {
      if (tree().has("/objects/" + init.id))
        return fail("id '{}' is taken; it takes one that no object has", init.id);
      return join(TRY(hw::MemoryBackend::make(context(), init)));
    }();
  });
  return result;
}

Result<void> Machine::note_board_memory(const hw::MemoryBackend::Init& init, const std::string& path) {
  Result<void> result;
  run_job("note memory", [&] { result = join(hw::MemoryBackend::of_board(context(), init, path)); });
  return result;
}

Result<void> Machine::discard_memory(std::string_view id) {
  Result<void> result;
  run_job("discard memory", [&] {
    const auto found = std::ranges::find(memory_, id, [](const auto& it) { return it->id(); });
    if (found == memory_.end())
      result = fail("object '{}' not found", id);
    else if (const std::string& user = (*found)->user(); !user.empty())
      result = fail("object '{}' is in use by {}; it can be deleted when that has gone", id, user);
    else
      memory_.erase(found);
  });
  return result;
}

std::vector<hw::MemoryBackend*> Machine::memory_now() {
  std::vector<hw::MemoryBackend*> all;
  for (const auto& memory : memory_) all.push_back(memory.get());
  return all;
}

void Machine::run_job(const char* what, const std::function<void()>& job) {
  if (hw::ControlQueue::current_job() != nullptr && control().on_control_thread()) return job();
  std::atomic<bool> done{false};
  control().post_now(what, [&] {
    job();
    done.store(true, std::memory_order_release);  // pairs with the load: what the job did is seen
  });
  control().wait_until([&] { return done.load(std::memory_order_acquire); });
}

// --- devices ---------------------------------------------------------------------------------------

Result<void> Machine::realize(const boards::BoardPlan& plan) {
  Result<void> result;
  run_job("realize a plan", [&] { result = realize_now(plan); });
  return result;
}

Result<void> Machine::realize_now(const boards::BoardPlan& plan) {
  if (ended_) return fail("board '{}': the machine ends", plan.name());
  TRY(Realization{*this, plan}.run());
  tell([](Observer& observer) { observer.devices_came(); });
  return {};
}

Ref<hw::Ticket> Machine::unplug(std::string name, Consent consent) {
  auto ticket =
      hw::Ticket::make(control(), services_->realm().census(), node_.path() + "/" + name);
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
        hw::Ticket::make(control(), services_->realm().census(), node_.path() + "/" + name);
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

hw::Device* Machine::find_now(std::string_view name) {
  const auto found = std::ranges::find(devices_, name, &Entry::name);
  return found == devices_.end() ? nullptr : found->device.get();
}

hw::Device* Machine::owner_of(std::string_view part_path) {
  for (const Entry& entry : devices_) {
    const std::string& path = entry.device->full_path();
    if (part_path.starts_with(path) && part_path.size() > path.size() &&
        (part_path[path.size()] == ':' || part_path[path.size()] == '/'))
      return entry.device.get();
  }
  return nullptr;
}

std::vector<hw::Device*> Machine::devices_now() {
  std::vector<hw::Device*> devices;
  for (const Entry& entry : devices_) devices.push_back(entry.device.get());
  return devices;
}

std::vector<chardev::Chardev*> Machine::backends_now() {
  std::vector<chardev::Chardev*> backends;
  for (const auto& backend : backends_) backends.push_back(backend.get());
  return backends;
}

std::vector<Ref<hw::Ticket>> Machine::tickets_now() {
  std::vector<Ref<hw::Ticket>> tickets;
  for (const Asked& one : asked_) tickets.push_back(one.ticket);
  for (const Leaving& leaving : leaving_)
    if (!leaving.ticket->done()) tickets.push_back(leaving.ticket);
  return tickets;
}

bool Machine::is_leaving(std::string_view name) {
  std::erase_if(leaving_, [](const Leaving& leaving) { return leaving.ticket->done(); });
  return std::ranges::find(leaving_, name, &Leaving::name) != leaving_.end();
}

object::Handle<hw::Device> Machine::find(std::string_view name) {
  object::Handle<hw::Device> handle;
  run_job("find a device", [&] {
    if (hw::Device* device = find_now(name)) handle = device->device_handle();
  });
  return handle;
}

std::vector<std::string> Machine::device_names() {
  std::vector<std::string> names;
  run_job("list devices", [&] {
    for (const Entry& entry : devices_) names.push_back(entry.name);
  });
  return names;
}

void Machine::while_paused(const std::function<void()>& look) {
  run_job("look at CPUs", [&] {
    std::optional<hw::Paused> paused;
    if (hw::CpuSet* cpus = cpus_) paused.emplace(*cpus);
    look();
  });
}

// --- running ---------------------------------------------------------------------------------------

void Machine::set_cpus(hw::CpuSet* cpus) {
  run_job("set CPUs", [&] { cpus_ = cpus; });
}

void Machine::set_run_state(RunState state) {
  const RunState before = run_state();
  if (before == state || before == RunState::kShutdown) return;  // only a reset leads out of it
  state_.store(state, std::memory_order_release);
  if (state == RunState::kRunning) {
    services_->clock().start();
    if (hw::CpuSet* cpus = cpus_) cpus->resume();
  } else if (before == RunState::kRunning) {
    if (hw::CpuSet* cpus = cpus_) cpus->pause();
    services_->clock().stop();
  }
  tell([&](Observer& observer) { observer.run_state_changed(before, state); });
}

void Machine::run() {
  run_job("run", [this] { set_run_state(RunState::kRunning); });
}

void Machine::pause() {
  run_job("pause", [this] { set_run_state(RunState::kPaused); });
}

void Machine::reset(Cause cause) {
  run_job("reset", [this, cause] { reset_now(cause); });
}

void Machine::request_reset(Cause cause) {
  hw::CpuSet* held = hold_cpus();
  control().post("reset", [this, cause, held] {
    if (on_reset_.load(std::memory_order_relaxed) == OnReset::kReset)
      reset_now(cause);
    else
      shut_down_now(0, on_shutdown_.load(std::memory_order_relaxed), cause);
    if (held != nullptr) held->resume();
  });
}

// A guest that begins anew has let go of everything, and does not see it go.
void Machine::reset_now(Cause cause) {
  std::optional<hw::Paused> paused;
  if (hw::CpuSet* cpus = cpus_; cpus != nullptr && !asked_.empty()) paused.emplace(*cpus);
  complete_asked();
  std::vector<hw::Device*> snapshot;
  for (const Entry& entry : devices_) snapshot.push_back(entry.device.get());
  hw::reset_devices(snapshot, services_->holdback(), cpus_);
  if (!ended_ && run_state() == RunState::kShutdown)
    state_.store(RunState::kPrelaunch, std::memory_order_release);
  tell([&](Observer& observer) { observer.was_reset(cause); });
}

void Machine::power_down() {
  run_job("power down", [this] {
    tell([](Observer& observer) { observer.asked_to_power_down(); });
  });
}

void Machine::shut_down_now(int status, OnShutdown then, Cause cause) {
  if (ended_ || (then == OnShutdown::kStay && run_state() == RunState::kShutdown)) return;
  tell([&](Observer& observer) {
    observer.switched_off(cause, then == OnShutdown::kStay ? Observer::Afterwards::kStays
                                                           : Observer::Afterwards::kEnds);
  });
  exit_status_.store(status, std::memory_order_release);
  set_run_state(RunState::kShutdown);
  if (then == OnShutdown::kStay) return;
  ended_ = true;
  if (!thread_.joinable()) loop().stop();
}

// Whoever asked executes nothing more before the job is done, a CPU among them.
hw::CpuSet* Machine::hold_cpus() {
  hw::CpuSet* cpus = cpus_.load(std::memory_order_acquire);
  if (cpus != nullptr) cpus->hold();
  return cpus;
}

// A machine that stays is not running when its CPUs may go on, so they do not.
void Machine::request_quit(int status) {
  hw::CpuSet* held = hold_cpus();
  control().post("quit", [this, status, held] {
    shut_down_now(status, on_shutdown_.load(std::memory_order_relaxed), Cause::kGuestShutdown);
    if (held != nullptr) held->resume();
  });
}

void Machine::request_end(int status, Cause cause) {
  control().post("end",
                 [this, status, cause] { shut_down_now(status, OnShutdown::kEnd, cause); });
}

// --- about it --------------------------------------------------------------------------------------

Census::Snapshot Machine::census() {
  run_job("settle", [] {});  // what was posted before is done
  return services_->census();
}

}  // namespace holdfast::machine
