// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/emulator.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "holdfast/accel/hart_gang.hpp"
#include "holdfast/accel/semihosting.hpp"
#include "holdfast/app/backends.hpp"
#include "holdfast/app/devices.hpp"
#include "holdfast/app/machines.hpp"
#include "holdfast/app/memory_objects.hpp"
#include "holdfast/app/nodes.hpp"
#include "holdfast/app/options/table.hpp"
#include "holdfast/app/process.hpp"
#include "holdfast/app/rtc.hpp"
#include "holdfast/app/signals.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/boards/device_configuration.hpp"
#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/expansion.hpp"
#include "holdfast/boards/machine_type.hpp"
#include "holdfast/control/hmp/server.hpp"
#include "holdfast/control/qmp/server.hpp"
#include "holdfast/control/qtest/server.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::app {
namespace {

/// Where CPUs will be and can be when the machine is made: what is said before that.
class CpusToCome final : public boards::Expansion {
 public:
  explicit CpusToCome(std::function<std::vector<CpuSocket>()> sockets) : sockets_{std::move(sockets)} {}
  std::vector<CpuSocket> cpu_sockets() const override { return sockets_(); }

 private:
  const std::function<std::vector<CpuSocket>()> sockets_;
};

class Emulator {
 public:
  Emulator(const Options& options, const MachineType& type)
      : options_{options}, type_{type}, gang_{threads(options), names(options)}, semihosting_{calls(options)} {}

  Result<int> run() {
    if (options_.exit_with_parent) TRY(end_with_parent());
    if (options_.daemonize) TRY(background_.enter());  // before any other thread exists
    if (!options_.process.empty()) name_process(options_.process);
    if (options_.log_file) TRY(log::write_to(with_process_number(*options_.log_file)));
    if (options_.pid_file) TRY(pid_file_.write(*options_.pid_file));
    TRY(signals_.block());
    if (const auto built = build(); !built) {
      if (backends_) backends_->drain(conversations());
      // Told to end while it waited for somebody to connect.
      if (machine_ && machine_->run_state() == machine::RunState::kShutdown)
        return machine_->exit_status();
      return std::unexpected{built.error()};
    }
    machine_->set_cpus(&gang_);
    background_.leave_folder();
    background_.ready();
    if (options_.start == Start::kRunning) machine_->run();
    machine_->loop().run();
    backends_->drain(conversations());
    const int status = machine_->exit_status();
    if (log::enabled(log::Topic::kCensus)) TRY(take_census());
    return status;
  }

 private:
  static accel::HartGang::Threads threads(const Options& options) {
    return options.threading == Threading::kSingle ? accel::HartGang::Threads::kOneForAll
                                                   : accel::HartGang::Threads::kOneEach;
  }
  static accel::HartGang::Names names(const Options& options) {
    return options.name_threads ? accel::HartGang::Names::kShown : accel::HartGang::Names::kNone;
  }
  /// What the guest may ask of the host. Its command line is what was given, or else how a kernel was.
  static accel::Semihosting::Options calls(const Options& options) {
    using cpu::riscv::HostCalls;
    const Semihosting& said = options.semihosting;
    std::string line = fmt::format("{}", fmt::join(said.arguments, " "));
    if (said.arguments.empty() && options.kernel) {
      line = *options.kernel;
      if (options.append) line += " " + *options.append;
    }
    return {.calls = said.userspace ? HostCalls::kFromUserToo : HostCalls::kPrivileged,
            .command_line = std::move(line)};
  }

  Result<void> build() {
    auto said = TRY(property_values(type_, options_));
    machine_ = TRY(machine::Machine::make({.type = boards::machine_type(type_.name),
                                           .properties = std::move(said),
                                           .services = {.name = options_.name.value_or("machine"),
                                                        .pace = clock_pace(options_)},
                                           .on_reset = on_reset(),
                                           .on_shutdown = on_shutdown()}));
    TRY(signals_.watch(machine_->loop(),
                       [this] { machine_->request_end(0, machine::Cause::kHostSignal); }));
    backends_ = std::make_unique<Backends>(*machine_, [this](chardev::Command command) { obey(command); });
    TRY(backends_->make(options_.chardevs));
    TRY(boards::register_device_types(types_));
    for (const MachineType* type : machines(options_.architecture))
      TRY(types_.add(*boards::machine_type(type->name)));
    TRY(make_threads(*machine_, options_));
    const FlashDrives flash = TRY(make_drives(options_, machine_->drives()));
    if (options_.preconfig) TRY(await_configuration());
    Host host{.backends = *backends_, .gang = runs() ? &gang_ : nullptr,
              .semihosting = options_.semihosting.enabled ? &semihosting_ : nullptr,
              .drives = machine_->drives(), .flash = flash};
    auto plan = TRY(type_.plan(options_, host));
    TRY(apply_globals(plan, options_, types_, *backends_));
    boards::show_settings(plan, types_, machine::setting_names(*machine_),
                          hw::Configuration::Came::kWithTheMachine);
    TRY(machine_->realize(plan));
    board_ = plan.expansion();
    if (type_.nodes != nullptr) nodes_ = TRY(type_.nodes(options_));
    TRY(make_memory(*machine_, options_, board_memory(options_)));
    using Time = machine::DeviceAdder::Time;
    TRY(add_devices(*machine_, {*machine_, types_, board_, global_values(options_), Time::kStart}, options_));
    if (!options_.preconfig) TRY(serve());
    if (options_.preconfig && monitors_) monitors_->configured(board_, nodes_);
    return serve_people();
  }

  /// Hears monitors and the test client, until one of the former wants the machine made.
  Result<void> await_configuration() {
    board_ = std::make_shared<CpusToCome>([this] { return cpu_sockets(); });
    TRY(serve());
    if (!monitors_) return fail("-preconfig: nobody could end that; it takes a -qmp or -mon besides");
    monitors_->await_configuration(
        {.finish = [this] { machine_->loop().stop(); },
         .add_node = [this](const std::string& json) { return add_node(json); }});
    background_.ready();  // whoever waits for that may be who goes on by the monitor
    machine_->loop().run();
    if (machine_->run_state() == machine::RunState::kShutdown) return fail("told to end");
    return hand_over_memory();
  }

  std::vector<boards::Expansion::CpuSocket> cpu_sockets() const {
    std::vector<boards::Expansion::CpuSocket> sockets;
    const object::Type* type = types_.find(type_.default_cpu);
    if (type == nullptr || !type_.hotpluggable_cpus) return sockets;
    const auto nodes = cpu_nodes(options_);  // whoever spoke of nodes has been told what is wrong
    for (std::uint32_t core = 0; core < options_.topology.max_cpus; ++core)
      sockets.push_back({.core = core, .type = type, .node = nodes ? nodes->at(core) : std::nullopt});
    return sockets;
  }

  /// What a monitor says of nodes is as if the command line had said it, and so is the memory it names.
  Result<void> add_node(const std::string& json) {
    if (type_.nodes == nullptr) return fail("machine '{}' has no nodes", type_.name);
    Options more = options_;
    more.numa.push_back(TRY(parse_group("numa", json, "type")));
    const auto added = added_memory();
    for (const hw::MemoryBackend* memory : added) more.objects.push_back(group_of(*memory));
    TRY(check_nodes(more));
    options_.numa.push_back(std::move(more.numa.back()));
    const std::string* named = options_.numa.back().find("memdev");
    for (hw::MemoryBackend* memory : added) {
      if (named == nullptr || memory->id() != *named) continue;
      options_.objects.push_back(group_of(*memory));
      node_memory_.push_back({*named, TRY(memory->take(board_memory(options_).at(*named)))});
    }
    return {};
  }
  /// Memory that a monitor has made, and that is no node's yet.
  std::vector<hw::MemoryBackend*> added_memory() {
    auto added = machine_->memory_now();
    std::erase_if(added, [this](const hw::MemoryBackend* memory) {
      return std::ranges::find(options_.objects, memory->id(), &OptionGroup::id) != options_.objects.end();
    });
    return added;
  }
  /// The board takes it from the host itself.
  Result<void> hand_over_memory() {
    for (auto& [id, claim] : std::exchange(node_memory_, {})) {
      claim.release();
      TRY(machine_->discard_object(id));
    }
    return {};
  }

  /// Whether instructions are executed.
  bool runs() const { return options_.accelerator != Accelerator::kQtest; }

  Result<chardev::Chardev*> backend_of(std::string_view option, const std::string& id) {
    if (chardev::Chardev* backend = backends_->find(id)) return backend;
    return fail("{} chardev:{}: there is no such back-end", option, id);
  }

  control::QmpServer::About about() const {
    control::QmpServer::About about;
    about.name = options_.name.value_or("");
    if (options_.uuid) about.uuid = *options_.uuid;
    about.architecture = options_.architecture.empty() ? "none" : options_.architecture;
    about.on_panic = panic_action();
    about.on_watchdog = options_.on_watchdog;
    about.machine_types = machine_type_infos();
    about.cpu_models = cpu_models(options_);
    about.options = options_with_keys();
    about.board = board_;
    about.globals = global_values(options_);
    about.nodes = nodes_;
    return about;
  }

  /// The back-ends of monitors and of the test client.
  std::vector<std::string> conversations() const {
    std::vector<std::string> ids;
    for (const MonitorOption& monitor : options_.monitors) ids.push_back(monitor.chardev);
    if (options_.qtest) ids.push_back(*options_.qtest);
    return ids;
  }

  /// Programs.
  Result<void> serve() {
    using Layout = control::QmpServer::Layout;
    for (const MonitorOption& monitor : options_.monitors) {
      if (monitor.mode != MonitorOption::Mode::kControl) continue;
      auto* place = TRY(backend_of("-mon", monitor.chardev));
      if (!monitors_) monitors_.emplace(*machine_, types_, about());
      TRY(monitors_->serve(*place, monitor.pretty ? Layout::kPretty : Layout::kOneLine));
    }
    if (!options_.qtest) return {};
    auto* backend = TRY(backend_of("-qtest", *options_.qtest));
    using Time = control::QtestCommands::Time;
    qtest_ = TRY(control::QtestServer::make(
        *machine_, {.backend = *backend,
                    .time = runs() ? Time::kTheMachines : Time::kTheClients,
                    .log = options_.qtest_log}));
    return {};
  }
  /// People, once there is a machine.
  Result<void> serve_people() {
    for (const MonitorOption& monitor : options_.monitors) {
      if (monitor.mode != MonitorOption::Mode::kReadline) continue;
      auto* place = TRY(backend_of("-mon", monitor.chardev));
      if (!monitors_) monitors_.emplace(*machine_, types_, about());
      if (!people_) people_.emplace(*machine_, types_, about(), *monitors_);
      TRY(people_->serve(*place));
    }
    return {};
  }

  std::vector<control::MachineTypeInfo> machine_type_infos() const {
    std::vector<control::MachineTypeInfo> infos;
    for (const MachineType* type : machines(options_.architecture))
      infos.push_back({.name = std::string{type->name},
                       .most_cpus = type->most_cpus,
                       .hotpluggable_cpus = type->hotpluggable_cpus,
                       .has_nodes = type->has_nodes,
                       .default_cpu = std::string{type->default_cpu},
                       .default_ram = std::string{type->default_ram},
                       .properties = property_values(*type, {}).value_or(std::vector<object::PropertyInfo>{})});
    return infos;
  }
  std::string panic_action() const {
    constexpr std::array kNames{"pause", "shutdown", "exit-failure", "none"};
    return kNames[static_cast<std::size_t>(options_.on_panic)];
  }
  static std::vector<control::CommandLineOption> options_with_keys() {
    std::vector<control::CommandLineOption> all;
    for (const OptionRow& row : option_table())
      if (row.read_group != nullptr)
        all.push_back({.name = std::string{row.config.empty() ? row.name : row.config},
                       .parameters = keys_of(row)});
    return all;
  }

  machine::Machine::OnReset on_reset() const {
    return options_.on_reboot == OnReboot::kShutdown ? machine::Machine::OnReset::kShutdown
                                                     : machine::Machine::OnReset::kReset;
  }
  machine::Machine::OnShutdown on_shutdown() const {
    return options_.on_shutdown == OnShutdown::kPause ? machine::Machine::OnShutdown::kStay
                                                      : machine::Machine::OnShutdown::kEnd;
  }

  /// Ends the machine and says what is left of it: an error if that is anything.
  Result<void> take_census() {
    qtest_.reset();
    people_.reset();
    monitors_.reset();
    signals_.forget();
    const Census::Snapshot left = machine_->end();
    log::write(log::Topic::kCensus, fmt::format("census: {} left", left.to_string()));
    if (left == Census::Snapshot{}) return {};
    std::string paths;
    for (const auto& entry : TRY(machine_->tree().walk("/"))) paths += " " + entry.path;
    return fail("census: {} left; in the tree:{}", left.to_string(), paths);
  }

  void obey(chardev::Command command) {
    if (command == chardev::Command::kQuit) machine_->request_end(0, machine::Cause::kHostUi);
  }

  Options options_;  // as given, and what was said to monitors before the machine is made
  const MachineType& type_;
  Background background_;
  PidFile pid_file_;
  accel::HartGang gang_;  // outlives the harts, as does
  accel::Semihosting semihosting_;
  std::unique_ptr<machine::Machine> machine_;
  std::unique_ptr<Backends> backends_;
  object::TypeRegistry types_;
  std::shared_ptr<const boards::Expansion> board_;
  std::vector<control::NodeInfo> nodes_;
  struct NodeMemory {
    std::string id;
    hw::Claim claim;
  };
  std::vector<NodeMemory> node_memory_;  // made by a monitor, until the machine is made
  std::optional<control::QmpServer> monitors_;  // for programs
  std::optional<control::HmpServer> people_;    // for people
  std::unique_ptr<control::QtestServer> qtest_;
  Signals signals_;  // watched by the machine's loop
};

}  // namespace

Result<int> run_machine(const Options& options) {
  const MachineType* type = TRY(find_machine(options));
  TRY(type->check(options));
  TRY(check_devices(options));
  log::enable(options.log_topics);
  if (const std::string path = TRY(type->dump(options)); !path.empty()) {
    fmt::print("device tree written to '{}'\n", path);
    return 0;
  }
  Emulator emulator{options, *type};
  return emulator.run();
}

}  // namespace holdfast::app
