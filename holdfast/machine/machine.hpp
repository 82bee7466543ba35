// SPDX-License-Identifier: Apache-2.0
// A machine: the one owner of everything in it.
//
// It realises board plans, plugs and unplugs devices while it runs, resets, and ends, at any moment
// and with anything in flight. What it is asked to do becomes a job on its control queue; the caller
// waits for the answer where one is given, except in a job or a callback, where the request is queued
// (request_reset, unplug, request_quit never wait).
//
// THREADS: anything here may be called from any thread. The control thread is either the machine's own
// (Control::kOwnThread) or the thread that made it, which then runs loop().run() or has jobs done
// whenever it waits for one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/base/census.hpp"
#include "holdfast/base/find_descriptor.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/nodes.hpp"
#include "holdfast/boards/machine_type.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/boards/system_bus.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/hw/bus.hpp"
#include "holdfast/hw/cpu_set.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/io_thread.hpp"
#include "holdfast/hw/machine_requests.hpp"
#include "holdfast/hw/memory_backend.hpp"
#include "holdfast/hw/services.hpp"
#include "holdfast/hw/slot.hpp"
#include "holdfast/hw/ticket.hpp"
#include "holdfast/machine/observer.hpp"
#include "holdfast/object/object.hpp"

namespace holdfast::machine {

std::string_view to_string(RunState state);

class Machine final : private hw::MachineRequests {
 public:
  enum class Control : std::uint8_t { kOwnThread, kCaller };
  /// What comes of request_reset(): a reset, or what comes of request_quit().
  enum class OnReset : std::uint8_t { kReset, kShutdown };
  /// What comes of request_quit(): the end, or a machine that is switched off and stays as it is.
  enum class OnShutdown : std::uint8_t { kEnd, kStay };
  struct Options {
    const object::Type* type = boards::machine_type("none");
    std::vector<object::PropertyInfo> properties{};  // that it shows, as they were said
    hw::Services::Options services{};
    Control control = Control::kCaller;
    OnReset on_reset = OnReset::kReset;
    OnShutdown on_shutdown = OnShutdown::kEnd;
  };
  /// A machine with nothing but its system bus; fails if the host refuses descriptors.
  static Result<std::unique_ptr<Machine>> make(Options options);
  /// With the devices of a plan. On error nothing is left.
  static Result<std::unique_ptr<Machine>> make(const boards::BoardPlan& plan, Options options);
  /// As end().
  ~Machine();
  /// Takes everything away, waits for the insiders of devices, and for nobody's holds; returns what is
  /// left, which is nothing unless somebody outside of the machine keeps it. After that it can only
  /// be destroyed. On the thread that made it.
  Census::Snapshot end();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // --- devices -----------------------------------------------------------------------------------

  /// Adds what is in the plan, all of it or, with an error, nothing. Devices that join a machine are
  /// reset by that.
  Result<void> realize(const boards::BoardPlan& plan);
  /// One device of type T, whose region "regs" shows at an address of the system bus.
  template <class T, class... Config>
  Result<void> plug(std::string name, std::uint64_t address, Config&&... config) {
    boards::BoardPlan plan{"plug of " + name};
    const auto device = plan.add<T>(std::move(name), std::forward<Config>(config)...);
    plan.map_into(plan.existing("bus").region("memory"), {{address, device.region("regs")}});
    return realize(plan);
  }
  enum class Consent : std::uint8_t {
    kAsk,       // whoever has a say in it is asked first
    kSurprise,  // it is torn out
  };
  /// Asks for a device to be taken away, with what sits on its buses and in the same slot, and returns at
  /// once, from a callback, too. The ticket is refused if that cannot be, or if the guest does not agree.
  Ref<hw::Ticket> unplug(std::string name, Consent consent = Consent::kAsk);
  /// The same where the guest is asked first; says whether it could be, and not what it answers.
  Result<void> ask_to_unplug(const std::string& name);
  /// The slot that has a say in whether a device may go; null: nobody has. Control thread.
  hw::Slot* slot_of(hw::Device& device);
  /// Whether its bus lets devices go while the machine runs; unplug() does not ask that. Control thread.
  Result<void> check_unpluggable(hw::Device& device);
  /// Whether it has been asked for and has not begun.
  bool is_unplug_requested(std::string_view name);
  /// For so long nobody is asked again for the same device: virtual time.
  static constexpr std::uint64_t kPatienceNs = 5'000'000'000;
  /// See boards/plan.hpp.
  static constexpr std::string_view kPeripherals = boards::kPeripherals;
  static constexpr std::string_view kAnonymous = boards::kAnonymous;
  /// By name; expires with the device. See object/handle.hpp for where it may be looked into.
  object::Handle<hw::Device> find(std::string_view name);
  std::vector<std::string> device_names();
  boards::SystemBus& bus() { return *bus_; }
  // For the control thread: all there are at the moment, in order of joining; of the unplugs those
  // that are not done.
  std::vector<hw::Device*> devices_now();
  hw::Device* find_now(std::string_view name);
  /// Of a part, by its path; null if it is nobody's.
  hw::Device* owner_of(std::string_view part_path);
  /// Whether a device of that name is severed and not yet destroyed.
  bool is_leaving(std::string_view name);
  std::vector<chardev::Chardev*> backends_now();
  std::vector<Ref<hw::Ticket>> tickets_now();

  /// A back-end for its devices: kept until it is discarded or they have gone.
  chardev::Chardev& keep(std::unique_ptr<chardev::Chardev> backend);
  /// By id, null if there is none; and all, in order of joining. For as long as nobody discards them.
  chardev::Chardev* find_backend(std::string_view id);
  std::vector<chardev::Chardev*> backends();
  /// Destroys one; an error if there is none of that id, or if it is in use. On the control thread.
  Result<void> discard_backend(std::string_view id);

  /// What stands for files that drives and memory made from now on name. Control thread; whoever gives
  /// it takes it back before he goes.
  void find_descriptors_by(FindDescriptor find);

  /// Memory for modules of RAM, at /objects/ID. Errors: the id is taken, or the host refuses.
  Result<void> add_memory(const hw::MemoryBackend::Init& init);
  /// One that the device at `path` shows as RAM of the board.
  Result<void> note_board_memory(const hw::MemoryBackend::Init& init, const std::string& path);
  /// A thread with an event loop, at /objects/ID; `values` are of its properties. Errors: the id is taken,
  /// properties it has not, or the host refuses.
  Result<void> add_io_thread(const std::string& id,
                             const std::vector<std::pair<std::string, std::string>>& values);
  /// Gives memory back to the host, or ends a thread; an error if there is none of that id, or if it is in
  /// use.
  Result<void> discard_object(std::string_view id);
  /// For the control thread: all there are, in order of joining.
  std::vector<hw::MemoryBackend*> memory_now();
  std::vector<hw::IoThread*> io_threads_now();

  /// Block back-ends by name. For the control thread.
  block::Nodes& drives() { return drives_; }

  // --- running -----------------------------------------------------------------------------------

  /// Whoever executes instructions; null before there is one. Outlives the machine or takes itself out.
  void set_cpus(hw::CpuSet* cpus);
  RunState run_state() const { return state_.load(std::memory_order_acquire); }
  void run();
  void pause();
  /// Three phases over all devices; returns when they are done. A machine that does not run is as before its
  /// start then, one that was switched off, too.
  void reset(Cause cause = Cause::kHostReset);
  /// What somebody at a monitor asks for: what Options::on_reset makes of it, which is done when this
  /// returns.
  void reset_on_demand(Cause cause);
  /// The same, later, from a callback or a job.
  void request_reset() override { request_reset(Cause::kGuestReset); }
  void request_reset(Cause cause);
  /// The machine is switched off, with this exit status: state kShutdown, and, if
  /// Options::on_shutdown does not keep it, its loop stops.
  void request_quit(int status) override;
  /// The same, and its loop stops in any case: a signal, the escape key, a monitor's `quit`.
  void request_end(int status, Cause cause = Cause::kHostRequest);
  /// What comes of later requests. From any thread.
  void set_on_reset(OnReset then) { on_reset_.store(then, std::memory_order_relaxed); }
  void set_on_shutdown(OnShutdown then) { on_shutdown_.store(then, std::memory_order_relaxed); }
  /// Runs `look` on the control thread while no CPU executes an instruction.
  void while_paused(const std::function<void()>& look);
  /// Presses the power button. What a guest makes of it is the guest's.
  void power_down();
  /// On the control thread, as are the calls. An observer takes itself out before it goes.
  void observe(Observer& observer);
  void forget(Observer& observer);
  int exit_status() const { return exit_status_.load(std::memory_order_acquire); }

  // --- about it ----------------------------------------------------------------------------------

  /// What is alive, after reclamation has passed a barrier. Not inside anything.
  Census::Snapshot census();

  hw::Services& services() { return *services_; }
  hw::Context& context() { return services_->context(); }
  hw::ControlQueue& control() { return services_->control(); }
  EventLoop& loop() { return services_->loop(); }
  hw::VirtualClock& clock() { return services_->clock(); }
  memory::Fabric& fabric() { return services_->fabric(); }
  object::Tree& tree() { return services_->tree(); }
  /// "/machine"
  object::Node& node() { return shown_.node(); }
  /// The nodes of kPeripherals and kAnonymous; null for other names.
  object::Node* folder(std::string_view name);

  /// Runs `job` on the control thread and returns when it has been done; at once if this is a job.
  void run_job(const char* what, const std::function<void()>& job);

 private:
  Machine(std::unique_ptr<hw::Services> services, const Options& options);
  Result<void> begin(Control control);

  hw::CpuSet* hold_cpus();

  // Jobs.
  Result<void> realize_now(const boards::BoardPlan& plan);
  void unplug_now(const std::string& name, Consent consent, Ref<hw::Ticket> ticket);
  /// Whether the answer has to be waited for; an error if nobody can be asked.
  Result<bool> ask(const std::string& name, hw::Slot& slot, const Ref<hw::Ticket>& ticket);
  void slot_decided(object::Handle<hw::Slot> slot, std::uint64_t seating, Verdict verdict) override;
  void request_reset_below(object::Handle<hw::Bus> bus) override;
  void keep(hw::Slot& slot);
  void complete_asked();
  /// What sits on buses of a device, and on theirs, those furthest below first.
  void collect_riders(hw::Device& device, std::vector<hw::Device*>& riders);
  /// The device goes, and all that goes with it.
  void take_out(hw::Device& device, Ref<hw::Ticket> ticket);
  void depart(hw::Device& device, Ref<hw::Ticket> ticket);
  void reset_or_end(Cause cause);
  void reset_now(Cause cause);
  void shut_down_now(int status, OnShutdown then, Cause cause);
  void set_run_state(RunState state);
  template <class Tell>
  void tell(Tell tell);

  struct Entry {
    std::string name;
    hw::Owned<hw::Device> device;
  };
  friend class Realization;

  const std::unique_ptr<hw::Services> services_;
  // Relaxed: nothing else goes with them.
  std::atomic<OnReset> on_reset_;
  std::atomic<OnShutdown> on_shutdown_;
  std::vector<std::unique_ptr<chardev::Chardev>> backends_;  // control thread
  block::Nodes drives_;                                      // the same
  FindDescriptor find_descriptor_;                           // the same
  Result<void> join(std::unique_ptr<hw::MemoryBackend> memory);
  Result<void> discard_memory_now(std::string_view id);
  /// Whether no object has it.
  Result<void> check_free(const std::string& id);

  /// What the tree shows of it.
  class Shown final : public object::Object {
   public:
    Shown(object::Tree& tree, const Options& options)
        : Object{*options.type, tree}, properties_{options.properties} {}

   private:
    std::vector<object::PropertyInfo> own_properties() const override { return properties_; }
    const std::vector<object::PropertyInfo> properties_;
  };

  object::Node objects_;
  std::vector<std::unique_ptr<hw::MemoryBackend>> memory_;   // control thread
  std::vector<std::unique_ptr<hw::IoThread>> io_threads_;    // the same
  Shown shown_;
  object::Node peripherals_;
  object::Node anonymous_;
  std::vector<Observer*> observers_;  // control thread
  std::vector<Entry> devices_;  // control thread; in order of joining
  struct Leaving {
    std::string name;
    Ref<hw::Ticket> ticket;
  };
  std::vector<Leaving> leaving_;  // control thread; some may be done
  struct Asked {
    std::string name;
    Ref<hw::Ticket> ticket;
    std::uint64_t again_ns;  // from then on it may be asked for again
  };
  std::vector<Asked> asked_;  // control thread; until the guest has answered
  std::vector<Asked>::iterator asked(std::string_view name);
  Mutex requests_mutex_{LockRank::kLeaf, "requested unplugs"};
  std::vector<Leaving> requested_ HF_GUARDED_BY(requests_mutex_);
  boards::SystemBus* bus_ = nullptr;  // the first of devices_
  std::atomic<hw::CpuSet*> cpus_{nullptr};  // set on the control thread
  std::atomic<RunState> state_{RunState::kPrelaunch};
  bool ended_ = false;  // control thread; there is no way back
  std::atomic<int> exit_status_{0};
  std::thread thread_;
};

}  // namespace holdfast::machine
