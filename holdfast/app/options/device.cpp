// SPDX-License-Identifier: Apache-2.0
// Options about devices, the objects and images behind them, and settings of any of them.
#include <fmt/core.h>

#include <array>

#include "holdfast/app/options/config_file.hpp"
#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

bool is_help(std::string_view text) { return text == "help" || text == "?"; }

/// What `TYPE`, `help` and `TYPE,help` mean for an option that makes things of types.
struct Typed {
  std::string_view key;  // whose value is the type
  std::string_view what;
  Action list;
};

/// The type, or nothing if it was asked for a list.
Result<std::optional<std::string>> type_of(Draft& draft, const OptionGroup& group, const Typed& typed) {
  const std::string* type = group.find(typed.key);
  if (type == nullptr || type->empty())
    return fail("{} is missing; it takes {} first, and `help` lists them", typed.key, typed.what);
  if (is_help(*type)) {
    TRY(draft.ask(typed.list));
    return std::nullopt;
  }
  if (group.find("help") != nullptr) {
    TRY(draft.ask(typed.list, *type));
    return std::nullopt;
  }
  return *type;
}

Result<void> device(Draft& draft, const OptionGroup& group) {
  if (TRY(type_of(draft, group, {"driver", "a device type", Action::kListDevices})))
    return add_group(draft.options.devices, group);
  return {};
}

Result<void> object(Draft& draft, const OptionGroup& group) {
  if (!TRY(type_of(draft, group, {"qom-type", "a type", Action::kListObjects}))) return {};
  if (group.id().empty()) return fail("id is missing; it takes a name for the object");
  return add_group(draft.options.objects, group);
}

Result<void> drive(Draft& draft, const OptionGroup& group) {
  if (group.items.empty()) return fail("it takes file=FILE and if=INTERFACE");
  if (group.find("help") != nullptr) return draft.ask(Action::kListOption, "drive");
  return add_group(draft.options.drives, group);
}

Result<void> pflash(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a file");
  return add_group(draft.options.drives, {.option = "pflash",
                                          .text = std::string{text},
                                          .items = {{"if", "pflash"}, {"file", std::string{text}}}});
}

Result<void> blockdev(Draft& draft, const OptionGroup& group) {
  Fields fields{group};
  TRY(fields.required("driver", "the kind of node"));
  const std::string name = TRY(fields.required("node-name", "a name for the node"));
  for (const OptionGroup& other : draft.options.blockdevs)
    if (*other.find("node-name") == name)
      return fail("node-name '{}' is taken; it takes another one", name);
  draft.options.blockdevs.push_back(group);
  return {};
}

Result<void> global(Draft& draft, const OptionGroup& group) {
  // driver.property=value: the driver may hold dots, a property has none.
  OptionGroup global{.option = group.option, .text = group.text, .items = {}};
  if (group.items.size() == 1 && group.items.front().key.rfind('.') != std::string::npos) {
    const KeyValue& item = group.items.front();
    const auto dot = item.key.rfind('.');
    global.items = {{"driver", item.key.substr(0, dot)},
                    {"property", item.key.substr(dot + 1)},
                    {"value", item.value}};
  } else {
    global.items = group.items;
  }
  Fields fields{global};
  TRY(fields.required("driver", "a device type; or write TYPE.PROPERTY=VALUE"));
  TRY(fields.required("property", "the name of a property"));
  if (!fields.text("value")) return fail("value is missing; it takes what the property is to be");
  TRY(fields.finish());
  draft.options.globals.push_back(std::move(global));
  return {};
}

std::vector<OptionGroup>* list_called(Options& options, std::string_view name) {
  if (name == "device") return &options.devices;
  if (name == "drive") return &options.drives;
  if (name == "chardev") return &options.chardevs;
  if (name == "object") return &options.objects;
  return nullptr;
}

Result<void> set_argument(Draft& draft, std::string_view text) {
  const auto first = text.find('.');
  const auto equals = text.find('=');
  const auto second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (equals == text.npos || second == text.npos || second > equals)
    return fail("it takes GROUP.ID.KEY=VALUE");
  const auto group = text.substr(0, first);
  const auto id = text.substr(first + 1, second - first - 1);
  auto* list = list_called(draft.options, group);
  if (list == nullptr)
    return fail("there is no group '{}'; there are device, drive, chardev and object", group);
  for (OptionGroup& item : *list)
    if (item.id() == id) {
      item.set(text.substr(second + 1, equals - second - 1), std::string{text.substr(equals + 1)});
      return {};
    }
  return fail("there is no {} with id '{}' before it", group, id);
}

Result<void> no_defaults(Draft& draft, std::string_view) {
  draft.no_defaults = true;
  return {};
}
Result<void> nothing(Draft&, std::string_view) { return {}; }

constexpr std::array kDeviceOptions{
    OptionRow{.name = "device",
              .argument = "TYPE[,id=ID][,KEY=VALUE...]",
              .help = "another device, and its properties; `help` lists the types, `TYPE,help` a "
                      "type's properties. May be a JSON object",
              .section = Section::kDevices,
              .read_group = device,
              .implied = "driver",
              .completes = "@devices help"},
    OptionRow{.name = "object",
              .argument = "TYPE,id=ID[,KEY=VALUE...]",
              .help = "something that a device or the machine uses, memory for instance; `help` "
                      "lists the types. May be a JSON object",
              .section = Section::kDevices,
              .read_group = object,
              .implied = "qom-type",
              .completes = "@objects help"},
    OptionRow{.name = "drive",
              .argument = "[if=pflash,]file=FILE[,format=raw][,unit=N][,readonly=on|off][,id=ID]",
              .help = "an image file, and what of the machine it is for",
              .section = Section::kDevices,
              .read_group = drive,
              .completes = "@keys help"},
    OptionRow{.name = "pflash",
              .argument = "FILE",
              .help = "the image of a bank of flash memory; short for -drive if=pflash,file=FILE",
              .section = Section::kDevices,
              .read = pflash,
              .completes = "@file"},
    OptionRow{.name = "blockdev",
              .argument = "[driver=]DRIVER,node-name=NAME[,KEY=VALUE...]",
              .help = "an image that others name by its node. May be a JSON object",
              .section = Section::kDevices,
              .read_group = blockdev,
              .implied = "driver"},
    OptionRow{.name = "global",
              .argument = "TYPE.KEY=VALUE | driver=TYPE,property=KEY,value=VALUE",
              .help = "what all devices of a type have instead of a property's usual value",
              .section = Section::kDevices,
              .read_group = global},
    OptionRow{.name = "set",
              .argument = "GROUP.ID.KEY=VALUE",
              .help = "changes what an option before it said of the device, drive, chardev or "
                      "object with that id",
              .section = Section::kDevices,
              .read = set_argument},
    OptionRow{.name = "readconfig",
              .argument = "FILE",
              .help = "reads options from a file: [GROUP \"ID\"], then KEY = \"VALUE\" lines",
              .section = Section::kDevices,
              .read = read_config_file,
              .completes = "@file"},
    OptionRow{.name = "nodefaults",
              .help = "nothing that was not asked for: no serial port on the terminal",
              .section = Section::kDevices,
              .read = no_defaults},
    OptionRow{.name = "no-user-config",
              .help = "accepted for others' sake: nothing is read that no option names",
              .section = Section::kDevices,
              .read = nothing},
};

}  // namespace

std::span<const OptionRow> device_options() { return kDeviceOptions; }

}  // namespace holdfast::app
