// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/log.hpp"

#include <unistd.h>

#include <atomic>
#include <string>

namespace holdfast::log {
namespace {
// The terminal belongs to the process, and so does what is shown on it.
std::atomic<std::uint32_t> g_topics{0};
}  // namespace

void enable(std::uint32_t topics) { g_topics.fetch_or(topics, std::memory_order_relaxed); }

bool enabled(Topic topic) {
  return topic == Topic::kWarning ||
         (g_topics.load(std::memory_order_relaxed) & static_cast<std::uint32_t>(topic)) != 0;
}

void write(Topic topic, std::string_view line) {
  const std::string whole =
      topic == Topic::kWarning ? fmt::format("holdfast: warning: {}\n", line) : fmt::format("{}\n", line);
  // One write call a line keeps lines of several threads apart; a closed stderr is not our concern.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

}  // namespace holdfast::log
