// SPDX-License-Identifier: Apache-2.0
// What can be asked about the emulator, the machine and its parts.
#include <fmt/core.h>
#include <unistd.h>

#include <array>

#include "holdfast/control/cpu_memory.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/control/version.hpp"

namespace holdfast::control::qmp {
namespace {

Answer query_version(Call&) {
  const auto& [major, minor, micro, text] = kSpokenVersion;
  return Json{{"qemu", {{"major", major}, {"minor", minor}, {"micro", micro}}},
              {"package", "Holdfast " HOLDFAST_VERSION}};
}

Answer query_command_names(Call&) {
  Json names = Json::array();
  for (const SchemaEntry& entry : Schema::get().entries())
    if (entry.kind == SchemaEntry::Kind::kCommand) names.push_back({{"name", entry.name}});
  return names;
}

Answer query_schema(Call&) {
  static const Json kAll = introspection(Schema::get());  // a copy takes a fraction of the time
  return kAll;
}

Answer query_status(Call& call) {
  const auto state = call.machine.run_state();
  return Json{{"status", to_string(state)}, {"running", state == machine::RunState::kRunning}};
}

Answer query_name(Call& call) {
  Json answer = Json::object();
  if (!call.about.name.empty()) answer["name"] = call.about.name;
  return answer;
}

Answer query_uuid(Call& call) { return Json{{"UUID", call.about.uuid}}; }

Answer query_kvm(Call&) { return Json{{"enabled", false}, {"present", false}}; }

Answer query_target(Call& call) {
  const auto cpus = cpus_of(call.machine);
  return Json{{"arch", cpus.empty() ? call.about.architecture : cpus.front()->facts().architecture}};
}

Answer query_machines(Call& call) {
  Json machines = Json::array();
  for (const MachineTypeInfo& type : call.about.machine_types) {
    Json info{{"name", type.name},
              {"cpu-max", type.most_cpus},
              {"hotpluggable-cpus", type.hotpluggable_cpus},
              {"numa-mem-supported", type.has_nodes},
              {"deprecated", false},
              {"acpi", false}};
    if (!type.alias.empty()) info["alias"] = type.alias;
    if (type.is_default) info["is-default"] = true;
    if (!type.default_cpu.empty()) info["default-cpu-type"] = type.default_cpu;
    if (!type.default_ram.empty()) info["default-ram-id"] = type.default_ram;
    machines.push_back(std::move(info));
  }
  return machines;
}

Json cpu_props(const boards::Expansion::CpuSocket& socket) {
  Json props{{"core-id", socket.core}};
  if (socket.node) props["node-id"] = *socket.node;
  return props;
}

Answer query_cpus(Call& call) {
  const boards::Expansion* board = call.adder.board();
  const auto sockets = board == nullptr ? std::vector<boards::Expansion::CpuSocket>{} : board->cpu_sockets();
  Json cpus = Json::array();
  for (const hw::Cpu* cpu : cpus_of(call.machine)) {
    const std::int64_t thread = cpu->host_thread();
    boards::Expansion::CpuSocket place{.core = cpu->facts().index, .type = &cpu->type()};
    for (const auto& socket : sockets)
      if (socket.core == place.core) place = socket;
    cpus.push_back({{"cpu-index", cpu->facts().index},
                    {"qom-path", cpu->path()},
                    {"thread-id", thread != 0 ? thread : getpid()},
                    {"props", cpu_props(place)},
                    {"target", cpu->facts().architecture}});
  }
  return cpus;
}

Answer query_cpu_places(Call& call) {
  const boards::Expansion* board = call.adder.board();
  const auto sockets = board == nullptr ? std::vector<boards::Expansion::CpuSocket>{} : board->cpu_sockets();
  const auto cpus = cpus_of(call.machine);
  if (sockets.empty()) return generic_error("this machine has no place where a CPU could be plugged");
  Json places = Json::array();
  for (const auto& socket : sockets) {
    Json place{{"type", socket.type->name}, {"vcpus-count", 1}, {"props", cpu_props(socket)}};
    for (const hw::Cpu* cpu : cpus)
      if (cpu->facts().index == socket.core) place["qom-path"] = cpu->path();
    places.push_back(std::move(place));
  }
  return places;
}

Answer query_chardev(Call& call) {
  Json backends = Json::array();
  for (const chardev::Chardev* backend : call.machine.backends_now())
    backends.push_back({{"label", backend->id()},
                        {"filename", backend->filename()},
                        {"frontend-open", backend->is_attached()}});
  return backends;
}

Answer query_chardev_kinds(Call&) {
  Json kinds = Json::array();
  for (const char* name : {"null", "stdio", "file", "pty", "pipe", "serial", "socket", "ringbuf"})
    kinds.push_back({{"name", name}});
  return kinds;
}

Answer query_cpu_definitions(Call& call) {
  Json models = Json::array();
  for (const CpuModelInfo& model : call.about.cpu_models)
    models.push_back({{"name", model.name}, {"static", false}, {"typename", model.type}, {"deprecated", false}});
  return models;
}

Answer query_options(Call& call) {
  const auto wanted = call.text_if("option");
  Json options = Json::array();
  for (const CommandLineOption& option : call.about.options) {
    if (wanted && option.name != *wanted) continue;
    Json parameters = Json::array();
    for (const std::string& name : option.parameters)
      parameters.push_back({{"name", name}, {"type", "string"}});
    options.push_back({{"option", option.name}, {"parameters", parameters}});
  }
  if (wanted && options.empty())
    return generic_error(fmt::format("option '{}': there is none of that name that takes keys", *wanted));
  return options;
}

Answer query_event_names(Call&) {
  Json names = Json::array();
  for (const SchemaEntry& entry : Schema::get().entries())
    if (entry.kind == SchemaEntry::Kind::kEvent) names.push_back({{"name", entry.name}});
  return names;
}

Answer query_current_machine(Call&) { return Json{{"wakeup-suspend-support", false}}; }

Answer query_replay(Call&) { return Json{{"mode", "none"}, {"icount", 0}}; }

Answer query_receive_filters(Call& call) {
  if (const auto name = call.text_if("name"))
    return generic_error(fmt::format("there is no network card '{}'", *name));
  return Json::array();
}

Answer nothing_at_all(Call&) { return Json::object(); }

Answer nothing(Call&) { return Json::array(); }

constexpr auto kQueryCommands = std::to_array<CommandRow>({
    {"query-version", query_version},
    {"query-commands", query_command_names},
    {"query-qmp-schema", query_schema},
    {"query-status", query_status},
    {"query-name", query_name},
    {"query-uuid", query_uuid},
    {"query-kvm", query_kvm},
    {"query-target", query_target},
    {"query-machines", query_machines},
    {"query-cpus-fast", query_cpus},
    {"query-hotpluggable-cpus", query_cpu_places},
    {"query-chardev", query_chardev},
    {"query-chardev-backends", query_chardev_kinds},
    {"query-cpu-definitions", query_cpu_definitions},
    {"query-command-line-options", query_options},
    {"query-events", query_event_names},
    {"query-current-machine", query_current_machine},
    {"query-replay", query_replay},
    {"query-migrate", nothing_at_all},
    {"query-rx-filter", query_receive_filters},
    {"query-blockstats", nothing},
    {"query-block-jobs", nothing},
    {"query-jobs", nothing},
    {"query-mice", nothing},
    {"query-tpm", nothing},
    {"query-tpm-models", nothing},
    {"query-tpm-types", nothing},
    {"query-yank", nothing},
});

}  // namespace

std::span<const CommandRow> query_commands() { return kQueryCommands; }

}  // namespace holdfast::control::qmp
