// SPDX-License-Identifier: Apache-2.0
// What a command of the monitor for people is: a row of a table, from which the parser, the help, the
// completion and the reference page are made. For the .cpp files of this folder.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "holdfast/control/hmp/expression.hpp"
#include "holdfast/control/hmp/monitor.hpp"
#include "holdfast/control/qmp/command.hpp"

namespace holdfast::control::hmp {

/// What Tab finds in the place of an argument.
enum class Completes : std::uint8_t {
  kNothing,
  kCommand,
  kInfo,
  kDeviceType,  // and behind a comma what it takes
  kDeviceId,
  kObjectType,
  kObjectId,
  kChardevKind,
  kChardevId,
  kPath,      // of an object
  kProperty,  // of the object that the argument before names
  kTopic,     // of the log; several with commas
};

struct Argument {
  enum class Kind : std::uint8_t {
    kNone,
    kWord,    // up to a blank, or in double quotes
    kRest,    // the rest of the line
    kNumber,  // an expression
    kFormat,  // /COUNT FORMAT SIZE
    kFlag,    // a letter behind a dash
    kSwitch,  // on or off
  };
  Kind kind = Kind::kNone;
  std::string_view name{};
  bool optional = false;
  Completes completes = Completes::kNothing;
};

// How rows spell them.
constexpr Argument word(std::string_view name, Completes completes = Completes::kNothing) {
  return {.kind = Argument::Kind::kWord, .name = name, .completes = completes};
}
constexpr Argument rest(std::string_view name, Completes completes = Completes::kNothing) {
  return {.kind = Argument::Kind::kRest, .name = name, .completes = completes};
}
constexpr Argument number(std::string_view name) {
  return {.kind = Argument::Kind::kNumber, .name = name};
}
constexpr Argument format_of_values() { return {.kind = Argument::Kind::kFormat, .name = "fmt", .optional = true}; }
constexpr Argument flag(std::string_view letter) {
  return {.kind = Argument::Kind::kFlag, .name = letter, .optional = true};
}
constexpr Argument on_off(std::string_view name) { return {.kind = Argument::Kind::kSwitch, .name = name}; }
constexpr Argument maybe(Argument argument) {
  argument.optional = true;
  return argument;
}

/// `/16xw`
struct Format {
  std::uint64_t count = 1;
  char base = 'x';    // x d u o c i
  unsigned size = 0;  // bytes; 0: as the command has it
};

struct Call {
  Monitor& monitor;
  std::string out{};  // what has been said so far; lines end in \n

  template <class... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(out), text, std::forward<Args>(args)...);
    out += '\n';
  }

  machine::Machine& machine() const { return monitor.machine(); }
  /// What a command of the monitor for programs answers.
  std::expected<qmp::Json, Error> ask(std::string_view command,
                                      const qmp::Json& arguments = qmp::Json::object()) const;
  /// The same where only success matters.
  Result<void> tell(std::string_view command, const qmp::Json& arguments = qmp::Json::object()) const;

  bool has(std::string_view name) const { return values.contains(name); }
  bool flag(std::string_view letter) const { return has(letter); }
  const std::string& text(std::string_view name) const { return std::get<std::string>(values.at(name)); }
  std::string text_or(std::string_view name, std::string_view otherwise) const {
    return has(name) ? text(name) : std::string{otherwise};
  }
  std::uint64_t number(std::string_view name) const { return std::get<std::uint64_t>(values.at(name)); }
  bool on(std::string_view name) const { return number(name) != 0; }
  Format format() const;

  using Value = std::variant<std::string, std::uint64_t, Format>;
  std::map<std::string_view, Value> values{};  // of arguments that were given, by their names
};

struct Row {
  std::string_view name;  // "print|p": the spellings
  std::array<Argument, 5> arguments{};
  std::string_view help;  // one line
  /// An error is shown behind "Error: ".
  Result<void> (*perform)(Call& call) = nullptr;
  /// Instead: the sentence that says why nothing comes of it.
  std::string_view absent{};

  bool is_called(std::string_view spelling) const;
  std::string_view first_name() const { return name.substr(0, name.find('|')); }
  /// "x [/fmt] addr"
  std::string shape() const;
};

/// All commands, in order of their names; and what stands behind `info`.
std::span<const Row* const> commands();
std::span<const Row* const> infos();
const Row* find_row(std::span<const Row* const> rows, std::string_view name);

// The themes.
std::span<const Row> help_rows();
std::span<const Row> running_rows();
std::span<const Row> memory_rows();
std::span<const Row> device_rows();
std::span<const Row> drive_rows();
std::span<const Row> object_rows();
std::span<const Row> chardev_rows();
std::span<const Row> absent_rows();
std::span<const Row> info_machine_rows();
std::span<const Row> info_cpu_rows();
std::span<const Row> info_memory_rows();
std::span<const Row> info_device_rows();
std::span<const Row> info_drive_rows();
std::span<const Row> info_pci_rows();
std::span<const Row> info_absent_rows();

/// Takes the values that a row's arguments have from a line; what is left over is an error.
Result<void> read_arguments(const Row& row, std::string_view line, const RegisterValue& registers,
                            std::map<std::string_view, Call::Value>& values);
/// A word from the front of a line, quotes undone, and the blanks behind it. Error: a quote is open.
Result<std::string> take_word(std::string_view& line);

/// Words that begin with what was typed.
Completions completions_of(Monitor& monitor, std::string_view line);

}  // namespace holdfast::control::hmp
