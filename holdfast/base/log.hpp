// SPDX-License-Identifier: Apache-2.0
// Messages for the person at the terminal, on standard error. Guest misbehaviour is logged only on
// request (-d guest_errors) and never ends anything.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"

namespace holdfast::log {

enum class Topic : std::uint32_t {
  kWarning = 0,      // always on
  kGuestErrors = 1,  // accesses a device rejects, registers used wrongly
  kUnimplemented = 2,
  kCensus = 4,
  kInterrupts = 8,
  kExecution = 16,     // each block of instructions that a hart enters
  kInstructions = 32,  // each block, disassembled, when it is met for the first time
  kRegisters = 64,     // the registers before each block
  kTranslation = 128,  // page-table walks
};

/// An optional topic as people know it.
struct TopicInfo {
  std::string_view name;
  Topic topic;
  std::string_view help;
};
/// In order of their names.
std::span<const TopicInfo> topics();
/// The topic of that name, or all of them for "all"; the error lists them.
Result<std::uint32_t> topics_named(std::string_view name);

/// The name that warnings begin with, "holdfast" before; it stays where it is. Before any other thread exists.
void speak_as(const char* program);
const char* speaker();

/// Switches optional topics on: a sum of Topic values.
void enable(std::uint32_t topics);
/// The same, and all others off.
void enable_only(std::uint32_t topics);
bool enabled(Topic topic);
/// From here on what was asked for goes to a file instead of standard error; warnings go to both.
/// Before any other thread exists. An error names the file.
Result<void> write_to(const std::string& path);

/// Writes one line. Thread-safe; lines never mix.
void write(Topic topic, std::string_view line);

template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write(Topic::kWarning, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void guest_error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Topic::kGuestErrors))
    write(Topic::kGuestErrors, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace holdfast::log
