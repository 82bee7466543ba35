// SPDX-License-Identifier: Apache-2.0
// `info`: CPUs, how they translate, and what interrupts them.
#include <array>
#include <functional>
#include <optional>

#include "holdfast/control/cpu_memory.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/hw/irq.hpp"

namespace holdfast::control::hmp {
namespace {

using qmp::Json;

Result<void> cpus(Call& call) {
  const hw::Cpu* mine = call.monitor.cpu();
  for (const Json& one : TRY(call.ask("query-cpus-fast"))) {
    const auto index = one.at("cpu-index").get<std::uint64_t>();
    call.say("{} CPU #{}: thread_id={}", mine != nullptr && mine->facts().index == index ? '*' : ' ', index,
             one.at("thread-id").get<std::int64_t>());
  }
  if (call.out.empty()) call.say("There are no CPUs.");
  return {};
}

Result<void> places(Call& call) {
  call.say("Hotpluggable CPUs:");
  for (const Json& one : TRY(call.ask("query-hotpluggable-cpus"))) {
    call.say("  type: \"{}\"", one.at("type").get<std::string>());
    call.say("  vcpus_count: \"{}\"", one.at("vcpus-count").get<std::uint64_t>());
    if (one.contains("qom-path")) call.say("  qom_path: \"{}\"", one.at("qom-path").get<std::string>());
    call.say("  CPUInstance Properties:");
    for (const auto& [key, value] : one.at("props").items()) call.say("    {}: \"{}\"", key, value.dump());
  }
  return {};
}

Result<void> no_cpu(Call& call) {
  call.say("There is no CPU to look at.");
  return {};
}

/// Does it for the CPU that is looked through, while none executes anything.
Result<void> inspect(Call& call, const std::function<void(const hw::CpuInspector&)>& body) {
  hw::Cpu* cpu = call.monitor.cpu();
  if (cpu == nullptr) return no_cpu(call);
  bool possible = false;
  call.machine().while_paused([&] {
    const auto inspector = cpu->inspect();
    possible = inspector != nullptr;
    if (possible) body(*inspector);
  });
  if (!possible) call.say("CPU #{} does not let itself be looked at.", cpu->facts().index);
  return {};
}

Result<void> registers(Call& call) {
  const auto all = cpus_of(call.machine());
  if (all.empty()) return no_cpu(call);
  const hw::Cpu* mine = call.monitor.cpu();
  const std::uint64_t wanted = call.has("vcpu") ? call.number("vcpu") : mine->facts().index;
  call.machine().while_paused([&] {
    for (hw::Cpu* cpu : all) {
      if (!call.flag("a") && cpu->facts().index != wanted) continue;
      const auto inspector = cpu->inspect();
      call.say("\nCPU#{}", cpu->facts().index);
      call.out += inspector ? inspector->registers() : std::string{"It does not let itself be looked at.\n"};
    }
  });
  if (call.out.empty()) return fail("there is no CPU {}", wanted);
  return {};
}

// --- translation -----------------------------------------------------------------------------------

constexpr std::size_t kMostTables = 16'384;
constexpr std::size_t kMostLines = 20'000;

Result<void> finish(Call& call, const std::optional<hw::CpuInspector::Walk>& walk, std::size_t lines) {
  if (!walk)
    call.say("No translation or protection");
  else if (!walk->complete)
    call.say("... and more: after {} tables or {} lines this ends", kMostTables, kMostLines);
  else if (lines == 0)
    call.say("{}: nothing is mapped", walk->mode);
  return {};
}

// Neighbours with the same rights in one line.
Result<void> mapped(Call& call) {
  return inspect(call, [&](const hw::CpuInspector& inspector) {
    using Mapping = hw::CpuInspector::Mapping;
    std::size_t lines = 0;
    std::optional<Mapping> pending;
    std::string rights;
    const auto flush = [&] {
      if (!pending) return;
      if (lines++ == 0)
        call.out += "vaddr            paddr            size             attr\n"
                    "---------------- ---------------- ---------------- -------\n";
      call.say("{:016x} {:016x} {:016x} {}", pending->address, pending->physical, pending->size, rights);
      pending.reset();
    };
    const auto walk = inspector.mappings(kMostTables, [&](const Mapping& next) {
      if (pending && next.rights == rights && next.address == pending->address + pending->size &&
          next.physical == pending->physical + pending->size) {
        pending->size += next.size;
        return true;
      }
      flush();
      pending = next;
      rights = next.rights;
      return lines < kMostLines;
    });
    flush();
    static_cast<void>(finish(call, walk, lines));
  });
}

Result<void> pages(Call& call) {
  return inspect(call, [&](const hw::CpuInspector& inspector) {
    std::size_t lines = 0;
    const auto walk = inspector.mappings(kMostTables, [&](const hw::CpuInspector::Mapping& page) {
      call.say("{:016x}: {:016x} {} {:#x}", page.address, page.physical, page.rights, page.size);
      return ++lines < kMostLines;
    });
    static_cast<void>(finish(call, walk, lines));
  });
}

// --- interrupts ------------------------------------------------------------------------------------

/// The lines of all arrays of one kind that a device has.
struct Lines {
  std::string name;
  unsigned count = 0;
  std::string high{};  // the numbers of those
};

template <class Array>
std::vector<Lines> lines_of(hw::Device& device) {
  std::vector<Lines> all;
  device.for_each_part([&](hw::Part& part) {
    const auto* array = dynamic_cast<const Array*>(&part);
    if (array == nullptr) return;
    Lines lines{.name = array->name(), .count = array->count()};
    for (unsigned i = 0; i < array->count(); ++i)
      if (array->level(i)) lines.high += fmt::format(" {}", i);
    all.push_back(std::move(lines));
  });
  return all;
}

template <class Visit>
void for_each_device(Call& call, Visit visit) {
  for (hw::Device* device : call.machine().devices_now())
    for (hw::Device* one : device->subtree()) visit(*one);
}

Result<void> lines(Call& call) {
  for_each_device(call, [&](hw::Device& device) {
    for (const Lines& in : lines_of<hw::IrqInArray>(device))
      call.say("{}:{} in, {} lines: {}", device.full_path(), in.name, in.count,
               in.high.empty() ? "all low" : "high" + in.high);
    for (const Lines& out : lines_of<hw::IrqOutArray>(device))
      call.say("{}:{} out, {} lines: {}", device.full_path(), out.name, out.count,
               out.high.empty() ? "all low" : "high" + out.high);
  });
  if (call.out.empty()) call.say("No device has an interrupt line.");
  return {};
}

// Whatever has both inputs and outputs passes interrupts on.
Result<void> controllers(Call& call) {
  for_each_device(call, [&](hw::Device& device) {
    if (lines_of<hw::IrqInArray>(device).empty() || lines_of<hw::IrqOutArray>(device).empty()) return;
    call.say("{} ({})", device.full_path(), device.type().name);
    for (const object::PropertyInfo& property : device.properties())
      call.say("  {} = {}", property.name, object::to_text(property.value));
  });
  if (call.out.empty()) call.say("No device passes interrupts on.");
  return {};
}

constexpr auto kInfoCpuRows = std::to_array<Row>({
    {.name = "cpus", .help = "the CPUs; the one that is looked through has a star", .perform = cpus},
    {.name = "hotpluggable-cpus", .help = "where CPUs can be, and are", .perform = places},
    {.name = "registers",
     .arguments = {flag("a"), maybe(number("vcpu"))},
     .help = "the registers of a CPU; -a: of all",
     .perform = registers},
    {.name = "mem", .help = "what the CPU's page tables map, neighbours joined", .perform = mapped},
    {.name = "tlb", .help = "what the CPU's page tables map, page by page", .perform = pages},
    {.name = "irq", .help = "the interrupt lines, and which of them are high", .perform = lines},
    {.name = "pic", .help = "the state of interrupt controllers", .perform = controllers},
});

}  // namespace

std::span<const Row> info_cpu_rows() { return kInfoCpuRows; }

}  // namespace holdfast::control::hmp
