// SPDX-License-Identifier: Apache-2.0
// What concerns the process and its files: descriptors that clients give it, memory that it writes out,
// what it does when the guest resets or switches off, and how its preparation ends.
#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "holdfast/control/cpu_memory.hpp"
#include "holdfast/control/cpu_sight.hpp"
#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::qmp {
namespace {

// --- descriptors -----------------------------------------------------------------------------------

std::unexpected<QmpError> no_descriptor() {
  return generic_error("no descriptor came with this; it takes one, by SCM_RIGHTS");
}

Answer get_descriptor(Call& call) {
  const std::string name = call.text("fdname");
  if (!call.descriptor) return no_descriptor();
  if (name.empty() || (name.front() >= '0' && name.front() <= '9'))
    return generic_error("fdname takes a name that does not begin with a digit");
  call.named[name] = std::move(call.descriptor);
  return Json::object();
}

Answer close_descriptor(Call& call) {
  if (call.named.erase(call.text("fdname")) == 0)
    return generic_error(fmt::format("there is no descriptor '{}'", call.text("fdname")));
  return Json::object();
}

std::int64_t number(const Call& call, const char* name) {
  return call.arguments.at(name).get<std::int64_t>();
}

std::optional<std::int64_t> number_if(const Call& call, const char* name) {
  return call.has(name) ? std::optional{number(call, name)} : std::nullopt;
}

Answer add_descriptor(Call& call) {
  if (!call.descriptor) return no_descriptor();
  const auto set = number_if(call, "fdset-id");
  if (set && *set < 0) return generic_error("fdset-id takes a number from 0 on");
  const int number = call.descriptor.get();
  const auto in = call.shared.sets.add(std::move(call.descriptor), set, call.text_if("opaque"));
  return Json{{"fdset-id", in}, {"fd", number}};
}

Answer remove_descriptor(Call& call) {
  const auto gone = call.shared.sets.remove(number(call, "fdset-id"), number_if(call, "fd"));
  if (!gone) return std::unexpected{QmpError{gone.error()}};
  return Json::object();
}

Answer query_sets(Call& call) {
  Json all = Json::array();
  for (const auto& [number, set] : call.shared.sets.sets()) {
    Json members = Json::array();
    for (const auto& member : set) {
      Json info{{"fd", member.descriptor.get()}};
      if (member.note) info["opaque"] = *member.note;
      members.push_back(std::move(info));
    }
    all.push_back({{"fdset-id", number}, {"fds", std::move(members)}});
  }
  return all;
}

// --- memory ----------------------------------------------------------------------------------------

constexpr std::uint64_t kMostSaved = std::uint64_t{16} << 30;  // the control thread does nothing else

/// The CPU that is meant, or the first; null where there is none.
std::expected<hw::Cpu*, QmpError> cpu_of(Call& call) {
  const auto cpus = cpus_of(call.machine);
  if (!call.has("cpu-index")) return cpus.empty() ? nullptr : cpus.front();
  const Json& index = call.arguments.at("cpu-index");
  for (hw::Cpu* cpu : cpus)
    if (index == cpu->facts().index) return cpu;
  return generic_error(fmt::format("cpu-index is {}; query-cpus-fast has those there are", index.dump()));
}

Answer save(Call& call, Eyes eyes) {
  const Json& address = call.arguments.at("val");
  const Json& size = call.arguments.at("size");
  if (!address.is_number_unsigned()) return generic_error("val takes an address");
  if (!size.is_number_unsigned() || size == 0U || size.get<std::uint64_t>() > kMostSaved)
    return generic_error(fmt::format("size takes 1 to {} bytes", kMostSaved));
  const auto first = address.get<std::uint64_t>();
  const auto rest = size.get<std::uint64_t>() - 1;
  if (rest > kAddressMax - first)
    return generic_error(fmt::format("size is {}; from {:#x} on there are {}", rest + 1, first,
                                     kAddressMax - first + 1));
  const auto cpu = cpu_of(call);
  if (!cpu) return std::unexpected{cpu.error()};
  const std::string path = call.text("filename");
  const auto file = call.shared.sets.open(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return std::unexpected{QmpError{file.error()}};
  const auto saved = save_memory(call.machine, *cpu, eyes, {first, first + rest}, file->get());
  if (!saved) return generic_error(fmt::format("'{}': {}", path, saved.error().message));
  return Json::object();
}

Answer save_virtual(Call& call) { return save(call, Eyes::kCpu); }
Answer save_physical(Call& call) { return save(call, Eyes::kBus); }

// --- the run ---------------------------------------------------------------------------------------

Answer inject_nmi(Call&) {
  return generic_error("no CPU of this machine has an interrupt that cannot be masked");
}

Answer set_action(Call& call) {
  using machine::Machine;
  if (const auto reboot = call.text_if("reboot"))
    call.machine.set_on_reset(*reboot == "reset" ? Machine::OnReset::kReset
                                                 : Machine::OnReset::kShutdown);
  if (const auto shutdown = call.text_if("shutdown"))
    call.machine.set_on_shutdown(*shutdown == "pause" ? Machine::OnShutdown::kStay
                                                      : Machine::OnShutdown::kEnd);
  if (const auto panic = call.text_if("panic")) call.shared.on_panic = *panic;
  if (const auto watchdog = call.text_if("watchdog")) call.shared.on_watchdog = *watchdog;
  return Json::object();
}

Answer set_watchdog_action(Call& call) {
  call.shared.on_watchdog = call.text("action");
  return Json::object();
}

Answer set_numa_node(Call& call) {
  if (!call.shared.configuration) return generic_error("the machine has been made already");
  Json node = call.arguments;
  // Bytes in any case; the command line takes a number without a suffix for MiB.
  if (node.contains("mem")) node["mem"] = fmt::format("{}B", node["mem"].dump());
  const auto added = call.shared.configuration->add_node(node.dump());
  if (!added) return std::unexpected{QmpError{added.error()}};
  return Json::object();
}

Answer exit_preconfig(Call& call) {
  if (!call.shared.configuration) return generic_error("the machine has been made already");
  call.shared.configured = call.answer_later();
  call.shared.configuration->finish();
  return Json();
}

constexpr auto kHostCommands = std::to_array<CommandRow>({
    {"getfd", get_descriptor},
    {"closefd", close_descriptor},
    {"add-fd", add_descriptor},
    {"remove-fd", remove_descriptor},
    {"query-fdsets", query_sets},
    {"memsave", save_virtual},
    {"pmemsave", save_physical},
    {"inject-nmi", inject_nmi},
    {"set-action", set_action},
    {"watchdog-set-action", set_watchdog_action},
    {"set-numa-node", set_numa_node},
    {"x-exit-preconfig", exit_preconfig},
});

}  // namespace

std::span<const CommandRow> host_commands() { return kHostCommands; }

}  // namespace holdfast::control::qmp
