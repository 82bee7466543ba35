// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/hmp/monitor.hpp"

#include <algorithm>
#include <vector>

#include "holdfast/control/cpu_memory.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/object/text.hpp"

namespace holdfast::control::hmp {
namespace {

constexpr std::string_view kBlanks = " \t";

/// For messages: one line that a terminal can show, whatever came.
std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  std::string line;
  for (const char c : text.substr(0, kLongest))
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text.size() > kLongest ? line + "..." : line;
}

std::string_view trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const auto last = line.find_last_not_of(" \t\r\n");
  return line.substr(0, last == line.npos ? 0 : last + 1);
}

/// The name in front, and the blanks behind it.
std::string_view take_name(std::string_view& line) {
  // Behind a name a format may begin at once: x/4i.
  const auto end = std::min(line.find_first_of(" \t/"), line.size());
  const auto name = line.substr(0, end);
  line.remove_prefix(end);
  line = trimmed(line);
  return name;
}

std::string unknown(std::string_view name, std::span<const Row* const> rows, std::string_view kind) {
  std::vector<std::string_view> names;
  for (const Row* row : rows) names.push_back(row->first_name());
  const auto near = object::nearest(name, names);
  return fmt::format("unknown {}: '{}'{}\n", kind, shown(name),
                     near.empty() ? std::string{} : fmt::format("; did you mean '{}'?", near));
}

/// Lines for a terminal, or for whoever takes one for it.
std::string with_carriage_returns(std::string_view text) {
  std::string lines;
  lines.reserve(text.size() + text.size() / 16);
  for (const char c : text) {
    if (c == '\n' && !lines.ends_with('\r')) lines += '\r';
    lines += c;
  }
  return lines;
}

std::string perform_row(Monitor& monitor, const Row& row, std::string_view line) {
  if (!row.absent.empty()) return std::string{row.absent} + "\n";
  Call call{.monitor = monitor};
  // Registers are only asked for if an expression names one.
  const RegisterValue registers = [&monitor](std::string_view name) -> std::optional<std::uint64_t> {
    std::optional<std::uint64_t> value;
    monitor.machine().while_paused([&] {
      hw::Cpu* cpu = monitor.cpu();
      const auto inspector = cpu == nullptr ? nullptr : cpu->inspect();
      if (inspector) value = inspector->register_value(name);
    });
    return value;
  };
  auto done = read_arguments(row, line, registers, call.values);
  if (!done) return fmt::format("Error: {}: {}\nit takes: {}\n", row.first_name(), done.error().message, row.shape());
  done = row.perform(call);
  if (!done) call.say("Error: {}", done.error().message);
  return std::move(call.out);
}

}  // namespace

std::string Monitor::perform(std::string_view line) {
  return with_carriage_returns(answer(trimmed(line)));
}

std::string Monitor::answer(std::string_view line) {
  if (line.empty() || line.starts_with('#')) return {};
  const auto name = take_name(line);
  const Row* row = find_row(commands(), name);
  if (row == nullptr) return unknown(name, commands(), "command");
  if (row->first_name() != "info" || line.empty()) return perform_row(*this, *row, line);
  const auto what = take_name(line);
  row = find_row(infos(), what);
  if (row == nullptr) return unknown(what, infos(), "info");
  return perform_row(*this, *row, line);
}

Completions Monitor::complete(std::string_view line) { return completions_of(*this, line); }

hw::Cpu* Monitor::cpu() {
  const auto cpus = cpus_of(machine_);
  for (hw::Cpu* cpu : cpus)
    if (cpu->facts().index == cpu_) return cpu;
  return cpus.empty() ? nullptr : cpus.front();
}

Result<void> Monitor::choose_cpu(std::uint64_t index) {
  for (const hw::Cpu* cpu : cpus_of(machine_))
    if (cpu->facts().index == index) {
      cpu_ = index;
      return {};
    }
  return fail("there is no CPU {}", index);
}

// --- a call ----------------------------------------------------------------------------------------

std::expected<qmp::Json, Error> Call::ask(std::string_view command, const qmp::Json& arguments) const {
  const qmp::CommandRow* row = qmp::find_command(command);
  const SchemaEntry* entry = Schema::get().command(command);
  if (row == nullptr || entry == nullptr) return fail("there is no command '{}'", command);
  if (const auto checked = qmp::check_arguments(Schema::get(), *entry, arguments); !checked)
    return fail("{}", checked.error().text);
  // Nobody sends descriptors here.
  qmp::NamedDescriptors named;
  Descriptor descriptor;
  qmp::Call call{.machine = monitor.machine(),
                 .types = monitor.types(),
                 .about = monitor.about(),
                 .adder = monitor.adder(),
                 .arguments = arguments,
                 .shared = monitor.shared(),
                 .named = named,
                 .descriptor = descriptor,
                 .answer_later = {}};
  auto answer = row->perform(call);
  if (!answer) return fail("{}", answer.error().text);
  return std::move(*answer);
}

Result<void> Call::tell(std::string_view command, const qmp::Json& arguments) const {
  const auto answer = ask(command, arguments);
  if (!answer) return std::unexpected{answer.error()};
  return {};
}

Format Call::format() const {
  const auto found = values.find("fmt");
  return found == values.end() ? Format{} : std::get<Format>(found->second);
}

}  // namespace holdfast::control::hmp
