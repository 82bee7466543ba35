// SPDX-License-Identifier: Apache-2.0
// Options about logging.
#include <fmt/core.h>

#include <array>
#include <vector>

#include "holdfast/app/options/table.hpp"
#include "holdfast/base/log.hpp"

namespace holdfast::app {
namespace {

Result<void> topics(Draft& draft, std::string_view text) {
  for (;;) {
    const auto comma = text.find(',');
    const auto name = text.substr(0, comma);
    if (name == "help" || name == "?") return draft.ask(Action::kListTopics);
    const auto topic = log::topics_named(name);
    if (!topic) {
      std::vector<std::string_view> names;
      for (const log::TopicInfo& info : log::topics()) names.push_back(info.name);
      return fail("{}{}", topic.error().message, guess(name, names));
    }
    draft.options.log_topics |= *topic;
    if (comma == text.npos) return {};
    text.remove_prefix(comma + 1);
  }
}

Result<void> log_file(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a file");
  const auto sign = text.find('%');
  if (sign != text.npos && (text.substr(sign, 2) != "%d" || text.find('%', sign + 1) != text.npos))
    return fail("of signs like % it takes one %d, which the number of the process stands for");
  draft.options.log_file = text;
  return {};
}

Result<void> trace(Draft& draft, std::string_view text) {
  if (text == "help" || text == "?") return draft.ask(Action::kListTopics);
  log::warn("-trace {}: there are no trace points, so it does nothing; -d help lists what can be logged", text);
  return {};
}

constexpr std::array kDebuggingOptions{
    OptionRow{.name = "d",
              .argument = "TOPIC[,TOPIC...]",
              .help = "what to log; `help` lists the topics",
              .section = Section::kDebugging,
              .read = topics,
              .completes = "@topics help"},
    OptionRow{.name = "D",
              .argument = "FILE",
              .help = "where to log instead of standard error; %d in its name is the number of the process",
              .section = Section::kDebugging,
              .read = log_file,
              .completes = "@file"},
    OptionRow{.name = "trace",
              .argument = "[enable=]PATTERN",
              .help = "does nothing, as there are no trace points; accepted for others' sake",
              .section = Section::kDebugging,
              .read = trace},
};

}  // namespace

std::string topics_text() {
  std::string text = "what -d can log:\n";
  for (const log::TopicInfo& entry : log::topics()) text += fmt::format("  {:<14}{}\n", entry.name, entry.help);
  return text;
}

std::span<const OptionRow> debugging_options() { return kDebuggingOptions; }

}  // namespace holdfast::app
