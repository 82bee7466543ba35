// SPDX-License-Identifier: Apache-2.0
// Options about what the machine starts with.
#include <fmt/core.h>

#include <array>

#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

template <auto Field>
Result<void> file(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a file");
  draft.options.*Field = text;
  return {};
}

Result<void> append(Draft& draft, std::string_view text) {
  draft.options.append = text;
  return {};
}

Result<void> data_folder(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a folder");
  draft.options.data_folders.emplace_back(text);
  return {};
}

Result<void> fw_cfg(Draft& draft, const OptionGroup& group) {
  Fields fields{group};
  const std::string name = TRY(fields.required("name", "opt/… or another name of a file"));
  constexpr std::size_t kLongest = 55;
  if (name.size() > kLongest)
    return fail("name has {} characters; it takes at most {}", name.size(), kLongest);
  const bool has_file = fields.text("file").has_value();
  const bool has_string = fields.text("string").has_value();
  if (has_file == has_string) return fail("it takes either file= or string=");
  TRY(fields.finish());
  draft.options.fw_cfg.push_back(group);
  return {};
}

Result<void> semihosting(Draft& draft, std::string_view) {
  draft.options.semihosting.enabled = true;
  return {};
}

Result<void> semihosting_config(Draft& draft, const OptionGroup& group) {
  constexpr std::array<std::string_view, 3> kTargets{"native", "auto", "gdb"};
  Fields fields{group};
  Semihosting& semihosting = draft.options.semihosting;
  semihosting.enabled = TRY(fields.flag("enable")).value_or(true);
  if (TRY(fields.choice("target", kTargets)) == 2U)
    return fail("target is 'gdb'; there is no debugger to ask, so it takes native or auto");
  semihosting.userspace = TRY(fields.flag("userspace")).value_or(semihosting.userspace);
  semihosting.chardev = fields.text("chardev").value_or(semihosting.chardev);
  fields.text("arg");
  TRY(fields.finish());
  for (const KeyValue& item : group.items)
    if (item.key == "arg") semihosting.arguments.push_back(item.value);
  return {};
}

constexpr std::array kFirmwareOptions{
    OptionRow{.name = "bios",
              .argument = "FILE|none|default",
              .help = "firmware: an ELF file or a raw image",
              .section = Section::kFirmware,
              .read = file<&Options::bios>,
              .completes = "@file none default"},
    OptionRow{.name = "kernel",
              .argument = "FILE",
              .help = "what the firmware starts: a Linux image, an ELF file or a raw image",
              .section = Section::kFirmware,
              .read = file<&Options::kernel>,
              .completes = "@file"},
    OptionRow{.name = "initrd",
              .argument = "FILE",
              .help = "initial RAM disk for the kernel",
              .section = Section::kFirmware,
              .read = file<&Options::initrd>,
              .completes = "@file"},
    OptionRow{.name = "append",
              .argument = "TEXT",
              .help = "command line for the kernel",
              .section = Section::kFirmware,
              .read = append},
    OptionRow{.name = "dtb",
              .argument = "FILE",
              .help = "device tree to use instead of the generated one",
              .section = Section::kFirmware,
              .read = file<&Options::dtb>,
              .completes = "@file"},
    OptionRow{.name = "L",
              .argument = "FOLDER",
              .help = "another folder to look for firmware in, before the usual ones",
              .section = Section::kFirmware,
              .read = data_folder,
              .completes = "@file"},
    OptionRow{.name = "fw_cfg",
              .argument = "[name=]NAME,file=FILE | [name=]NAME,string=TEXT",
              .help = "a file that the guest finds at its firmware configuration device",
              .section = Section::kFirmware,
              .read_group = fw_cfg,
              .implied = "name"},
    OptionRow{.name = "semihosting",
              .help = "the guest may use files, console and exit status of the host",
              .section = Section::kFirmware,
              .read = semihosting},
    OptionRow{.name = "semihosting-config",
              .argument = "[enable=on|off][,target=native|auto][,chardev=ID][,userspace=on|off]"
                          "[,arg=TEXT...]",
              .help = "the same, with where its console goes and the command line that it finds",
              .section = Section::kFirmware,
              .read_group = semihosting_config},
};

}  // namespace

std::span<const OptionRow> firmware_options() { return kFirmwareOptions; }

}  // namespace holdfast::app
