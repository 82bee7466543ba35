// SPDX-License-Identifier: Apache-2.0
// What an option is: one row of a table, from which the parser, the help, the manual page and the
// shell completions are made. Each theme has its rows in a file of its own (machine.cpp, cpu.cpp, …).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/options/draft.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// Titles are in the order of the help.
enum class Section { kMachine, kFirmware, kDevices, kConsoles, kRunning, kDebugging, kInformation };
std::string_view title(Section section);

struct OptionRow {
  std::string_view name;         // without the dash
  std::string_view argument{};   // its shape, "" if it takes none
  std::string_view help{};       // "" for another spelling of the row before it
  Section section{};             // of a spelling: ignored
  /// Takes the argument as it is, "" if there is none. Errors say what is wrong, not where.
  Result<void> (*read)(Draft& draft, std::string_view text) = nullptr;
  /// Instead: takes keys and values.
  Result<void> (*read_group)(Draft& draft, const OptionGroup& group) = nullptr;
  std::string_view implied{};    // with read_group: the key of a leading word
  std::string_view config{};     // with read_group: its name in -readconfig, if that is not `name`
  /// What an argument may begin with, words apart. "@file": a path; "@keys": a key of the argument;
  /// another word with @: all that `help` lists of what is called so.
  std::string_view completes{};
};

/// The keys that the shape of its argument names.
std::vector<std::string> keys_of(const OptionRow& row);

/// Options that others of this field have and Holdfast has not, and why.
struct AbsentOption {
  std::string_view name;
  std::string_view reason;
};

std::vector<OptionRow> option_table();
std::span<const AbsentOption> absent_options();

// The themes.
std::span<const OptionRow> machine_options();
std::span<const OptionRow> cpu_options();
std::span<const OptionRow> firmware_options();
std::span<const OptionRow> device_options();
std::span<const OptionRow> console_options();
std::span<const OptionRow> running_options();
std::span<const OptionRow> debugging_options();
std::span<const OptionRow> testing_options();
std::span<const OptionRow> information_options();

/// "holdfast 1.2.3"
std::string version();
/// What `-help` prints, for a program called `program`.
std::string help_text(std::string_view program);

}  // namespace holdfast::app
