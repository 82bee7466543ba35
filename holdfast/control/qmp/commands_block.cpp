// SPDX-License-Identifier: Apache-2.0
// Block back-ends: nodes and drives.
#include <fmt/core.h>

#include <array>
#include <memory>
#include <optional>

#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::qmp {
namespace {

using block::Cache;

Answer answer_of(const Result<void>& result) {
  if (!result) return std::unexpected{QmpError{result.error()}};
  return Json::object();
}

/// A node inside another is described as one outside.
std::expected<void, QmpError> check_inner(const Json& options) {
  const Schema& schema = Schema::get();
  for (const char* below : {"file", "image"}) {
    const auto inner = options.find(below);
    if (inner == options.end() || !inner->is_object()) continue;
    if (auto checked = check_arguments(schema, *schema.command("blockdev-add"), *inner); !checked)
      return checked;
    if (auto checked = check_inner(*inner); !checked) return checked;
  }
  return {};
}

Answer add_block(Call& call) {
  if (const auto checked = check_inner(call.arguments); !checked)
    return std::unexpected{checked.error()};
  struct State {
    std::optional<Result<void>> now{};
    std::function<void(Answer)> later{};
  };
  const auto state = std::make_shared<State>();
  call.shared.nodes.add(call.machine, call.arguments, [state](const Result<void>& result) {
    if (state->later)
      state->later(answer_of(result));
    else
      state->now = result;
  });
  if (state->now) return answer_of(*state->now);
  state->later = call.answer_later();
  return Json();
}

Answer remove_block(Call& call) { return answer_of(call.machine.drives().remove(call.text("node-name"))); }

Json info_of(const block::Nodes::Info& node) {
  const block::Backend& backend = *node.backend;
  const bool direct = node.cache == Cache::kNone || node.cache == Cache::kDirectSync;
  const bool writes_back = node.cache != Cache::kWriteThrough && node.cache != Cache::kDirectSync;
  Json info{{"file", node.filename},
            {"node-name", node.name},
            {"ro", backend.access() == block::Access::kReadOnly},
            {"drv", node.driver},
            {"backing_file_depth", 0},
            {"encrypted", false},
            {"detect_zeroes", "off"},
            {"write_threshold", 0},
            {"image", {{"filename", node.filename},
                       {"format", node.driver},
                       {"virtual-size", backend.size()}}},
            {"cache", {{"writeback", writes_back},
                       {"direct", direct},
                       {"no-flush", node.cache == Cache::kUnsafe}}}};
  for (const char* limit : {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"}) info[limit] = 0;
  return info;
}

Answer list(Call& call) {
  Json all = Json::array();
  for (const auto& node : call.machine.drives().list())
    if (node.backend) all.push_back(info_of(node));
  return all;
}

/// Of "/machine/peripheral/nvme0:drive", the device's part: its id, or its path if it has none.
std::string device_of(const std::string& user) {
  const std::string path = user.substr(0, user.rfind(':'));
  const std::string folder = fmt::format("/machine/{}/", machine::Machine::kPeripherals);
  if (!path.starts_with(folder)) return path;
  const std::string id = path.substr(folder.size());
  return id.contains('/') ? path : id;
}

/// Drives, and nodes that a device has.
Answer drives(Call& call) {
  Json all = Json::array();
  for (const auto& node : call.machine.drives().list()) {
    const std::string user = node.backend ? node.backend->user() : "";
    const bool has_device = user.starts_with('/');
    if (!node.is_drive && !has_device) continue;
    Json drive{{"device", node.is_drive ? node.name : ""},
               {"type", "unknown"},
               {"removable", false},
               {"locked", false}};
    if (node.backend) drive["inserted"] = info_of(node);
    if (has_device) drive["qdev"] = device_of(user);
    all.push_back(std::move(drive));
  }
  return all;
}

Answer resize(Call& call) {
  const auto device = call.text_if("device");
  const auto name = call.text_if("node-name");
  if (device.has_value() == name.has_value()) return generic_error("it takes a device, or a node-name");
  const auto size = call.arguments.at("size").get<std::int64_t>();
  if (size < 0) return generic_error("'size' takes a number of bytes");
  return answer_of(
      call.machine.drives().resize(name ? *name : *device, static_cast<std::uint64_t>(size)));
}

constexpr auto kBlockCommands = std::to_array<CommandRow>({
    {"blockdev-add", add_block},
    {"blockdev-del", remove_block},
    {"block_resize", resize},
    {"query-block", drives},
    {"query-named-block-nodes", list},
});

}  // namespace

std::span<const CommandRow> block_commands() { return kBlockCommands; }

}  // namespace holdfast::control::qmp
