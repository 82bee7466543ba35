// SPDX-License-Identifier: Apache-2.0
// Options about the run: its start, its end, the process.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

Result<void> stopped(Draft& draft, std::string_view) {
  draft.options.start = Start::kStopped;
  return {};
}
Result<void> no_reboot(Draft& draft, std::string_view) {
  draft.options.on_reboot = OnReboot::kShutdown;
  return {};
}
Result<void> no_shutdown(Draft& draft, std::string_view) {
  draft.options.on_shutdown = OnShutdown::kPause;
  return {};
}

Result<void> preconfig(Draft& draft, std::string_view) {
  draft.options.preconfig = true;
  return {};
}

constexpr std::array<std::string_view, 7> kWatchdogs{"reset", "shutdown", "poweroff",  "pause",
                                                     "debug", "none",     "inject-nmi"};
Result<void> watchdog_action(Draft& draft, std::string_view text) {
  if (std::ranges::find(kWatchdogs, text) == kWatchdogs.end())
    return fail("'{}'; it takes {}", text, fmt::join(kWatchdogs, ", "));
  draft.options.on_watchdog = text;
  return {};
}

Result<void> action(Draft& draft, const OptionGroup& group) {
  constexpr std::array<std::string_view, 2> kReboots{"reset", "shutdown"};
  constexpr std::array<std::string_view, 2> kShutdowns{"poweroff", "pause"};
  constexpr std::array<std::string_view, 4> kPanics{"pause", "shutdown", "exit-failure", "none"};
  if (group.items.empty()) return fail("it takes reboot=, shutdown=, panic= or watchdog=");
  Fields fields{group};
  if (const auto at = TRY(fields.choice("reboot", kReboots)))
    draft.options.on_reboot = static_cast<OnReboot>(*at);
  if (const auto at = TRY(fields.choice("shutdown", kShutdowns)))
    draft.options.on_shutdown = static_cast<OnShutdown>(*at);
  if (const auto at = TRY(fields.choice("panic", kPanics)))
    draft.options.on_panic = static_cast<OnPanic>(*at);
  if (const auto at = TRY(fields.choice("watchdog", kWatchdogs)))
    draft.options.on_watchdog = kWatchdogs[*at];
  return fields.finish();
}

Result<void> daemonize(Draft& draft, std::string_view) {
  draft.options.daemonize = true;
  return {};
}

Result<void> pid_file(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a file");
  draft.options.pid_file = text;
  return {};
}

Result<void> run_with(Draft& draft, const OptionGroup& group) {
  if (group.items.empty()) return fail("it takes exit-with-parent=on or off");
  Fields fields{group};
  if (const auto flag = TRY(fields.flag("exit-with-parent"))) draft.options.exit_with_parent = *flag;
  return fields.finish();
}

constexpr std::array kRunningOptions{
    OptionRow{.name = "S",
              .help = "build the machine, but do not start its CPUs",
              .section = Section::kRunning,
              .read = stopped},
    OptionRow{.name = "no-reboot",
              .help = "a reset that the guest asks for ends the emulator",
              .section = Section::kRunning,
              .read = no_reboot},
    OptionRow{.name = "no-shutdown",
              .help = "a machine that the guest switched off stays, stopped, until it is told to end",
              .section = Section::kRunning,
              .read = no_shutdown},
    OptionRow{.name = "action",
              .argument = "[reboot=reset|shutdown][,shutdown=poweroff|pause]"
                          "[,panic=pause|shutdown|exit-failure|none][,watchdog=ACTION]",
              .help = "what to do when the guest resets, switches off or gives up",
              .section = Section::kRunning,
              .read_group = action},
    OptionRow{.name = "watchdog-action",
              .argument = "reset|shutdown|poweroff|pause|debug|none|inject-nmi",
              .help = "what to do when the guest does not answer its watchdog",
              .section = Section::kRunning,
              .read = watchdog_action,
              .completes = "reset shutdown poweroff pause debug none inject-nmi"},
    OptionRow{.name = "preconfig",
              .help = "hear monitors before the machine is made, which x-exit-preconfig has done",
              .section = Section::kRunning,
              .read = preconfig},
    OptionRow{.name = "daemonize",
              .help = "go into the background once the machine is there",
              .section = Section::kRunning,
              .read = daemonize},
    OptionRow{.name = "pidfile",
              .argument = "FILE",
              .help = "where to write the number of the process; removed at the end",
              .section = Section::kRunning,
              .read = pid_file,
              .completes = "@file"},
    OptionRow{.name = "run-with",
              .argument = "exit-with-parent=on|off",
              .help = "whether to end when the process that started it does",
              .section = Section::kRunning,
              .read_group = run_with,
              .completes = "exit-with-parent=on exit-with-parent=off"},
};

}  // namespace

std::span<const OptionRow> running_options() { return kRunningOptions; }

}  // namespace holdfast::app
