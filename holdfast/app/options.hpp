// SPDX-License-Identifier: Apache-2.0
// The command line: what a person or a tool asked for, checked as far as it can be without building
// anything. Whether a machine, a CPU model, a device or a file exists is for those to say who make
// them; what they are to make it of stands here as groups of keys and values.
//
// How options are read is in options/: table.hpp has what an option is, one file a theme has the
// options themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/options/group.hpp"
#include "holdfast/app/options/keyval.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast::app {

/// What to do. Everything but kRun prints something and ends with status 0.
enum class Action {
  kRun,
  kHelp,
  kVersion,
  kListMachines,
  kListMachineProperties,  // of the machine that is named
  kListCpus,
  kListAccelerators,
  kListTopics,
  kListDevices,      // subject: a type, whose properties are listed; or ""
  kListObjects,      // the same
  kListChardevs,     // the same, for a back-end
  kListOption,       // subject: an option, of which its row in the help is shown
};

enum class Display { kDefault, kNone };

enum class Accelerator {
  kEmulation,    // the emulator
  kInterpreter,  // the same by another name
  kQtest,        // none is executed, and time stands still but for a test client
};

enum class Threading { kMulti, kSingle };  // a host thread a CPU, or one for all in turn

enum class Start { kRunning, kStopped };

enum class OnReboot { kReset, kShutdown };
enum class OnShutdown { kPowerOff, kPause };
enum class OnPanic { kPause, kShutdown, kExitFailure, kNone };

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

/// The guest's access to files, console and exit status of the host.
struct Semihosting {
  bool enabled = false;
  bool userspace = false;              // also for user-mode programs
  std::string chardev;                 // where its console goes; "": standard error
  std::vector<std::string> arguments;  // what the guest finds as its command line
};

/// A monitor, for people or for programs.
struct MonitorOption {
  enum class Mode { kReadline, kControl } mode = Mode::kControl;
  std::string chardev{};  // an id
  bool pretty = false;  // kControl
};

struct Options {
  Action action = Action::kRun;
  std::string subject;       // of the action
  std::string architecture;  // that the program's name says; "" if it says none

  std::optional<std::string> machine;         // a type or an alias
  std::vector<KeyValue> machine_properties;   // each key once, the last value given
  std::optional<std::string> cpu;             // a model
  std::vector<KeyValue> cpu_properties;       // each key once
  Accelerator accelerator = Accelerator::kEmulation;
  Threading threading = Threading::kMulti;
  Topology topology;
  std::optional<std::uint64_t> memory;      // bytes, a positive multiple of 4 KiB
  std::optional<std::uint64_t> memory_max;  // bytes, at least what there is
  std::uint64_t memory_slots = 0;           // for modules
  std::optional<std::string> name;
  std::string process;        // what the host is to call the process; "": what it was started as
  bool name_threads = false;  // the host shows whose each thread is
  std::optional<std::string> uuid;          // as it was given, well-formed

  std::optional<std::string> bios;
  std::optional<std::string> kernel;
  std::optional<std::string> initrd;
  std::optional<std::string> append;
  std::optional<std::string> dtb;
  std::vector<std::string> data_folders;  // -L: where firmware is looked for, first to last
  std::vector<KeyValue> boot;             // order, once, menu, …; each key once
  std::vector<KeyValue> rtc;              // base, clock, driftfix; each key once
  Semihosting semihosting;

  // In the order given; `id` is unique within each list.
  std::vector<OptionGroup> devices;    // "driver"
  std::vector<OptionGroup> objects;    // "qom-type"
  std::vector<OptionGroup> drives;
  std::vector<OptionGroup> blockdevs;  // "driver", "node-name"
  std::vector<OptionGroup> chardevs;   // "backend"; those of serial ports too
  std::vector<OptionGroup> numa;       // "type"
  std::vector<OptionGroup> globals;    // "driver", "property", "value"
  std::vector<OptionGroup> fw_cfg;     // "name", and "file" or "string"

  Display display = Display::kDefault;
  bool nographic = false;  // no screen, and firmware is told so
  /// The ids of the character back-ends of the serial ports, in their order; "" is a port that is
  /// left out. Where none was asked for, a machine for people has the terminal.
  std::vector<std::string> serials;

  Start start = Start::kRunning;
  OnReboot on_reboot = OnReboot::kReset;
  OnShutdown on_shutdown = OnShutdown::kPowerOff;
  OnPanic on_panic = OnPanic::kShutdown;
  std::string on_watchdog = "reset";  // what monitors call it
  bool preconfig = false;  // monitors are heard before the machine is made
  bool daemonize = false;
  bool exit_with_parent = false;
  std::optional<std::string> pid_file;

  std::vector<MonitorOption> monitors;
  std::optional<std::string> qtest;      // the back-end of the test server, by id
  std::optional<std::string> qtest_log;  // a path, or "none"

  std::uint32_t log_topics = 0;  // a sum of log::Topic
  std::optional<std::string> log_file;
};

/// What reading a command line needs besides its words.
struct Invocation {
  std::string program = "holdfast";  // as it was called; a path or not
  /// The text of a file (-readconfig).
  std::function<Result<std::string>(const std::string& path)> read_file{};
};

/// Reads a command line; `arguments` begins with the first option, not with the program. An error is
/// one line that names the option and says what would be accepted.
Result<Options> parse_options(std::span<const char* const> arguments,
                              const Invocation& invocation = {});

/// What `-version` prints: clients look for "QEMU emulator version 1.2.3 (" in it.
std::string version_text();
/// What `-d help` prints.
std::string topics_text();
/// What `-drive help` prints, for "drive".
std::string option_text(std::string_view name);
/// What `-accel help` prints.
std::string accelerators_text();

}  // namespace holdfast::app
