// SPDX-License-Identifier: Apache-2.0
// Options about CPUs and memory.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "holdfast/app/options/table.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

struct AcceleratorName {
  std::string_view name;
  std::optional<Accelerator> accelerator;  // none: known elsewhere, not here
  std::string_view help;
};
constexpr std::array kAccelerators{
    AcceleratorName{"emu", Accelerator::kEmulation, "instructions are decoded once, a block at a time, and emulated"},
    AcceleratorName{"interp", Accelerator::kInterpreter, "another name for emu"},
    AcceleratorName{"tcg", Accelerator::kEmulation, "another name for emu, which others have"},
    AcceleratorName{"kvm", std::nullopt, ""},
    AcceleratorName{"xen", std::nullopt, ""},
    AcceleratorName{"hvf", std::nullopt, ""},
    AcceleratorName{"nvmm", std::nullopt, ""},
    AcceleratorName{"whpx", std::nullopt, ""},
    AcceleratorName{"qtest", Accelerator::kQtest,
                    "none is executed, and time moves as a test client says"},
};

std::string usable_accelerators() {
  std::vector<std::string_view> names;
  for (const auto& entry : kAccelerators)
    if (entry.accelerator) names.push_back(entry.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// One name. What is known but not to be had here waits for another to be named.
Result<void> read_accelerator(Draft& draft, std::string_view name) {
  const auto found = std::ranges::find(kAccelerators, name, &AcceleratorName::name);
  if (found == kAccelerators.end())
    return fail("'{}' is no accelerator; there are {}", name, usable_accelerators());
  if (!found->accelerator) {
    draft.unusable.emplace_back(name);
  } else if (!draft.accelerator_chosen) {
    draft.options.accelerator = *found->accelerator;
    draft.accelerator_chosen = true;
  }
  return {};
}

Result<void> accel(Draft& draft, const OptionGroup& group) {
  constexpr std::array<std::string_view, 2> kThreads{"multi", "single"};
  if (draft.accelerator_from == "machine") return fail("-machine accel= chose one already; give it once");
  Fields fields{group};
  const auto name = fields.text("accel");
  if (!name) return fail("it takes an accelerator first; there are {}", usable_accelerators());
  if (*name == "help" || *name == "?") return draft.ask(Action::kListAccelerators);
  if (group.find("help") != nullptr) return draft.ask(Action::kListOption, "accel");
  const bool first = !draft.accelerator_chosen;
  TRY(read_accelerator(draft, *name));
  const auto threads = TRY(fields.choice("thread", kThreads));
  TRY(fields.size("tb-size", kMiB));  // how much translated code to keep: nothing is translated
  TRY(fields.finish());
  if (first && draft.accelerator_chosen)
    draft.options.threading = threads == 1U ? Threading::kSingle : Threading::kMulti;
  draft.accelerator_from = "accel";
  return {};
}

Result<void> smp(Draft& draft, const OptionGroup& group) {
  if (group.items.empty()) return fail("it takes a number of CPUs");
  return add_topology(draft.topology, group.items);
}

Result<void> memory(Draft& draft, const OptionGroup& group) {
  if (group.items.empty()) return fail("it takes a size, such as 128M or 2G");
  return read_memory(draft, group);
}

Result<void> cpu(Draft& draft, const OptionGroup& group) {
  const auto& items = group.items;
  if (items.empty() || items.front().key != "model" || items.front().value.empty())
    return fail("it takes a model first, then KEY=VALUE; `help` lists the models");
  if (items.front().value == "help" || items.front().value == "?")
    return draft.ask(Action::kListCpus);
  draft.options.cpu = items.front().value;
  draft.options.cpu_properties.clear();
  for (const KeyValue& item : std::span{items}.subspan(1)) {
    if (item.key == "help") return draft.ask(Action::kListCpus, items.front().value);
    set(draft.options.cpu_properties, item);
  }
  return {};
}

Result<void> numa(Draft& draft, const OptionGroup& group) {
  constexpr std::array<std::string_view, 5> kTypes{"node", "cpu", "dist", "hmat-lb", "hmat-cache"};
  Fields fields{group};
  if (!TRY(fields.choice("type", kTypes)))
    return fail("it takes a type first; there are {}", fmt::join(kTypes, ", "));
  draft.options.numa.push_back(group);
  return {};
}

constexpr std::array kCpuOptions{
    OptionRow{.name = "cpu",
              .argument = "MODEL[,KEY=VALUE...]",
              .help = "the CPU model and its properties; `help` lists the models, MODEL,help those",
              .section = Section::kMachine,
              .read_group = cpu,
              .implied = "model",
              .completes = "@cpus help"},
    OptionRow{.name = "accel",
              .argument = "NAME[,thread=single|multi][,tb-size=SIZE]",
              .help = "how CPUs are run; `help` lists the ways. Of several, the first that can be "
                      "used is. With thread=single they take turns, and the same input gives the same "
                      "run; tb-size is accepted for others' sake",
              .section = Section::kMachine,
              .read_group = accel,
              .implied = "accel",
              .completes = "@accelerators help"},
    OptionRow{.name = "smp",
              .argument = "[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]",
              .help = "how many CPUs, and how they hang together",
              .section = Section::kMachine,
              .read_group = smp,
              .implied = "cpus",
              .config = "smp-opts"},
    OptionRow{.name = "m",
              .argument = "[size=]SIZE[,slots=N,maxmem=SIZE]",
              .help = "memory of the guest: MiB, or a number with K, M, G or T",
              .section = Section::kMachine,
              .read_group = memory,
              .implied = "size",
              .config = "memory"},
    OptionRow{.name = "numa",
              .argument = "node[,nodeid=N][,cpus=N[-N]][,memdev=ID] | cpu,node-id=N[,KEY=N...] | "
                          "dist,src=N,dst=N,val=N",
              .help = "a node of CPUs and memory that are near each other, what is in it, how far "
                      "two are apart",
              .section = Section::kMachine,
              .read_group = numa,
              .implied = "type",
              .completes = "node cpu dist"},
};

}  // namespace

Result<void> read_accelerators(Draft& draft, std::string_view names) {
  for (;;) {
    const auto colon = names.find(':');
    const auto name = names.substr(0, colon);
    if (name == "help" || name == "?") return draft.ask(Action::kListAccelerators);
    TRY(read_accelerator(draft, name));
    if (colon == names.npos) return {};
    names.remove_prefix(colon + 1);
  }
}

Result<void> read_memory(Draft& draft, const OptionGroup& group) {
  Fields fields{group};
  if (const auto size = TRY(fields.size("size", kMiB))) draft.options.memory = size;
  if (const auto slots = TRY(fields.number("slots", 0, 256))) draft.options.memory_slots = *slots;
  for (const std::string_view key : {"maxmem", "max-size"})
    if (const auto most = TRY(fields.size(key, kMiB))) draft.options.memory_max = most;
  return fields.finish();
}

std::string accelerators_text() {
  std::string text = "what -accel takes:\n";
  for (const auto& entry : kAccelerators)
    if (entry.accelerator) text += fmt::format("  {:<14}{}\n", entry.name, entry.help);
  return text;
}

std::span<const OptionRow> cpu_options() { return kCpuOptions; }

}  // namespace holdfast::app
