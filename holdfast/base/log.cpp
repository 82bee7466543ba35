// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>

namespace holdfast::log {
namespace {

constexpr std::array kTopics{
    TopicInfo{"census", Topic::kCensus, "at the end, what is left of the machine and where"},
    TopicInfo{"cpu", Topic::kRegisters, "the registers before each block of instructions"},
    TopicInfo{"exec", Topic::kExecution, "each block of instructions that a CPU enters"},
    TopicInfo{"guest_errors", Topic::kGuestErrors, "what the guest does that devices do not accept"},
    TopicInfo{"in_asm", Topic::kInstructions, "each block of instructions that is met for the first time"},
    TopicInfo{"int", Topic::kInterrupts, "interrupts and exceptions that CPUs take"},
    TopicInfo{"mmu", Topic::kTranslation, "walks of page tables"},
    TopicInfo{"unimp", Topic::kUnimplemented, "what the guest uses and no model provides"},
};

// The terminal belongs to the process, and so does what is shown on it.
std::atomic<std::uint32_t> g_topics{0};
std::atomic<int> g_file{-1};  // where topics go instead
std::atomic<const char*> g_speaker{"holdfast"};
}  // namespace

std::span<const TopicInfo> topics() { return kTopics; }

Result<std::uint32_t> topics_named(std::string_view name) {
  std::uint32_t sum = 0;
  std::string names;
  for (const TopicInfo& info : kTopics) {
    if (name == "all" || name == info.name) sum |= static_cast<std::uint32_t>(info.topic);
    names += (names.empty() ? "" : ", ") + std::string{info.name};
  }
  if (sum == 0) return fail("'{}' is no topic; there are {}", name, names);
  return sum;
}

void speak_as(const char* program) { g_speaker.store(program, std::memory_order_relaxed); }
const char* speaker() { return g_speaker.load(std::memory_order_relaxed); }

void enable_only(std::uint32_t topics) { g_topics.store(topics, std::memory_order_relaxed); }

void enable(std::uint32_t topics) { g_topics.fetch_or(topics, std::memory_order_relaxed); }

bool enabled(Topic topic) {
  return topic == Topic::kWarning ||
         (g_topics.load(std::memory_order_relaxed) & static_cast<std::uint32_t>(topic)) != 0;
}

Result<void> write_to(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return fail("{}: cannot be written: {}", path, std::generic_category().message(errno));
  const int before = g_file.exchange(file, std::memory_order_acq_rel);
  if (before >= 0) ::close(before);
  return {};
}

void write(Topic topic, std::string_view line) {
  const std::string whole =
      topic == Topic::kWarning ? fmt::format("{}: warning: {}\n", speaker(), line) : fmt::format("{}\n", line);
  // One write call a line keeps lines of several threads apart; a closed stderr is not our concern.
  const int file = g_file.load(std::memory_order_acquire);  // pairs with write_to
  if (file < 0 || topic == Topic::kWarning)
    [[maybe_unused]] const auto shown = ::write(STDERR_FILENO, whole.data(), whole.size());
  if (file >= 0) [[maybe_unused]] const auto kept = ::write(file, whole.data(), whole.size());
}

}  // namespace holdfast::log
