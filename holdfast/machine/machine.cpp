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
#include "holdfast/machine/tell.hpp"
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
  std::unique_ptr<Machine> machine{new Machine{std::move(services), options}};
  TRY(machine->begin(options.control));
  return machine;
}

Result<std::unique_ptr<Machine>> Machine::make(const boards::BoardPlan& plan, Options options) {
  auto machine = TRY(make(std::move(options)));
  TRY(machine->realize(plan));
  return machine;
}

Machine::Machine(std::unique_ptr<hw::Services> services, const Options& options)
    : services_{std::move(services)},
      on_reset_{options.on_reset},
      on_shutdown_{options.on_shutdown},
      objects_{services_->tree(), "container"},
      shown_{services_->tree(), options},
      peripherals_{services_->tree(), "container"},
      anonymous_{services_->tree(), "container"} {}

Result<void> Machine::begin(Control control) {
  TRY(objects_.attach(tree().root(), "objects"));
  TRY(node().attach(tree().root(), "machine"));
  TRY(peripherals_.attach(node(), kPeripherals));
  TRY(anonymous_.attach(node(), kAnonymous));
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
    HF_SCHEDULE_POINT("machine.end.loop_told");
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
  io_threads_.clear();
  return services_->census();
}

object::Node* Machine::folder(std::string_view name) {
  if (name == kPeripherals) return &peripherals_;
  return name == kAnonymous ? &anonymous_ : nullptr;
}

void Machine::observe(Observer& observer) { observers_.push_back(&observer); }

void Machine::forget(Observer& observer) { std::erase(observers_, &observer); }

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

void Machine::reset_on_demand(Cause cause) {
  run_job("reset on demand", [this, cause] { reset_or_end(cause); });
}

void Machine::request_reset(Cause cause) {
  hw::CpuSet* held = hold_cpus();
  control().post("reset", [this, cause, held] {
    reset_or_end(cause);
    if (held != nullptr) held->resume();
  });
}

void Machine::reset_or_end(Cause cause) {
  if (on_reset_.load(std::memory_order_relaxed) == OnReset::kReset)
    reset_now(cause);
  else
    shut_down_now(0, on_shutdown_.load(std::memory_order_relaxed), cause);
}

// A guest that begins anew has let go of everything, and does not see it go.
void Machine::reset_now(Cause cause) {
  std::optional<hw::Paused> paused;
  if (hw::CpuSet* cpus = cpus_; cpus != nullptr && !asked_.empty()) paused.emplace(*cpus);
  complete_asked();
  std::vector<hw::Device*> snapshot;
  for (const Entry& entry : devices_) snapshot.push_back(entry.device.get());
  hw::reset_devices(snapshot, services_->holdback(), cpus_);
  if (!ended_ && run_state() != RunState::kRunning)
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
