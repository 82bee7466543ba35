// SPDX-License-Identifier: Apache-2.0
// What only this emulator can be asked: who is alive, who is in the way, what is where and why.
#include <fmt/core.h>

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "holdfast/base/event_loop.hpp"
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

// Not settled: what is retired and not yet freed is shown as it is.
Answer census(Call& call) {
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
  Json info{{"path", ticket.path()},
            {"stage", to_string(report.stage)},
            {"age-ms", duration_cast<milliseconds>(hw::Ticket::Clock::now() - report.since).count()},
            {"inside", inside},
            {"held", held}};
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
              {"held", Json::array()}};
}

// --- memory ----------------------------------------------------------------------------------------

std::string_view kind_name(memory::RegionKind kind) {
  using memory::RegionKind;
  switch (kind) {
    case RegionKind::kRam: return "ram";
    case RegionKind::kRom: return "rom";
    case RegionKind::kRomDevice: return "rom-device";
    case RegionKind::kMmio: return "mmio";
    case RegionKind::kReservation: return "reservation";
    default: return "other";
  }
}

/// Everything that a space shows when it is subscribed to.
class Ranges final : public memory::LayoutListener {
 public:
  void region_del(const memory::Section&) override {}
  void region_add(const memory::Section& section) override {
    const memory::RegionControl& region = *section.region;
    const bool writable =
        region.kind() != memory::RegionKind::kRom &&
        !any(section.flags & memory::RangeFlags::kReadOnly);
    Json range{{"first", section.extent.first},
               {"last", section.extent.last},
               {"region", region.name()},
               {"kind", kind_name(region.kind())},
               {"offset", section.offset},
               {"read-only", !writable}};
    if (region.has_gate() && !region.has_own_gate()) range["owner"] = region.gate().name();
    all.push_back(std::move(range));
  }

  Json all = Json::array();
};

Json ranges_of(machine::Machine& machine) {
  Ranges ranges;
  memory::AddressSpace space{machine.fabric(), machine.bus().memory().region(), {.name = "monitor"}};
  const memory::Subscription subscription{space, ranges};
  return std::move(ranges.all);
}

Answer memory_map(Call& call) { return ranges_of(call.machine); }

Answer explain_address(Call& call) {
  const Json& given = call.arguments.at("address");
  if (!given.is_number_unsigned()) return generic_error("address takes a number from 0 on");
  const auto address = given.get<std::uint64_t>();
  Json before;
  Json after;
  for (Json& range : ranges_of(call.machine)) {
    if (range["last"].get<std::uint64_t>() < address) {
      before = std::move(range);
      continue;
    }
    if (range["first"].get<std::uint64_t>() <= address) {
      const std::uint64_t offset = address - range["first"].get<std::uint64_t>() +
                                   range["offset"].get<std::uint64_t>();
      const std::string because =
          fmt::format("the bus shows byte {:#x} of region '{}'{}{}", offset,
                      range["region"].get<std::string>(),
                      range.contains("owner") ? " of " + range["owner"].get<std::string>() : "",
                      range["read-only"].get<bool>() ? "; writes have no effect" : "");
      return Json{{"address", address}, {"range", std::move(range)}, {"because", because}};
    }
    after = std::move(range);
    break;
  }
  std::string because = "nothing is there: reads give zeroes and writes vanish";
  if (!before.is_null())
    because += fmt::format("; below, '{}' ends at {:#x}", before["region"].get<std::string>(),
                           before["last"].get<std::uint64_t>());
  if (!after.is_null())
    because += fmt::format("; above, '{}' begins at {:#x}", after["region"].get<std::string>(),
                           after["first"].get<std::uint64_t>());
  return Json{{"address", address}, {"because", because}};
}

constexpr auto kRows = std::to_array<CommandRow>({
    {"x-query-census", census},
    {"x-query-tickets", tickets},
    {"x-wait-ticket", wait_ticket},
    {"x-query-memory-map", memory_map},
    {"x-explain-address", explain_address},
});

}  // namespace

std::span<const CommandRow> own_commands() { return kRows; }

}  // namespace holdfast::control::qmp
