// SPDX-License-Identifier: Apache-2.0
// What only this emulator can be asked: who is alive, who is in the way, what is where and why.
#include <fmt/core.h>

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "holdfast/base/event_loop.hpp"
#include "holdfast/control/map_look.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/listener.hpp"
#include "holdfast/memory/region_control.hpp"

namespace holdfast::control::qmp {
namespace {

std::string line_of(const std::source_location& where) {
  const std::string_view file = where.file_name();
  return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), where.line());
}

constexpr std::array kKinds{"devices", "parts", "regions", "region-controls", "gates", "ram-blocks",
                            "holds",   "views", "spaces",  "listeners",       "wires", "timers",
                            "descriptors",
                            "tickets", "requests", "flat-nodes", "retired"};
static_assert(kKinds.size() == static_cast<std::size_t>(Census::Kind::kCount));

// What is retired and may be freed by now is freed first; what a reader may still be at is shown as it is.
Answer census(Call& call) {
  call.machine.services().realm().domain().poll();
  const Census::Snapshot now = call.machine.services().realm().census().take();
  Json all = Json::array();
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (now.counts[i] != 0) all.push_back({{"kind", kKinds[i]}, {"count", now.counts[i]}});
  return all;
}

Json ticket_info(const hw::Ticket& ticket) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const hw::Ticket::Report report = ticket.report();
  Json inside = Json::array();
  for (const auto& insider : report.insiders)
    inside.push_back({{"device", insider.device},
                      {"doing", insider.what},
                      {"where", line_of(insider.where)}});
  Json held = Json::array();
  constexpr std::uint64_t kNsPerMs = 1'000'000;
  for (const auto& hold : report.held)
    held.push_back({{"block", hold.block},
                    {"by", hold.by},
                    {"where", line_of(hold.where)},
                    {"age-ms", (EventLoop::now_ns() - hold.since_ns) / kNsPerMs}});
  Json errands = Json::array();
  for (const auto& errand : report.errands)
    errands.push_back({{"what", errand.what},
                       {"where", line_of(errand.where)},
                       {"age-ms", (EventLoop::now_ns() - errand.since_ns) / kNsPerMs}});
  Json info{{"path", ticket.path()},
            {"stage", to_string(report.stage)},
            {"age-ms", duration_cast<milliseconds>(hw::Ticket::Clock::now() - report.since).count()},
            {"inside", inside},
            {"held", held},
            {"errands", errands}};
  if (!report.reason.empty()) info["reason"] = report.reason;
  return info;
}

Answer tickets(Call& call) {
  Json all = Json::array();
  for (const auto& ticket : call.machine.tickets_now()) all.push_back(ticket_info(*ticket));
  return all;
}

Answer wait_ticket(Call& call) {
  const std::string id = call.text("id");
  const std::string path =
      id.starts_with('/') ? id : fmt::format("/machine/{}/{}", machine::Machine::kPeripherals, id);
  for (const auto& ticket : call.machine.tickets_now()) {
    if (ticket->path() != path || ticket->done()) continue;
    ticket->when_done([ticket, answer = call.answer_later()] { answer(ticket_info(*ticket)); });
    return Json();
  }
  if (call.machine.tree().has(path))
    return generic_error(fmt::format("device '{}' is not being unplugged", id));
  return Json{{"path", path},
              {"stage", "reclaimed"},
              {"age-ms", 0},
              {"inside", Json::array()},
              {"held", Json::array()},
              {"errands", Json::array()}};
}

// --- memory ----------------------------------------------------------------------------------------

using memory::MapSnapshot;

Json range_info(const MapSnapshot& map, const MapSnapshot::Range& range) {
  const MapSnapshot::Region& region = map.regions[range.region];
  Json info{{"first", range.extent.first},      {"last", range.extent.last},
            {"region", region.name},            {"kind", kind_name(region.kind)},
            {"offset", range.offset},           {"read-only", !is_writable(map, range)}};
  if (!region.owner.empty()) info["owner"] = region.owner;
  return info;
}

Json region_info(const MapSnapshot::Region& region) {
  Json info{{"name", region.name},         {"kind", kind_name(region.kind)},
            {"offset", region.offset},     {"last", region.last},
            {"priority", region.priority}, {"enabled", region.enabled},
            {"children", region.children}};
  if (!region.owner.empty()) info["owner"] = region.owner;
  if (region.target) {
    info["target"] = *region.target;
    info["target-offset"] = region.target_offset;
  }
  return info;
}

Answer memory_map(Call& call) {
  const MapSnapshot map = snapshot_of(call.machine);
  Json spaces = Json::array();
  for (const auto& space : map.spaces) {
    Json info{{"name", space.name}};
    if (space.root) info["root"] = *space.root;
    if (space.view) info["view"] = *space.view;
    spaces.push_back(std::move(info));
  }
  Json views = Json::array();
  for (const auto& view : map.views) {
    Json ranges = Json::array();
    for (const auto& range : view.ranges) ranges.push_back(range_info(map, range));
    views.push_back({{"root", view.root},
                     {"ranges", std::move(ranges)},
                     {"leaves", view.leaves},
                     {"inners", view.inners},
                     {"bytes", view.bytes}});
  }
  Json regions = Json::array();
  for (const auto& region : map.regions) regions.push_back(region_info(region));
  return Json{{"spaces", std::move(spaces)}, {"views", std::move(views)}, {"regions", std::move(regions)}};
}

Answer explain_address(Call& call) {
  const Json& given = call.arguments.at("address");
  if (!given.is_number_unsigned()) return generic_error("address takes a number from 0 on");
  const MapSnapshot map = snapshot_of(call.machine);
  const auto said = explain(map, call.text_if("space").value_or("memory"), given.get<std::uint64_t>());
  if (!said) return std::unexpected{QmpError{said.error()}};
  Json shadows = Json::array();
  for (const Shadowed& one : said->shadowed) {
    const MapSnapshot::Region& region = map.regions[one.region];
    Json info{{"region", region.name}, {"kind", kind_name(region.kind)}, {"offset", one.offset},
              {"because", one.because}};
    if (!region.owner.empty()) info["owner"] = region.owner;
    shadows.push_back(std::move(info));
  }
  Json answer{{"address", given}, {"space", said->space}, {"because", said->because},
              {"shadows", std::move(shadows)}};
  if (said->range) answer["range"] = range_info(map, *said->range);
  return answer;
}

constexpr auto kOwnCommands = std::to_array<CommandRow>({
    {"x-query-census", census},
    {"x-query-tickets", tickets},
    {"x-wait-ticket", wait_ticket},
    {"x-query-memory-map", memory_map},
    {"x-explain-address", explain_address},
});

}  // namespace

std::span<const CommandRow> own_commands() { return kOwnCommands; }

}  // namespace holdfast::control::qmp
