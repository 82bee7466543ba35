// SPDX-License-Identifier: Apache-2.0
// The run state, the log, and which CPU is looked through.
#include <array>

#include "holdfast/base/log.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::control::hmp {
namespace {

template <std::size_t N>
struct Name {
  char text[N]{};
  constexpr Name(const char (&from)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = from[i];
  }
};

/// The command of the monitor for programs, which takes nothing and says nothing.
template <Name kCommand>
Result<void> plain(Call& call) {
  return call.tell(kCommand.text);
}

Result<void> log_topics(Call& call) {
  const std::string& items = call.text("items");
  if (items == "help" || items == "?") {
    for (const log::TopicInfo& topic : log::topics()) call.say("{:<14}{}", topic.name, topic.help);
    call.say("{:<14}{}", "none", "nothing");
    call.say("{:<14}{}", "all", "all of these");
    return {};
  }
  std::uint32_t chosen = 0;
  for (std::string_view left = items;;) {
    const auto comma = left.find(',');
    const auto name = left.substr(0, comma);
    if (name != "none") chosen |= TRY(log::topics_named(name));
    if (comma == left.npos) break;
    left.remove_prefix(comma + 1);
  }
  log::enable_only(chosen);
  return {};
}

Result<void> choose_cpu(Call& call) { return call.monitor.choose_cpu(call.number("index")); }

constexpr auto kRunningRows = std::to_array<Row>({
    {.name = "stop|s", .help = "stops the machine", .perform = plain<"stop">},
    {.name = "cont|c", .help = "lets the machine run", .perform = plain<"cont">},
    {.name = "quit|q", .help = "ends the emulator", .perform = plain<"quit">},
    {.name = "system_reset", .help = "resets the machine", .perform = plain<"system_reset">},
    {.name = "system_powerdown", .help = "presses the power button", .perform = plain<"system_powerdown">},
    {.name = "log",
     .arguments = {word("items", Completes::kTopic)},
     .help = "what is logged from now on: topics with commas between them; help lists them",
     .perform = log_topics},
    {.name = "cpu",
     .arguments = {number("index")},
     .help = "looks through the eyes of that CPU from now on",
     .perform = choose_cpu},
});

}  // namespace

std::span<const Row> running_rows() { return kRunningRows; }

}  // namespace holdfast::control::hmp
