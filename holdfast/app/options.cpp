// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <getopt.h>

#include <algorithm>
#include <array>
#include <utility>

#include "holdfast/app/topology.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::app {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kPage = 4096;

struct Topic {
  std::string_view name;
  log::Topic topic;
  std::string_view help;
};
constexpr std::array kTopics{
    Topic{"census", log::Topic::kCensus, "at the end, what is left of the machine and where"},
    Topic{"guest_errors", log::Topic::kGuestErrors, "what the guest does that devices do not accept"},
    Topic{"int", log::Topic::kInterrupts, "interrupts and exceptions that CPUs take"},
    Topic{"unimp", log::Topic::kUnimplemented, "what the guest uses and no model provides"},
};

struct AcceleratorName {
  std::string_view name;
  Accelerator accelerator;
  std::string_view help;
};
constexpr std::array kAccelerators{
    AcceleratorName{"emu", Accelerator::kEmulation, "the fastest emulation there is"},
    AcceleratorName{"interp", Accelerator::kInterpreter, "one instruction after the other"},
    AcceleratorName{"tcg", Accelerator::kEmulation, "the name that other emulators have for emu"},
};

constexpr std::array<std::pair<std::string_view, Serial>, 4> kSerials{{
    {"stdio", Serial::kStdio},
    {"mon:stdio", Serial::kMonitorStdio},
    {"null", Serial::kNull},
    {"none", Serial::kNone},
}};

template <std::size_t N, class T>
constexpr std::array<std::string_view, N> names_of(const std::array<T, N>& table) {
  std::array<std::string_view, N> names;
  std::ranges::transform(table, names.begin(), &T::name);
  return names;
}

std::string guess(std::string_view word, std::span<const std::string_view> known) {
  const auto near = object::nearest(word, known);
  return near.empty() ? std::string{} : fmt::format("; did you mean '{}'?", near);
}

/// Takes up the options one by one, then works out what follows from all of them.
class Reader {
 public:
  Result<void> machine(std::string_view text);
  Result<void> memory(std::string_view text);
  Result<void> topology(std::string_view text);
  Result<void> cpu(std::string_view text);
  Result<void> accelerator(std::string_view text);
  Result<void> serial(std::string_view text);
  Result<void> monitor(std::string_view text);
  Result<void> display(std::string_view text);
  Result<void> name(std::string_view text);
  Result<void> topics(std::string_view text);
  Result<void> nographic(std::string_view) {
    nographic_ = true;
    return {};
  }
  Result<void> no_reboot(std::string_view) {
    options_.on_reset = OnReset::kExit;
    return {};
  }
  template <auto Field>
  Result<void> file(std::string_view text) {
    if (text.empty()) return fail("the name is empty; it takes the path of a file");
    options_.*Field = text;
    return {};
  }
  Result<void> append(std::string_view text) {
    options_.append = text;
    return {};
  }
  template <Action A>
  Result<void> show(std::string_view) {
    show(A);
    return {};
  }

  /// Whether something is to be printed, so that the rest does not matter.
  bool answered() const { return options_.action != Action::kRun; }
  Result<Options> finish() &&;

 private:
  /// The first option that asks for a list or a text decides.
  void show(Action action) {
    if (options_.action == Action::kRun) options_.action = action;
  }
  Result<void> machine_property(const KeyValue& item);
  Result<void> memory_item(const KeyValue& item);
  Result<void> choose_accelerator(std::string_view name);
  Result<void> check_memory() const;
  Result<void> check_terminal() const;
  void settle_serials();

  Options options_;
  TopologyRequest topology_;
  std::optional<std::uint64_t> memory_slots_;
  std::optional<std::uint64_t> memory_max_;
  std::string_view accelerator_from_;  // the option that chose it
  bool nographic_ = false;
};

struct Option {
  OptionInfo info;
  Result<void> (Reader::*read)(std::string_view);
};

constexpr std::array kOptions{
    Option{{"machine", "TYPE[,KEY=VALUE...]",
            "the machine to build, and its properties; `help` lists the types. May be given again "
            "to add properties"},
           &Reader::machine},
    Option{{"M", "TYPE[,KEY=VALUE...]", ""}, &Reader::machine},
    Option{{"cpu", "MODEL[,KEY=VALUE...]", "the CPU model and its properties; `help` lists the models"},
           &Reader::cpu},
    Option{{"accel", "NAME", "how CPUs are run; `help` lists the ways"}, &Reader::accelerator},
    Option{{"smp", "[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]",
            "how many CPUs, and how they hang together"},
           &Reader::topology},
    Option{{"m", "[size=]SIZE", "memory of the guest: MiB, or a number with K, M, G or T"},
           &Reader::memory},
    Option{{"name", "[guest=]NAME", "what to call the machine"}, &Reader::name},
    Option{{"bios", "FILE", "firmware: an ELF file or a raw image"}, &Reader::file<&Options::bios>},
    Option{{"kernel", "FILE", "what the firmware starts: a Linux image, an ELF file or a raw image"},
           &Reader::file<&Options::kernel>},
    Option{{"initrd", "FILE", "initial RAM disk for the kernel"}, &Reader::file<&Options::initrd>},
    Option{{"append", "TEXT", "command line for the kernel"}, &Reader::append},
    Option{{"dtb", "FILE", "device tree to use instead of the generated one"},
           &Reader::file<&Options::dtb>},
    Option{{"nographic", "", "no display; serial port and monitor share the terminal"},
           &Reader::nographic},
    Option{{"display", "none", "no display"}, &Reader::display},
    Option{{"serial", "stdio|mon:stdio|null|none",
            "where a serial port goes; once for each port"},
           &Reader::serial},
    Option{{"monitor", "none", "no monitor"}, &Reader::monitor},
    Option{{"no-reboot", "", "a reset of the machine ends the emulator"}, &Reader::no_reboot},
    Option{{"d", "TOPIC[,TOPIC...]", "what to log; `help` lists the topics"}, &Reader::topics},
    Option{{"D", "FILE", "where to log instead of standard error"},
           &Reader::file<&Options::log_file>},
    Option{{"help", "", "this text"}, &Reader::show<Action::kHelp>},
    Option{{"h", "", ""}, &Reader::show<Action::kHelp>},
    Option{{"version", "", "the version"}, &Reader::show<Action::kVersion>},
};

constexpr auto kOptionInfos = [] {
  std::array<OptionInfo, kOptions.size()> infos;
  std::ranges::transform(kOptions, infos.begin(), &Option::info);
  return infos;
}();

void set(std::vector<KeyValue>& properties, const KeyValue& item) {
  const auto found = std::ranges::find(properties, item.key, &KeyValue::key);
  if (found == properties.end())
    properties.push_back(item);
  else
    found->value = item.value;
}

Result<void> Reader::machine(std::string_view text) {
  if (text.empty()) return fail("it takes a machine type, or KEY=VALUE");
  for (const KeyValue& item : TRY(parse_keyval(text, "type"))) TRY(machine_property(item));
  return {};
}

Result<void> Reader::machine_property(const KeyValue& item) {
  if (item.key == "type") {
    if (item.value == "help" || item.value == "?") return show<Action::kListMachines>({});
    if (item.value.empty()) return fail("the type is empty; `help` lists the types");
    options_.machine = item.value;
    return {};
  }
  if (item.key == "accel") {
    if (accelerator_from_ == "-accel")
      return fail("'accel' is given by -accel already; give it once");
    accelerator_from_ = "-machine";
    return choose_accelerator(item.value);
  }
  if (item.key.starts_with("smp.")) {
    const KeyValue rest{item.key.substr(4), item.value};
    return add_topology(topology_, {&rest, 1});
  }
  if (item.key.starts_with("memory."))
    return memory_item({item.key.substr(7), item.value});
  set(options_.machine_properties, item);
  return {};
}

Result<void> Reader::memory(std::string_view text) {
  if (text.empty()) return fail("it takes a size, such as 128M or 2G");
  for (const KeyValue& item : TRY(parse_keyval(text, "size"))) TRY(memory_item(item));
  return {};
}

Result<void> Reader::memory_item(const KeyValue& item) {
  if (item.key == "slots") {
    memory_slots_ = object::parse_unsigned(item.value);
    if (!memory_slots_)
      return fail("slots is '{}'; it takes a whole number", item.value);
    return {};
  }
  const bool size = item.key == "size";
  if (!size && item.key != "maxmem" && item.key != "max-size")
    return fail("there is no '{}'; there are size, slots and maxmem", item.key);
  const auto bytes = object::parse_size(item.value, kMiB);
  if (!bytes)
    return fail("'{}' is no size; it takes MiB, or a number with K, M, G or T, below 16E", item.value);
  (size ? options_.memory : memory_max_) = bytes;
  return {};
}

Result<void> Reader::check_memory() const {
  if (options_.memory && (*options_.memory == 0 || *options_.memory % kPage != 0))
    return fail("-m: {} bytes cannot be the size of memory; it takes a positive multiple of 4K",
                *options_.memory);
  const bool grows = memory_max_ && (!options_.memory || *memory_max_ != *options_.memory);
  if (memory_slots_.value_or(0) != 0 || grows)
    return fail("-m: memory cannot be added to a running machine, so slots must be 0 and maxmem the "
                "size itself; leave both out");
  return {};
}

Result<void> Reader::topology(std::string_view text) {
  if (text.empty()) return fail("it takes a number of CPUs");
  return add_topology(topology_, TRY(parse_keyval(text, "cpus")));
}

Result<void> Reader::cpu(std::string_view text) {
  const auto items = TRY(parse_keyval(text, "model"));
  if (items.empty() || items.front().key != "model" || items.front().value.empty())
    return fail("it takes a model first, then KEY=VALUE; `help` lists the models");
  if (items.front().value == "help" || items.front().value == "?") show(Action::kListCpus);
  options_.cpu = items.front().value;
  options_.cpu_properties.clear();
  for (const KeyValue& item : std::span{items}.subspan(1)) set(options_.cpu_properties, item);
  return {};
}

Result<void> Reader::choose_accelerator(std::string_view name) {
  if (name == "help" || name == "?") return show<Action::kListAccelerators>({});
  const auto found = std::ranges::find(kAccelerators, name, &AcceleratorName::name);
  constexpr auto kNames = names_of(kAccelerators);
  if (found == kAccelerators.end())
    return fail("'{}' is no accelerator; there are {}", name, fmt::join(kNames, ", "));
  options_.accelerator = found->accelerator;
  return {};
}

Result<void> Reader::accelerator(std::string_view text) {
  if (accelerator_from_ == "-machine")
    return fail("-machine accel= chose one already; give it once");
  const auto items = TRY(parse_keyval(text, "accel"));
  if (items.empty()) return fail("it takes emu, interp or tcg");
  for (const KeyValue& item : items) {
    if (item.key != "accel") return fail("there is no '{}'; there is only the name", item.key);
    // Given again, the later ones are for hosts that lack the earlier: ours are everywhere.
    if (accelerator_from_.empty()) TRY(choose_accelerator(item.value));
  }
  accelerator_from_ = "-accel";
  return {};
}

Result<void> Reader::serial(std::string_view text) {
  const auto found =
      std::ranges::find(kSerials, text, [](const auto& entry) { return entry.first; });
  if (found == kSerials.end())
    return fail("'{}' is no place for a serial port; it takes stdio, mon:stdio, null or none", text);
  options_.serials.push_back(found->second);
  return {};
}

Result<void> Reader::monitor(std::string_view text) {
  if (text != "none") return fail("'{}' is no place for the monitor; it takes none", text);
  return {};
}

Result<void> Reader::display(std::string_view text) {
  if (text != "none") return fail("'{}' is no display; it takes none", text);
  options_.display = Display::kNone;
  return {};
}

Result<void> Reader::name(std::string_view text) {
  for (const KeyValue& item : TRY(parse_keyval(text, "guest"))) {
    if (item.key != "guest") return fail("there is no '{}'; there is only guest", item.key);
    options_.name = item.value;
  }
  return {};
}

Result<void> Reader::topics(std::string_view text) {
  constexpr auto kNames = names_of(kTopics);
  for (;;) {
    const auto comma = text.find(',');
    const auto name = text.substr(0, comma);
    const auto found = std::ranges::find(kTopics, name, &Topic::name);
    if (name == "help" || name == "?")
      show(Action::kListTopics);
    else if (found == kTopics.end())
      return fail("'{}' is no topic; there are {}{}", name, fmt::join(kNames, ", "),
                  guess(name, kNames));
    else
      options_.log_topics |= static_cast<std::uint32_t>(found->topic);
    if (comma == text.npos) return {};
    text.remove_prefix(comma + 1);
  }
}

Result<void> Reader::check_terminal() const {
  const auto users = std::ranges::count_if(options_.serials, [](Serial serial) {
    return serial == Serial::kStdio || serial == Serial::kMonitorStdio;
  });
  if (users > 1) return fail("-serial: {} ports want the terminal; one can have it", users);
  return {};
}

void Reader::settle_serials() {
  if (nographic_) options_.display = Display::kNone;
  if (!options_.serials.empty()) return;
  const bool terminal = nographic_ || options_.display == Display::kDefault;
  if (terminal) options_.serials.push_back(Serial::kMonitorStdio);
}

Result<Options> Reader::finish() && {
  if (answered()) return std::move(options_);
  auto topology = complete(topology_);
  if (!topology) return fail("-smp: {}", topology.error().message);
  options_.topology = *topology;
  TRY(check_memory());
  TRY(check_terminal());
  settle_serials();
  return std::move(options_);
}

/// Whatever was typed, a message is one line that a terminal can show.
Error on_one_line(const Error& error) {
  constexpr std::size_t kLongest = 1000;
  std::string line;
  for (const char c : error.message) {
    if (line.size() >= kLongest) return {line + "..."};
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      line += c;
  }
  return {line};
}

std::unexpected<Error> unknown_option(std::string_view word) {
  auto name = word.substr(std::min<std::size_t>(word.find_first_not_of('-'), word.size()));
  name = name.substr(0, name.find('='));
  constexpr auto kNames = [] {
    std::array<std::string_view, kOptions.size()> names;
    std::ranges::transform(kOptionInfos, names.begin(), &OptionInfo::name);
    return names;
  }();
  const auto near = object::nearest(name, kNames);
  return fail("{}: unknown option; {}", word,
              near.empty() ? std::string{"-help lists them"} : fmt::format("did you mean -{}?", near));
}

/// Drives getopt over the words and hands each option to its function.
class Words {
 public:
  explicit Words(std::span<const char* const> arguments) {
    words_.push_back(const_cast<char*>("holdfast"));  // getopt changes the order of words, not words
    for (const char* argument : arguments) words_.push_back(const_cast<char*>(argument));
    words_.push_back(nullptr);
    for (const Option& option : kOptions)
      long_options_.push_back({option.info.name.data(),
                               option.info.argument.empty() ? no_argument : required_argument,
                               nullptr, 0});
    long_options_.push_back({nullptr, 0, nullptr, 0});
    optind = 0;  // starts over
    opterr = 0;
  }

  Result<void> read_into(Reader& reader) {
    const int count = static_cast<int>(words_.size()) - 1;
    for (;;) {
      const std::size_t at = optind == 0 ? 1 : static_cast<std::size_t>(optind);
      int index = -1;
      // '+': stop at the first word that is no option. ':': tell a missing argument apart.
      const int got = getopt_long_only(count, words_.data(), "+:", long_options_.data(), &index);
      if (got == -1) return check_rest(static_cast<std::size_t>(optind));
      TRY(take(reader, words_[at], got, index));
      if (reader.answered()) return {};
    }
  }

 private:
  Result<void> check_rest(std::size_t at) const {
    if (at + 1 >= words_.size()) return {};
    return fail("{}: not an option; options begin with a dash, and -help lists them", words_[at]);
  }

  static Result<void> take(Reader& reader, std::string_view word, int got, int index) {
    if (got != 0 || index < 0) return refuse(word, got);
    const Option& option = kOptions[static_cast<std::size_t>(index)];
    // getopt takes any unambiguous beginning of a name, which would change with every new option.
    const auto given = word.substr(word.starts_with("--") ? 2 : 1);
    if (given.substr(0, given.find('=')) != option.info.name) return unknown_option(word);
    const auto read = (reader.*option.read)(optarg == nullptr ? std::string_view{} : optarg);
    if (read) return {};
    return fail("-{}{}{}: {}", option.info.name, optarg == nullptr ? "" : " ",
                optarg == nullptr ? "" : optarg, read.error().message);
  }

  static std::unexpected<Error> refuse(std::string_view word, int got) {
    const auto name = word.substr(std::min<std::size_t>(word.find_first_not_of('-'), word.size()));
    const auto found = std::ranges::find(kOptionInfos, name, &OptionInfo::name);
    if (got == ':' && found != kOptionInfos.end())
      return fail("{}: needs an argument, {}", word, found->argument);
    const auto key = name.substr(0, name.find('='));
    const auto flag = std::ranges::find(kOptionInfos, key, &OptionInfo::name);
    if (flag != kOptionInfos.end() && flag->argument.empty())
      return fail("{}: -{} takes no argument", word, key);
    return unknown_option(word);
  }

  std::vector<char*> words_;
  std::vector<::option> long_options_;
};

Result<Options> parse(std::span<const char* const> arguments) {
  Reader reader;
  TRY(Words{arguments}.read_into(reader));
  return std::move(reader).finish();
}

template <class T, std::size_t N>
std::string listing(std::string_view title, const std::array<T, N>& table) {
  std::string text{title};
  for (const T& entry : table) text += fmt::format("  {:<14}{}\n", entry.name, entry.help);
  return text;
}

/// Breaks `text` into lines that stand in the right column of the help.
std::string wrapped(std::string_view text) {
  constexpr std::size_t kWidth = 62;
  std::string lines;
  while (text.size() > kWidth) {
    const auto space = text.rfind(' ', kWidth);
    if (space == text.npos) break;
    lines += fmt::format("{}\n{:18}", text.substr(0, space), "");
    text.remove_prefix(space + 1);
  }
  return lines += text;
}

}  // namespace

std::span<const OptionInfo> option_table() { return kOptionInfos; }

Result<Options> parse_options(std::span<const char* const> arguments) {
  auto options = parse(arguments);
  if (!options) return std::unexpected{on_one_line(options.error())};
  return options;
}

std::string help_text(std::string_view program) {
  std::string text = fmt::format("usage: {} [OPTION...]\n\n", program);
  for (const OptionInfo& option : kOptionInfos) {
    text += fmt::format("-{}{}{}\n", option.name, option.argument.empty() ? "" : " ", option.argument);
    if (option.help.empty())
      text += fmt::format("{:18}the same\n", "");
    else
      text += fmt::format("{:18}{}\n", "", wrapped(option.help));
  }
  return text;
}

std::string version_text() { return "Holdfast " HOLDFAST_VERSION "\n"; }
std::string topics_text() { return listing("what -d can log:\n", kTopics); }
std::string accelerators_text() { return listing("what -accel takes:\n", kAccelerators); }

}  // namespace holdfast::app
