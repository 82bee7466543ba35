// SPDX-License-Identifier: Apache-2.0
// Options about logging.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "holdfast/app/options/table.hpp"
#include "holdfast/base/log.hpp"

namespace holdfast::app {
namespace {

struct Topic {
  std::string_view name;
  log::Topic topic;
  std::string_view help;
};
constexpr std::array kTopics{
    Topic{"census", log::Topic::kCensus, "at the end, what is left of the machine and where"},
    Topic{"cpu", log::Topic::kRegisters, "the registers before each block of instructions"},
    Topic{"exec", log::Topic::kExecution, "each block of instructions that a CPU enters"},
    Topic{"guest_errors", log::Topic::kGuestErrors, "what the guest does that devices do not accept"},
    Topic{"in_asm", log::Topic::kInstructions, "each block of instructions that is met for the first time"},
    Topic{"int", log::Topic::kInterrupts, "interrupts and exceptions that CPUs take"},
    Topic{"mmu", log::Topic::kTranslation, "walks of page tables"},
    Topic{"unimp", log::Topic::kUnimplemented, "what the guest uses and no model provides"},
};

constexpr auto kTopicNames = [] {
  std::array<std::string_view, kTopics.size()> names;
  std::ranges::transform(kTopics, names.begin(), &Topic::name);
  return names;
}();

Result<void> topics(Draft& draft, std::string_view text) {
  for (;;) {
    const auto comma = text.find(',');
    const auto name = text.substr(0, comma);
    if (name == "help" || name == "?") return draft.ask(Action::kListTopics);
    const auto found = std::ranges::find(kTopics, name, &Topic::name);
    if (found == kTopics.end())
      return fail("'{}' is no topic; there are {}{}", name, fmt::join(kTopicNames, ", "),
                  guess(name, kTopicNames));
    draft.options.log_topics |= static_cast<std::uint32_t>(found->topic);
    if (comma == text.npos) return {};
    text.remove_prefix(comma + 1);
  }
}

Result<void> log_file(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a file");
  draft.options.log_file = text;
  return {};
}

constexpr std::array kRows{
    OptionRow{.name = "d",
              .argument = "TOPIC[,TOPIC...]",
              .help = "what to log; `help` lists the topics",
              .section = Section::kDebugging,
              .read = topics,
              .completes = "help"},
    OptionRow{.name = "D",
              .argument = "FILE",
              .help = "where to log instead of standard error",
              .section = Section::kDebugging,
              .read = log_file,
              .completes = "@file"},
};

}  // namespace

std::string topics_text() {
  std::string text = "what -d can log:\n";
  for (const Topic& entry : kTopics) text += fmt::format("  {:<14}{}\n", entry.name, entry.help);
  return text;
}

std::span<const OptionRow> debugging_options() { return kRows; }

}  // namespace holdfast::app
