// SPDX-License-Identifier: Apache-2.0
// The run state, and what ends it all.
#include <array>

#include "holdfast/control/hmp/monitor.hpp"
#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::qmp {
namespace {

Answer reset(Call& call) {
  call.machine.reset_on_demand(machine::Cause::kHostReset);
  return Json::object();
}

Answer power_down(Call& call) {
  call.machine.power_down();
  return Json::object();
}

Answer stop(Call& call) {
  if (call.machine.run_state() == machine::RunState::kRunning) call.machine.pause();
  return Json::object();
}

Answer go_on(Call& call) {
  if (call.machine.run_state() == machine::RunState::kShutdown)
    return generic_error("the machine is switched off; system_reset brings it back");
  call.machine.run();
  return Json::object();
}

Answer quit(Call& call) {
  call.machine.request_end(0, machine::Cause::kHostRequest);
  return Json::object();
}

Answer person_command(Call& call) {
  hmp::Monitor monitor{call.machine, call.types, call.about, call.adder, call.shared};
  if (call.has("cpu-index")) {
    const auto index = call.arguments.at("cpu-index").get<std::int64_t>();
    const auto chosen = monitor.choose_cpu(static_cast<std::uint64_t>(index));
    if (!chosen) return std::unexpected{QmpError{chosen.error()}};
  }
  return Json(monitor.perform(call.text("command-line")));
}

Answer pause_migration(Call&) { return generic_error("no migration is going on"); }

constexpr auto kMachineCommands = std::to_array<CommandRow>({
    {"system_reset", reset},
    {"system_powerdown", power_down},
    {"stop", stop},
    {"cont", go_on},
    {"quit", quit},
    {"human-monitor-command", person_command},
    {"migrate-pause", pause_migration},
});

}  // namespace

std::span<const CommandRow> machine_commands() { return kMachineCommands; }

}  // namespace holdfast::control::qmp
