// SPDX-License-Identifier: Apache-2.0
// Drives that come and go, and what drives there are.
#include <algorithm>
#include <array>

#include "holdfast/block/block_port.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/control/hmp/words.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::control::hmp {
namespace {

/// What -blockdev says on the command line.
Result<void> add_node(Call& call) {
  const auto items = TRY(read_items(call.text("drive"), "driver"));
  block::Settings settings;
  for (const auto& [key, value] : items) settings.set(key, value);
  return call.machine().drives().add(std::move(settings));
}

/// The number of a controller, which older clients put first, says nothing here.
Result<void> add_drive(Call& call) {
  if (call.flag("n")) return add_node(call);
  const auto items = TRY(read_items(call.text("drive"), "file"));
  const std::string interface = value_of(items, "if");
  const std::string id = value_of(items, "id");
  if (interface != "none") return fail("if is '{}'; it takes none, for a device that takes it by drive=ID", interface);
  if (id.empty()) return fail("id is missing; it takes a name for the drive");
  if (!machine::is_id(id)) return std::unexpected{machine::not_an_id(id)};
  block::Settings settings;
  for (const auto& [key, value] : items)
    if (key != "if" && key != "id") settings.set(key, value);
  TRY(call.machine().drives().add_drive(id, fmt::format("drive '{}'", id), std::move(settings)));
  call.say("OK");
  return {};
}

Result<void> remove_drive(Call& call) { return call.machine().drives().remove(call.text("id")); }

Result<void> resize(Call& call) {
  const auto size = object::parse_size(call.text("size"), 1U << 20U);
  if (!size) return fail("size is '{}'; it takes one such as 64K or 2G, or a number of MiB", call.text("size"));
  return call.machine().drives().resize(call.text("device"), *size);
}

void show(Call& call, const std::string& name, const block::Backend& backend) {
  call.say("{}: {} (raw{})", name, backend.location(),
           backend.access() == block::Access::kReadOnly ? ", read-only" : "");
  const std::string user = backend.user();
  if (!user.empty()) call.say("    Attached to:      {}", user.substr(0, user.rfind(':')));
  call.say("    Size:             {} bytes", backend.size());
  call.say("    Served by:        {}", backend.engine());
}

/// Whether the one of that name is asked for.
bool is_wanted(const Call& call, std::string_view name) { return call.text_or("name", name) == name; }

void show_unnamed(Call& call, hw::Device& device) {
  std::vector<Ref<block::Backend>> unnamed;
  const auto named = call.machine().drives().list();
  device.for_each_part([&](hw::Part& part) {
    const auto* port = dynamic_cast<const block::BlockPort*>(&part);
    if (port == nullptr || port->backend() == nullptr) return;
    const bool has_name = std::ranges::any_of(
        named, [&](const auto& node) { return node.backend.get() == port->backend(); });
    if (!has_name && is_wanted(call, port->backend()->name())) unnamed.push_back(Ref<block::Backend>::share(port->backend()));
  });
  for (const auto& backend : unnamed) show(call, backend->name(), *backend);
}

Result<void> drives(Call& call) {
  for (const auto& node : call.machine().drives().list()) {
    if (!is_wanted(call, node.name)) continue;
    const std::string name = fmt::format("{} '{}'", node.is_drive ? "drive" : "node", node.name);
    if (node.backend)
      show(call, name, *node.backend);
    else
      call.say("{}: no medium", name);
  }
  for (hw::Device* device : call.machine().devices_now())
    for (hw::Device* one : device->subtree()) show_unnamed(call, *one);
  if (call.out.empty()) call.say("There is no {}drive.", call.has("name") ? "such " : "");
  return {};
}

constexpr auto kDriveRows = std::to_array<Row>({
    {.name = "drive_add",
     .arguments = {flag("n"), word("bus"), rest("drive")},
     .help = "makes a drive, 0 if=none,id=ID[,file=FILE][,KEY=VALUE...], that devices take by drive=ID; with -n a "
             "node, as -blockdev says it",
     .perform = add_drive},
    {.name = "drive_del",
     .arguments = {word("id")},
     .help = "removes a drive that no device has",
     .perform = remove_drive},
    {.name = "block_resize",
     .arguments = {word("device"), rest("size")},
     .help = "makes a drive larger or smaller while nobody uses it; a bare number is MiB",
     .perform = resize},
});

constexpr auto kInfoDriveRows = std::to_array<Row>({
    {.name = "block",
     .arguments = {flag("n"), flag("v"), maybe(word("name"))},
     .help = "the drives and nodes, or one: where their bytes are, who has them and what serves them",
     .perform = drives},
});

}  // namespace

std::span<const Row> drive_rows() { return kDriveRows; }
std::span<const Row> info_drive_rows() { return kInfoDriveRows; }

}  // namespace holdfast::control::hmp
