// SPDX-License-Identifier: Apache-2.0
// Options about the monitors for programs and the test server.
#include <fmt/core.h>

#include <array>

#include "holdfast/app/options/short_chardev.hpp"
#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

using Mode = MonitorOption::Mode;

Result<void> add_monitor(Draft& draft, std::string_view option, std::string_view text,
                         MonitorOption monitor) {
  draft.monitor_said = true;
  if (text == "none") return {};
  const std::string id = fmt::format("compat_monitor{}", draft.options.monitors.size());
  monitor.chardev = TRY(read_backend(draft, option, id, text));
  draft.options.monitors.push_back(std::move(monitor));
  return {};
}

Result<void> qmp(Draft& draft, std::string_view text) {
  return add_monitor(draft, "qmp", text, {.mode = Mode::kControl});
}
Result<void> qmp_pretty(Draft& draft, std::string_view text) {
  return add_monitor(draft, "qmp-pretty", text, {.mode = Mode::kControl, .pretty = true});
}
Result<void> monitor(Draft& draft, std::string_view text) {
  return add_monitor(draft, "monitor", text, {.mode = Mode::kReadline});
}

Result<void> mon(Draft& draft, const OptionGroup& group) {
  constexpr std::array<std::string_view, 2> kModes{"readline", "control"};
  draft.monitor_said = true;
  Fields fields{group};
  MonitorOption monitor;
  monitor.chardev = TRY(fields.required("chardev", "the id of a back-end"));
  fields.text("id");
  monitor.mode = TRY(fields.choice("mode", kModes)) == 1U ? Mode::kControl : Mode::kReadline;
  const auto pretty = TRY(fields.flag("pretty"));
  if (pretty && monitor.mode == Mode::kReadline) return fail("pretty is for mode=control");
  monitor.pretty = pretty.value_or(false);
  TRY(fields.finish());
  draft.options.monitors.push_back(std::move(monitor));
  return {};
}

Result<void> qtest(Draft& draft, std::string_view text) {
  if (text == "none") {
    draft.options.qtest.reset();
    return {};
  }
  draft.options.qtest = TRY(read_backend(draft, "qtest", "qtest", text));
  return {};
}

Result<void> qtest_log(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a file, or none");
  draft.options.qtest_log = text;
  return {};
}

constexpr std::array kTestingOptions{
    OptionRow{.name = "monitor",
              .argument = "stdio|unix:PATH[,server=on][,wait=off]|chardev:ID|...",
              .help = "a monitor for people; places as for -serial; may be repeated; none: not even "
                      "where there is one by default",
              .section = Section::kDebugging,
              .read = monitor,
              .completes = "stdio unix: tcp: chardev: pty none"},
    OptionRow{.name = "qmp",
              .argument = "unix:PATH[,server=on][,wait=off]|chardev:ID|...",
              .help = "a monitor for programs; places as for -serial; may be repeated",
              .section = Section::kDebugging,
              .read = qmp,
              .completes = "unix: tcp: chardev: stdio none"},
    OptionRow{.name = "qmp-pretty",
              .argument = "unix:PATH[,server=on][,wait=off]|chardev:ID|...",
              .help = "the same, laid out for people",
              .section = Section::kDebugging,
              .read = qmp_pretty,
              .completes = "unix: tcp: chardev: stdio none"},
    OptionRow{.name = "mon",
              .argument = "[chardev=]ID[,mode=readline|control][,pretty=on|off]",
              .help = "a monitor on a back-end that -chardev made: for people, or, with control, for programs",
              .section = Section::kDebugging,
              .read_group = mon,
              .implied = "chardev",
              .completes = "chardev="},
    OptionRow{.name = "qtest",
              .argument = "unix:PATH[,server=on][,wait=off]|chardev:ID|...",
              .help = "a test client drives buses, pins and the clock; places as for -serial",
              .section = Section::kDebugging,
              .read = qtest,
              .completes = "unix: tcp: chardev: stdio none"},
    OptionRow{.name = "qtest-log",
              .argument = "FILE|none",
              .help = "where what it says is logged instead of standard error",
              .section = Section::kDebugging,
              .read = qtest_log,
              .completes = "@file none"},
};

}  // namespace

Result<std::string> read_backend(Draft& draft, std::string_view option, std::string_view id,
                                 std::string_view text) {
  if (text.starts_with("chardev:")) {
    if (text.size() == 8) return fail("the id is empty; it takes chardev:ID");
    return std::string{text.substr(8)};
  }
  auto group = TRY(parse_short_chardev(text));
  group.option = option;
  group.set("id", std::string{id});
  TRY(add_group(draft.options.chardevs, group));
  return std::string{id};
}

std::span<const OptionRow> testing_options() { return kTestingOptions; }

}  // namespace holdfast::app
