// SPDX-License-Identifier: Apache-2.0
// Memory of the host with a name, and the modules of RAM that show it.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "holdfast/boards/memory_module.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/machine/user_object.hpp"

namespace holdfast::control::qmp {
namespace {

using boards::MemoryModule;

std::vector<MemoryModule*> modules_of(machine::Machine& machine) {
  std::vector<MemoryModule*> modules;
  for (hw::Device* device : machine.devices_now())
    if (auto* module = dynamic_cast<MemoryModule*>(device)) modules.push_back(module);
  return modules;
}

Answer add_object(Call& call) {
  machine::DeviceWish wish{.driver = call.text("qom-type"), .id = call.text("id")};
  if (!machine::is_id(wish.id)) return std::unexpected{QmpError{machine::not_an_id(wish.id)}};
  for (const auto& [key, value] : call.arguments.items()) {
    if (key == "qom-type" || key == "id") continue;
    auto text = as_text(key, value);
    if (!text) return std::unexpected{QmpError{text.error()}};
    wish.values.push_back({key, std::move(*text)});
  }
  const auto added = machine::make_object(call.machine, wish);
  if (!added) return std::unexpected{QmpError{added.error()}};
  return Json::object();
}

Answer delete_object(Call& call) {
  const auto gone = call.machine.discard_object(call.text("id"));
  if (!gone) return std::unexpected{QmpError{gone.error()}};
  return Json::object();
}

Json value_of(const hw::IoThread& thread, std::string_view name) {
  const auto value = thread.get_property(name);
  return value ? Json(std::get<std::int64_t>(*value)) : Json();
}

Answer query_threads(Call& call) {
  Json all = Json::array();
  for (const hw::IoThread* thread : call.machine.io_threads_now()) {
    Json info{{"id", thread->id()}, {"thread-id", thread->host_id()}};
    for (const char* name : {"poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch"})
      info[name] = value_of(*thread, name);
    all.push_back(std::move(info));
  }
  return all;
}

// Pages are neither merged nor left out of dumps, whatever was said.
Answer query_memory_objects(Call& call) {
  Json all = Json::array();
  for (const hw::MemoryBackend* memory : call.machine.memory_now())
    all.push_back({{"id", memory->id()},
                   {"size", memory->size()},
                   {"merge", false},
                   {"dump", true},
                   {"prealloc", memory->backing().prealloc},
                   {"share", memory->backing().shared},
                   {"reserve", false},
                   {"host-nodes", Json::array()},
                   {"policy", "default"}});
  return all;
}

Answer query_modules(Call& call) {
  Json all = Json::array();
  for (const MemoryModule* module : modules_of(call.machine)) {
    Json data{{"addr", module->address()},
              {"size", module->size()},
              {"slot", module->slot()},
              {"node", module->node_number()},
              {"memdev", module->memory()},
              {"hotplugged", module->is_hotplugged()},
              {"hotpluggable", true}};
    const std::string folder = fmt::format("/machine/{}/", boards::kPeripherals);
    if (module->full_path().starts_with(folder)) data["id"] = module->full_path().substr(folder.size());
    all.push_back({{"type", "dimm"}, {"data", std::move(data)}});
  }
  return all;
}

Answer query_size(Call& call) {
  std::uint64_t base = 0;
  for (hw::Device* device : call.machine.devices_now())
    if (auto* bank = dynamic_cast<boards::MemoryBank*>(device))
      if (bank->ram().region().kind() == memory::RegionKind::kRam) base += bank->ram().size();
  std::uint64_t plugged = 0;
  for (const MemoryModule* module : modules_of(call.machine)) plugged += module->size();
  return Json{{"base-memory", base}, {"plugged-memory", plugged}};
}

constexpr auto kMemoryCommands = std::to_array<CommandRow>({
    {"object-add", add_object},
    {"object-del", delete_object},
    {"query-iothreads", query_threads},
    {"query-memdev", query_memory_objects},
    {"query-memory-devices", query_modules},
    {"query-memory-size-summary", query_size},
});

}  // namespace

std::span<const CommandRow> memory_commands() { return kMemoryCommands; }

}  // namespace holdfast::control::qmp
