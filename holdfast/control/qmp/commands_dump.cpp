// SPDX-License-Identifier: Apache-2.0
// The machine as a core file for debuggers. It is written before the command is answered.
#include <fcntl.h>
#include <fmt/core.h>

#include <array>

#include "holdfast/control/core_file.hpp"
#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::qmp {
namespace {

Json state_of(const DumpState& dump) {
  return {{"status", dump.status}, {"completed", dump.completed}, {"total", dump.total}};
}

/// What `begin` and `length` say; nothing if neither is there.
std::expected<std::optional<Extent>, QmpError> part_of(Call& call) {
  if (!call.has("begin") && !call.has("length")) return std::nullopt;
  if (!call.has("begin") || !call.has("length"))
    return generic_error("begin and length go together; give both, or neither");
  const Json& begin = call.arguments.at("begin");
  const Json& length = call.arguments.at("length");
  if (!begin.is_number_unsigned() || !length.is_number_unsigned() || length == 0U ||
      length.get<std::uint64_t>() - 1 > kAddressMax - begin.get<std::uint64_t>())
    return generic_error("begin takes an address, and length the bytes from there on, at least 1");
  const auto first = begin.get<std::uint64_t>();
  return Extent{first, first + (length.get<std::uint64_t>() - 1)};
}

std::expected<Descriptor, QmpError> open_place(Call& call, const std::string& place) {
  if (place.starts_with("file:")) {
    auto file = call.shared.sets.open(place.substr(5), O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return std::unexpected{QmpError{file.error()}};
    return std::move(*file);
  }
  if (!place.starts_with("fd:"))
    return generic_error(fmt::format("protocol is '{}'; it takes file:PATH or fd:NAME", place));
  const auto given = call.named.find(place.substr(3));
  if (given == call.named.end())
    return generic_error(fmt::format("there is no descriptor '{}'", place.substr(3)));
  Descriptor taken = std::move(given->second);
  call.named.erase(given);
  return taken;
}

Answer dump(Call& call) {
  if (call.arguments.at("paging").get<bool>())
    return generic_error("paging takes false: addresses in the file are those of the bus");
  const auto part = part_of(call);
  if (!part) return std::unexpected{part.error()};
  const auto plan = CorePlan::make(call.machine, *part);
  if (!plan) return std::unexpected{QmpError{plan.error()}};
  const std::string place = call.text("protocol");
  const auto file = open_place(call, place);
  if (!file) return std::unexpected{file.error()};
  const auto written = write_core(call.machine, *plan, file->get());
  call.shared.dump = {.status = written ? "completed" : "failed",
                      .completed = written ? plan->bytes() : 0,
                      .total = plan->bytes()};
  Json data{{"result", state_of(call.shared.dump)}};
  if (!written) data["error"] = written.error().message;
  call.shared.emit("DUMP_COMPLETED", std::move(data));
  if (!written) return generic_error(fmt::format("'{}': {}", place, written.error().message));
  return Json::object();
}

Answer query_dump(Call& call) { return state_of(call.shared.dump); }

Answer query_capability(Call&) { return Json{{"formats", {"elf"}}}; }

constexpr auto kDumpCommands = std::to_array<CommandRow>({
    {"dump-guest-memory", dump},
    {"query-dump", query_dump},
    {"query-dump-guest-memory-capability", query_capability},
});

}  // namespace

std::span<const CommandRow> dump_commands() { return kDumpCommands; }

}  // namespace holdfast::control::qmp
