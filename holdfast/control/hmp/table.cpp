// SPDX-License-Identifier: Apache-2.0
// All rows, and the help that is made of them.
#include <algorithm>
#include <array>
#include <vector>

#include "holdfast/control/hmp/command.hpp"

namespace holdfast::control::hmp {
namespace {

std::vector<const Row*> sorted(std::initializer_list<std::span<const Row>> themes) {
  std::vector<const Row*> rows;
  for (const auto theme : themes)
    for (const Row& row : theme) rows.push_back(&row);
  std::ranges::sort(rows, {}, [](const Row* row) { return row->first_name(); });
  return rows;
}

std::string shape_of(const Argument& argument) {
  using Kind = Argument::Kind;
  std::string text;
  switch (argument.kind) {
    case Kind::kFlag: text = fmt::format("-{}", argument.name); break;
    case Kind::kFormat: text = fmt::format("/{}", argument.name); break;
    case Kind::kSwitch: text = fmt::format("{}=on|off", argument.name); break;
    default: text = argument.name; break;
  }
  if (argument.kind == Kind::kSwitch) text = "on|off";
  return argument.optional ? fmt::format("[{}]", text) : text;
}

/// A line of the help: "info mtree [-f] -- …".
void describe(Call& call, std::string_view before, const Row& row) {
  call.say("{}{} -- {}", before, row.shape(), row.help);
}

Result<void> help(Call& call) {
  if (!call.has("command")) {
    for (const Row* row : commands()) describe(call, "", *row);
    return {};
  }
  std::string_view words = call.text("command");
  const std::string first = TRY(take_word(words));
  if (first == "info") {
    if (words.empty()) {
      for (const Row* row : infos()) describe(call, "info ", *row);
      return {};
    }
    const Row* row = find_row(infos(), words);
    if (row == nullptr) return fail("there is no info '{}'", words);
    describe(call, "info ", *row);
    return {};
  }
  const Row* row = find_row(commands(), first);
  if (row == nullptr) return fail("there is no command '{}'; help lists them", first);
  describe(call, "", *row);
  return {};
}

Result<void> list_infos(Call& call) {
  for (const Row* row : infos()) describe(call, "info ", *row);
  return {};
}

constexpr auto kHelpRows = std::to_array<Row>({
    {.name = "help|?",
     .arguments = {maybe(rest("command", Completes::kCommand))},
     .help = "all commands, or one; help info lists what info knows",
     .perform = help},
    {.name = "info",
     .arguments = {maybe(word("subject", Completes::kInfo))},
     .help = "what is so; without a subject lists them",
     .perform = list_infos},
});

std::string rows_text(std::string_view title, std::string_view before, std::span<const Row* const> rows) {
  std::string text = fmt::format("\n## {}\n\n| command | what it does |\n| --- | --- |\n", title);
  for (const Row* row : rows) {
    std::string shape = std::string{before} + row->shape();
    for (auto at = shape.find('|'); at != shape.npos; at = shape.find('|', at + 2)) shape.insert(at, "\\");
    text += fmt::format("| `{}` | {}{} |\n", shape, row->help,
                        row->absent.empty() ? std::string{} : fmt::format(". *{}*", row->absent));
  }
  return text;
}

}  // namespace

bool Row::is_called(std::string_view spelling) const {
  for (std::string_view left = name;;) {
    const auto bar = left.find('|');
    if (left.substr(0, bar) == spelling) return true;
    if (bar == left.npos) return false;
    left.remove_prefix(bar + 1);
  }
}

std::string Row::shape() const {
  std::string text{name};
  for (const Argument& argument : arguments)
    if (argument.kind != Argument::Kind::kNone) text += " " + shape_of(argument);
  return text;
}

std::span<const Row* const> commands() {
  static const auto kAll = sorted({help_rows(), running_rows(), memory_rows(), device_rows(), drive_rows(), object_rows(),
                                   chardev_rows(), absent_rows()});
  return kAll;
}

std::span<const Row* const> infos() {
  static const auto kAll = sorted({info_machine_rows(), info_cpu_rows(), info_memory_rows(),
                                   info_device_rows(), info_drive_rows(), info_pci_rows(), info_absent_rows()});
  return kAll;
}

const Row* find_row(std::span<const Row* const> rows, std::string_view name) {
  const auto found = std::ranges::find_if(rows, [&](const Row* row) { return row->is_called(name); });
  return found == rows.end() ? nullptr : *found;
}

std::span<const Row> help_rows() { return kHelpRows; }

std::string reference() {
  std::string text =
      "# The monitor: reference\n\n"
      "Made from the tables in `holdfast/control/hmp/`; do not edit. A line is a command and its\n"
      "arguments, blanks between them. Words may stand in double quotes. A number is an expression:\n"
      "`0x80000000+4*8`, `($sp&~0xfff)`, with `$` before the name of a register; operators are\n"
      "`+ -`, then `& | ^`, then `* / %`, from the weakest on. A format is `/` and how many, in what base\n"
      "(`x d u o c`, or `i` for instructions) and how large (`b h w g` for 1, 2, 4, 8 bytes): `/16xw`.\n\n"
      "On a terminal, Tab completes, the arrow keys edit and go through what was typed before, and\n"
      "Ctrl-a c switches between the console and the monitor where the two share it. What a command\n"
      "says in *italics* is its answer here: there is nothing that it could work on.\n";
  text += rows_text("Commands", "", commands());
  text += rows_text("What info knows", "info ", infos());
  return text;
}

}  // namespace holdfast::control::hmp
