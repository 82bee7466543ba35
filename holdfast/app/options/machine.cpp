// SPDX-License-Identifier: Apache-2.0
// Options about the machine as a whole.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <array>
#include <cctype>

#include "holdfast/app/options/date.hpp"
#include "holdfast/app/options/table.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

Result<void> machine_property(Draft& draft, const KeyValue& item) {
  if (item.key == "type") {
    if (item.value == "help" || item.value == "?") return draft.ask(Action::kListMachines);
    if (item.value.empty()) return fail("the type is empty; `help` lists the types");
    draft.options.machine = item.value;
    return {};
  }
  if (item.key == "help") return draft.ask(Action::kListMachineProperties);
  if (item.key == "accel") {
    if (draft.accelerator_from == "accel")
      return fail("'accel' is given by -accel already; give it once");
    draft.accelerator_from = "machine";
    return read_accelerators(draft, item.value);
  }
  if (item.key.starts_with("smp.")) {
    const KeyValue rest{item.key.substr(4), item.value};
    return add_topology(draft.topology, {&rest, 1});
  }
  if (item.key.starts_with("memory.")) {
    const KeyValue rest{item.key.substr(7), item.value};
    return read_memory(draft, {.option = "m", .text = {}, .items = {rest}});
  }
  if (item.key.starts_with("boot.")) {
    set(draft.options.boot, {item.key.substr(5), item.value});
    return {};
  }
  if (item.key == "kernel") draft.options.kernel = item.value;
  else if (item.key == "initrd") draft.options.initrd = item.value;
  else if (item.key == "append") draft.options.append = item.value;
  else if (item.key == "dtb") draft.options.dtb = item.value;
  else if (item.key == "firmware") draft.options.bios = item.value;
  else set(draft.options.machine_properties, item);
  return {};
}

Result<void> machine(Draft& draft, const OptionGroup& group) {
  if (group.items.empty()) return fail("it takes a machine type, or KEY=VALUE");
  for (const KeyValue& item : group.items) TRY(machine_property(draft, item));
  return {};
}

Result<void> name(Draft& draft, const OptionGroup& group) {
  Fields fields{group};
  if (auto guest = fields.text("guest")) draft.options.name = std::move(guest);
  if (auto process = fields.text("process")) draft.options.process = std::move(*process);
  if (const auto named = TRY(fields.flag("debug-threads"))) draft.options.name_threads = *named;
  return fields.finish();
}

Result<void> uuid(Draft& draft, std::string_view text) {
  bool good = text.size() == 36;
  for (std::size_t i = 0; good && i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    good = dash ? text[i] == '-' : std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
  }
  if (!good) return fail("it takes 32 hexadecimal digits as 8-4-4-4-12");
  draft.options.uuid = text;
  return {};
}

Result<void> check_boot_devices(std::string_view key, std::string_view devices) {
  std::string seen;
  for (const char c : devices) {
    if (c < 'a' || c > 'p')
      return fail("{} has '{}'; it takes letters from a to p, each a device", key, c);
    if (seen.find(c) != seen.npos) return fail("{} has '{}' twice", key, c);
    seen += c;
  }
  return {};
}

Result<void> boot(Draft& draft, const OptionGroup& group) {
  Fields fields{group};
  for (const std::string_view key : {"order", "once"})
    if (const auto devices = fields.text(key)) TRY(check_boot_devices(key, *devices));
  for (const std::string_view key : {"menu", "strict"}) TRY(fields.flag(key));
  fields.text("splash");
  TRY(fields.number("splash-time", 0, 65535));
  // -1 is "never".
  if (const auto timeout = fields.text("reboot-timeout"); timeout && *timeout != "-1")
    TRY(fields.number("reboot-timeout", 0, 65535));
  TRY(fields.finish());
  for (const KeyValue& item : group.items) set(draft.options.boot, item);
  return {};
}

Result<void> rtc(Draft& draft, const OptionGroup& group) {
  constexpr std::array<std::string_view, 3> kClocks{"host", "rt", "vm"};
  constexpr std::array<std::string_view, 2> kFixes{"none", "slew"};
  Fields fields{group};
  const auto base = fields.text("base");
  if (base && *base != "utc" && *base != "localtime" && !parse_date(*base))
    return fail("base is '{}'; it takes utc, localtime, or a date as 2006-06-17T16:01:21 or 2006-06-17",
                *base);
  TRY(fields.choice("clock", kClocks));
  TRY(fields.choice("driftfix", kFixes));
  TRY(fields.finish());
  for (const KeyValue& item : group.items) set(draft.options.rtc, item);
  return {};
}

constexpr std::array kMachineOptions{
    OptionRow{.name = "machine",
              .argument = "TYPE[,KEY=VALUE...]",
              .help = "the machine to build, and its properties; `help` lists the types, "
                      "`TYPE,help` the properties. May be given again to add properties",
              .section = Section::kMachine,
              .read_group = machine,
              .implied = "type",
              .completes = "@machines help"},
    OptionRow{.name = "M",
              .argument = "TYPE[,KEY=VALUE...]",
              .read_group = machine,
              .implied = "type",
              .completes = "@machines help"},
    OptionRow{.name = "name",
              .argument = "[guest=]NAME[,process=NAME][,debug-threads=on|off]",
              .help = "what to call the machine, what the host calls the process, and whether the host "
                      "shows which thread runs which CPU",
              .section = Section::kMachine,
              .read_group = name,
              .implied = "guest"},
    OptionRow{.name = "uuid",
              .argument = "UUID",
              .help = "the machine's identity, 8-4-4-4-12 hexadecimal digits",
              .section = Section::kMachine,
              .read = uuid},
    OptionRow{.name = "boot",
              .argument = "[order=]DEVICES[,once=DEVICES][,menu=on|off][,splash=FILE]"
                          "[,splash-time=MS][,reboot-timeout=MS][,strict=on|off]",
              .help = "what firmware is told about where to boot from, on machines whose firmware asks",
              .section = Section::kMachine,
              .read_group = boot,
              .implied = "order",
              .config = "boot-opts"},
    OptionRow{.name = "rtc",
              .argument = "[base=utc|localtime|DATE][,clock=host|rt|vm][,driftfix=none|slew]",
              .help = "where the real-time clock starts, and what drives it",
              .section = Section::kMachine,
              .read_group = rtc,
              .config = "rtc"},
};

}  // namespace

std::span<const OptionRow> machine_options() { return kMachineOptions; }

}  // namespace holdfast::app
