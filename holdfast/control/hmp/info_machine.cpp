// SPDX-License-Identifier: Apache-2.0
// `info`: the emulator and the machine as a whole.
#include <array>

#include "holdfast/boards/image_loader.hpp"
#include "holdfast/control/hmp/command.hpp"

namespace holdfast::control::hmp {
namespace {

using qmp::Json;

std::string text_of(const Json& object, const char* key) { return object.at(key).get<std::string>(); }
std::uint64_t number_of(const Json& object, const char* key) { return object.at(key).get<std::uint64_t>(); }

Result<void> version(Call& call) {
  const Json answer = TRY(call.ask("query-version"));
  const Json& numbers = answer.at("qemu");
  call.say("{}.{}.{} ({})", number_of(numbers, "major"), number_of(numbers, "minor"),
           number_of(numbers, "micro"), text_of(answer, "package"));
  return {};
}

Result<void> status(Call& call) {
  const Json answer = TRY(call.ask("query-status"));
  const std::string state = text_of(answer, "status");
  const bool running = answer.at("running").get<bool>();
  call.say("VM status: {}{}", running ? "running" : "paused",
           running || state == "paused" ? "" : fmt::format(" ({})", state));
  return {};
}

Result<void> name(Call& call) {
  const Json answer = TRY(call.ask("query-name"));
  if (answer.contains("name"))
    call.say("{}", text_of(answer, "name"));
  else
    call.say("The machine was given no name.");
  return {};
}

Result<void> uuid(Call& call) {
  call.say("{}", text_of(TRY(call.ask("query-uuid")), "UUID"));
  return {};
}

Result<void> kvm(Call& call) {
  const Json answer = TRY(call.ask("query-kvm"));
  call.say("kvm support: {}", answer.at("enabled").get<bool>()   ? "enabled"
                              : answer.at("present").get<bool>() ? "disabled"
                                                                 : "not compiled");
  return {};
}

Result<void> accelerators(Call& call) {
  const bool stepped = call.machine().clock().pace() == hw::VirtualClock::Pace::kStepped;
  call.say("Instructions are {}.", stepped ? "executed in turn, or not at all: time goes on in steps"
                                           : "emulated, with a host thread for each CPU");
  return {};
}

Result<void> chardevs(Call& call) {
  for (const Json& one : TRY(call.ask("query-chardev")))
    call.say("{}: filename={}", text_of(one, "label"), text_of(one, "filename"));
  if (call.out.empty()) call.say("There are no character back-ends.");
  return {};
}

Result<void> roms(Call& call) {
  for (hw::Device* device : call.machine().devices_now())
    if (const auto* loader = dynamic_cast<const boards::ImageLoader*>(device))
      for (const auto& blob : loader->blobs())
        call.say("addr={:016x} size={:#08x} mem=ram name=\"{}\"", blob.address, blob.size, blob.name);
  if (call.out.empty()) call.say("Nothing is loaded into memory at a reset.");
  return {};
}

Result<void> numa(Call& call) {
  const auto& nodes = call.monitor.about().nodes;
  call.say("{} nodes", nodes.size());
  constexpr std::uint64_t kMiB = 1U << 20U;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::string cpus;
    for (const auto cpu : nodes[i].cpus) cpus += fmt::format(" {}", cpu);
    call.say("node {} cpus:{}", i, cpus);
    call.say("node {} size: {} MB", i, nodes[i].memory / kMiB);
    call.say("node {} plugged: 0 MB", i);
  }
  return {};
}

Result<void> memory_size(Call& call) {
  const Json answer = TRY(call.ask("query-memory-size-summary"));
  call.say("base memory: {}", number_of(answer, "base-memory"));
  if (answer.contains("plugged-memory")) call.say("plugged memory: {}", number_of(answer, "plugged-memory"));
  return {};
}

Result<void> memory_backends(Call& call) {
  for (const Json& one : TRY(call.ask("query-memdev"))) {
    call.say("memory backend: {}", one.contains("id") ? text_of(one, "id") : "");
    call.say("  size:  {}", number_of(one, "size"));
    call.say("  share: {}", one.at("share").get<bool>());
    call.say("  prealloc: {}", one.at("prealloc").get<bool>());
  }
  if (call.out.empty()) call.say("Nobody made a memory back-end.");
  return {};
}

Result<void> memory_modules(Call& call) {
  for (const Json& one : TRY(call.ask("query-memory-devices"))) {
    const Json& data = one.at("data");
    call.say("Memory device [{}]: \"{}\"", text_of(one, "type"), data.contains("id") ? text_of(data, "id") : "");
    call.say("  addr: {:#x}", number_of(data, "addr"));
    call.say("  slot: {}", data.at("slot").get<std::int64_t>());
    call.say("  node: {}", data.at("node").get<std::int64_t>());
    call.say("  size: {}", number_of(data, "size"));
    call.say("  memdev: {}", text_of(data, "memdev"));
    call.say("  hotplugged: {}", data.at("hotplugged").get<bool>());
    call.say("  hotpluggable: {}", data.at("hotpluggable").get<bool>());
  }
  if (call.out.empty()) call.say("No memory module is plugged.");
  return {};
}

Result<void> io_threads(Call& call) {
  for (const Json& one : TRY(call.ask("query-iothreads"))) {
    call.say("{}:", text_of(one, "id"));
    call.say("  thread_id={}", number_of(one, "thread-id"));
    for (const char* name : {"poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch"})
      call.say("  {}={}", name, number_of(one, name));
  }
  if (call.out.empty()) call.say("Nobody made a thread for input and output.");
  return {};
}

Result<void> census(Call& call) {
  for (const Json& one : TRY(call.ask("x-query-census")))
    call.say("{:<16} {:>8}", text_of(one, "kind"), one.at("count").get<std::int64_t>());
  return {};
}

Result<void> tickets(Call& call) {
  for (const Json& ticket : TRY(call.ask("x-query-tickets"))) {
    call.say("{}: {} for {} ms", text_of(ticket, "path"), text_of(ticket, "stage"), number_of(ticket, "age-ms"));
    for (const Json& one : ticket.at("inside"))
      call.say("  inside {}: {} ({})", text_of(one, "device"), text_of(one, "doing"), text_of(one, "where"));
    for (const Json& one : ticket.at("held"))
      call.say("  block {} held by {} for {} ms ({})", text_of(one, "block"), text_of(one, "by"),
               number_of(one, "age-ms"), text_of(one, "where"));
    for (const Json& one : ticket.at("errands"))
      call.say("  with the host for {} ms: {} ({})", number_of(one, "age-ms"), text_of(one, "what"),
               text_of(one, "where"));
  }
  if (call.out.empty()) call.say("No unplug is going on.");
  return {};
}

Result<void> history(Call& call) {
  const auto* lines = call.monitor.history();
  if (lines == nullptr) {
    call.say("Nobody types here, so there is no history.");
    return {};
  }
  for (std::size_t i = 0; i < lines->size(); ++i) call.say("{}: '{}'", i, (*lines)[i]);
  return {};
}

constexpr auto kInfoMachineRows = std::to_array<Row>({
    {.name = "version", .help = "the version that clients know, and our own", .perform = version},
    {.name = "status", .help = "whether the machine runs", .perform = status},
    {.name = "name", .help = "the name the machine was given", .perform = name},
    {.name = "uuid", .help = "the identifier the machine was given", .perform = uuid},
    {.name = "kvm", .help = "whether the host's processor runs the guest", .perform = kvm},
    {.name = "accelerators", .help = "how instructions are executed", .perform = accelerators},
    {.name = "chardev", .help = "the character back-ends and where they lead", .perform = chardevs},
    {.name = "roms", .help = "what is put into memory at each reset", .perform = roms},
    {.name = "numa", .help = "which CPUs and which memory are near to each other", .perform = numa},
    {.name = "memory_size_summary", .help = "how much memory the machine has, in bytes", .perform = memory_size},
    {.name = "memdev", .help = "the memory back-ends that users made", .perform = memory_backends},
    {.name = "memory-devices", .help = "the memory modules that are plugged", .perform = memory_modules},
    {.name = "iothreads", .help = "threads for input and output that users made", .perform = io_threads},
    {.name = "census", .help = "what is alive in the machine, by kind", .perform = census},
    {.name = "tickets", .help = "the unplugs that are not done, and who is in their way", .perform = tickets},
    {.name = "history", .help = "the lines typed before", .perform = history},
});

}  // namespace

std::span<const Row> info_machine_rows() { return kInfoMachineRows; }

}  // namespace holdfast::control::hmp
