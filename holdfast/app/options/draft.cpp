// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/draft.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

constexpr std::uint64_t kPage = 4096;

Result<void> check_memory(const Options& options) {
  if (options.memory && (*options.memory == 0 || *options.memory % kPage != 0))
    return fail("-m: {} bytes cannot be the size of memory; it takes a positive multiple of 4K",
                *options.memory);
  const std::uint64_t memory = options.memory.value_or(0);
  if (options.memory_max && *options.memory_max < memory)
    return fail("-m: maxmem, {} bytes, is less than the memory there is, {} bytes; it takes at least "
                "as much", *options.memory_max, memory);
  if (options.memory_slots != 0 && !options.memory_max)
    return fail("-m: slots are for memory that may be added, so it takes maxmem=SIZE besides");
  return {};
}

Result<void> check_accelerators(const Draft& draft) {
  if (draft.unusable.empty() || draft.accelerator_chosen) return {};
  return fail("-accel: {} cannot be used here; -accel help lists what can", fmt::join(draft.unusable, ", "));
}

bool uses_terminal(const Options& options) {
  return std::ranges::any_of(options.chardevs, [](const OptionGroup& group) {
    return *group.find("backend") == "stdio";
  });
}

/// Whether -nographic would put a serial port or a monitor on the terminal: one that was not said to be elsewhere.
bool nographic_wants_terminal(const Draft& draft) {
  return draft.options.nographic && !draft.no_defaults && (draft.options.serials.empty() || !draft.monitor_said);
}

Result<void> settle_serials(Draft& draft) {
  Options& options = draft.options;
  if (options.daemonize && nographic_wants_terminal(draft))
    return fail("-daemonize: in the background there is no terminal, and -nographic wants it; say where "
                "serial port and monitor are, or -nodefaults");
  if (options.nographic) options.display = Display::kNone;
  const bool terminal = options.nographic || options.display == Display::kDefault;
  const bool by_default = terminal && !draft.no_defaults && !options.daemonize;
  if (options.serials.empty() && by_default) {
    TRY(read_serial(draft, "mon:stdio"));
    if (draft.monitor_said) options.monitors.pop_back();
  } else if (options.nographic && by_default && !draft.monitor_said && !uses_terminal(options)) {
    options.monitors.push_back({.mode = MonitorOption::Mode::kReadline,
                                .chardev = TRY(read_backend(draft, "nographic", "compat_monitor0", "stdio"))});
  }
  for (const std::string& id : options.serials)
    if (!id.empty() && std::ranges::find(options.chardevs, id, &OptionGroup::id) == options.chardevs.end())
      return fail("-serial chardev:{}: there is no character back-end of that id; -chardev makes one", id);
  return {};
}

Result<void> check_kernel(const Options& options) {
  if (options.kernel) return {};
  for (const auto& [option, value] : {std::pair{"append", &options.append}, {"initrd", &options.initrd}})
    if (*value)
      return fail("-{} {}: it is for a kernel, and there is none; it takes -kernel FILE besides", option, **value);
  return {};
}

Result<void> check_terminal(const Options& options) {
  const OptionGroup* user = nullptr;
  for (const OptionGroup& group : options.chardevs) {
    if (*group.find("backend") != "stdio") continue;
    if (user != nullptr)
      return fail("-{} {}: the terminal is taken by -{} {}; one can have it", group.option,
                  group.text, user->option, user->text);
    user = &group;
  }
  if (user != nullptr && options.daemonize)
    return fail("-daemonize: in the background there is no terminal, and -{} {} wants it",
                user->option, user->text);
  return {};
}

}  // namespace

Result<void> Draft::ask(Action action, std::string subject) {
  if (answered()) return {};
  options.action = action;
  options.subject = std::move(subject);
  return {};
}

void set(std::vector<KeyValue>& items, const KeyValue& item) {
  const auto found = std::ranges::find(items, item.key, &KeyValue::key);
  if (found == items.end())
    items.push_back(item);
  else
    found->value = item.value;
}

std::string guess(std::string_view word, std::span<const std::string_view> known) {
  const auto near = object::nearest(word, known);
  return near.empty() ? std::string{} : fmt::format("; did you mean '{}'?", near);
}

Result<void> add_group(std::vector<OptionGroup>& list, const OptionGroup& group) {
  const std::string id = group.id();
  if (!id.empty() && std::ranges::find(list, id, &OptionGroup::id) != list.end())
    return fail("id '{}' is taken; it takes another one", id);
  list.push_back(group);
  return {};
}

Result<Options> finish(Draft draft) {
  if (draft.answered()) return std::move(draft.options);
  auto topology = complete(draft.topology);
  if (!topology) return fail("-smp: {}", topology.error().message);
  draft.options.topology = *topology;
  TRY(check_memory(draft.options));
  TRY(check_accelerators(draft));
  TRY(settle_serials(draft));
  TRY(check_terminal(draft.options));
  TRY(check_kernel(draft.options));
  if (draft.options.daemonize && draft.options.exit_with_parent)
    return fail("-run-with exit-with-parent=on: in the background there is no parent; leave out "
                "-daemonize");
  return std::move(draft.options);
}

}  // namespace holdfast::app
