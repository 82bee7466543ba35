// SPDX-License-Identifier: Apache-2.0
// Options about serial ports, the character back-ends behind them, and screens.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "holdfast/app/options/short_chardev.hpp"
#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

Result<void> chardev(Draft& draft, const OptionGroup& group) {
  const std::string* backend = group.find("backend");
  if (backend == nullptr || backend->empty())
    return fail("it takes a back-end first; `help` lists them");
  if (*backend == "help" || *backend == "?") return draft.ask(Action::kListChardevs);
  if (group.find("help") != nullptr) return draft.ask(Action::kListChardevs, *backend);
  if (group.id().empty()) return fail("id is missing; it takes a name for the back-end");
  return add_group(draft.options.chardevs, group);
}

Result<void> serial(Draft& draft, std::string_view text) { return read_serial(draft, text); }

Result<void> parallel(Draft&, std::string_view text) {
  if (text == "none" || text == "null") return {};
  return fail("'{}' is no place for a parallel port, of which there are none; it takes none", text);
}

Result<void> network(Draft&, std::string_view text) {
  if (text == "none") return {};
  return fail("'{}' is no network, of which there are none; it takes none", text);
}

Result<void> nographic(Draft& draft, std::string_view) {
  draft.options.nographic = true;
  return {};
}

Result<void> display(Draft& draft, std::string_view text) {
  if (text == "help" || text == "?") return draft.ask(Action::kListOption, "display");
  if (text != "none") return fail("'{}' is no display; it takes none", text);
  draft.options.display = Display::kNone;
  return {};
}

Result<void> vga(Draft&, std::string_view text) {
  if (text != "none") return fail("'{}' is no graphics card; it takes none", text);
  return {};
}

Result<void> audio(Draft&, const OptionGroup& group) {
  const std::string* driver = group.find("driver");
  if (driver == nullptr || *driver != "none")
    return fail("'{}' is no audio driver; it takes none", driver == nullptr ? "" : *driver);
  return {};
}

constexpr std::array kConsoleOptions{
    OptionRow{.name = "serial",
              .argument = "stdio|mon:stdio|chardev:ID|file:FILE|unix:PATH[,server=on][,wait=off]|"
                          "tcp:[HOST]:PORT[,server=on][,wait=off]|pipe:PATH|pty|ringbuf|/dev/TERMINAL|"
                          "null|none",
              .help = "where a serial port goes; once for each port. With `mon:` it shares the place with "
                      "a monitor, and control-A speaks to the emulator",
              .section = Section::kConsoles,
              .read = serial,
              .completes = "stdio mon:stdio chardev: file: unix: tcp: pipe: pty null none"},
    OptionRow{.name = "chardev",
              .argument = "BACKEND,id=ID[,KEY=VALUE...]",
              .help = "a character back-end, which serial ports name; `help` lists them, "
                      "`BACKEND,help` what one takes",
              .section = Section::kConsoles,
              .read_group = chardev,
              .implied = "backend",
              .completes = "@chardevs help"},
    OptionRow{.name = "nographic",
              .help = "no display; serial port and monitor share the terminal, control-A c switches",
              .section = Section::kConsoles,
              .read = nographic},
    OptionRow{.name = "display",
              .argument = "none",
              .help = "no display",
              .section = Section::kConsoles,
              .read = display,
              .completes = "none help"},
    OptionRow{.name = "vga",
              .argument = "none",
              .help = "no graphics card",
              .section = Section::kConsoles,
              .read = vga,
              .completes = "none"},
    OptionRow{.name = "audio",
              .argument = "[driver=]none[,KEY=VALUE...]",
              .help = "no sound",
              .section = Section::kConsoles,
              .read_group = audio,
              .implied = "driver",
              .completes = "none"},
    OptionRow{.name = "audiodev",
              .argument = "[driver=]none,id=ID[,KEY=VALUE...]",
              .read_group = audio,
              .implied = "driver",
              .completes = "none"},
    OptionRow{.name = "parallel",
              .argument = "none",
              .help = "no parallel port",
              .section = Section::kConsoles,
              .read = parallel,
              .completes = "none"},
    OptionRow{.name = "nic",
              .argument = "none",
              .help = "no network",
              .section = Section::kConsoles,
              .read = network,
              .completes = "none"},
    OptionRow{.name = "net", .argument = "none", .read = network, .completes = "none"},
};

}  // namespace

Result<void> read_serial(Draft& draft, std::string_view text) {
  auto& serials = draft.options.serials;
  if (text == "none") {
    serials.emplace_back();
    return {};
  }
  if (text.starts_with("chardev:")) {
    serials.emplace_back(text.substr(8));
    if (serials.back().empty()) return fail("the id is empty; it takes chardev:ID");
    return {};
  }
  auto group = TRY(parse_short_chardev(text));
  group.option = "serial";
  group.set("id", fmt::format("serial{}", serials.size()));
  TRY(add_group(draft.options.chardevs, group));
  if (text.starts_with("mon:"))
    draft.options.monitors.push_back(
        {.mode = MonitorOption::Mode::kReadline, .chardev = group.id()});
  serials.push_back(group.id());
  return {};
}

std::span<const OptionRow> console_options() { return kConsoleOptions; }

}  // namespace holdfast::app
