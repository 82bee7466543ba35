// SPDX-License-Identifier: Apache-2.0
// The command line: what a person or a tool asked for, checked as far as it can be without building
// anything. Whether a machine, a CPU model or a file exists is for those to say who make them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/keyval.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// What to do. Everything but kRun prints something and ends with status 0.
enum class Action { kRun, kHelp, kVersion, kListMachines, kListCpus, kListAccelerators, kListTopics };

/// Where a serial port goes.
enum class Serial {
  kStdio,         // the terminal, with control-C for the emulator
  kMonitorStdio,  // the terminal, raw; control-A is the escape
  kNull,          // a port that swallows what is sent
  kNone,          // no port
};

enum class Display { kDefault, kNone };

enum class Accelerator {
  kEmulation,    // the fastest emulation there is
  kInterpreter,  // one instruction after the other
};

enum class OnReset { kReboot, kExit };

/// How many CPUs, and how they hang together. Filled in completely; sockets × cores × threads is
/// `max_cpus`, which is at least `cpus`.
struct Topology {
  std::uint32_t cpus = 1;
  std::uint32_t sockets = 1;
  std::uint32_t cores = 1;
  std::uint32_t threads = 1;
  std::uint32_t max_cpus = 1;
  friend bool operator==(const Topology&, const Topology&) = default;
};

struct Options {
  Action action = Action::kRun;

  std::optional<std::string> machine;         // a type or an alias
  std::vector<KeyValue> machine_properties;   // each key once, the last value given
  std::optional<std::string> cpu;             // a model
  std::vector<KeyValue> cpu_properties;
  Accelerator accelerator = Accelerator::kEmulation;
  Topology topology;
  std::optional<std::uint64_t> memory;  // bytes, a positive multiple of 4 KiB

  std::optional<std::string> bios;
  std::optional<std::string> kernel;
  std::optional<std::string> initrd;
  std::optional<std::string> append;
  std::optional<std::string> dtb;
  std::optional<std::string> name;

  Display display = Display::kDefault;
  /// What was asked for. Without -serial: the raw terminal, or with `-display none` nothing.
  std::vector<Serial> serials;
  OnReset on_reset = OnReset::kReboot;

  std::uint32_t log_topics = 0;  // a sum of log::Topic
  std::optional<std::string> log_file;
};

/// One option as help and manual pages show it.
struct OptionInfo {
  std::string_view name;      // without the dash
  std::string_view argument;  // its shape, "" if it takes none
  std::string_view help;      // "" for another spelling of the option before it
};

/// All options in the order of the help text.
std::span<const OptionInfo> option_table();

/// Reads a command line; `arguments` begins with the first option, not with the program. An error is
/// one line that names the option and says what would be accepted. Uses getopt and so its global
/// state: one thread at a time.
Result<Options> parse_options(std::span<const char* const> arguments);

/// What `-help` prints, for a program called `program`.
std::string help_text(std::string_view program);
std::string version_text();
/// What `-d help` prints.
std::string topics_text();
/// What `-accel help` prints.
std::string accelerators_text();

}  // namespace holdfast::app
