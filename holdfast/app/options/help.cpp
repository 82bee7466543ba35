// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "holdfast/app/options/table.hpp"
#include "holdfast/control/version.hpp"

namespace holdfast::app {
namespace {

/// Breaks `text` into lines of `width`, each but the first behind `indent` blanks. A word that is
/// longer is broken before a comma, a bar or a bracket.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string lines;
  while (text.size() > width) {
    auto end = text.rfind(' ', width);
    std::size_t skip = 1;
    if (end == text.npos || end == 0) {
      end = text.find_last_of(",|[", width);
      skip = 0;
    }
    if (end == text.npos || end == 0) break;
    lines += fmt::format("{}\n{:{}}", text.substr(0, end), "", indent);
    text.remove_prefix(end + skip);
  }
  return lines += text;
}

std::string entry(const OptionRow& row) {
  std::string text = fmt::format("-{}{}", row.name, row.argument.empty() ? "" : " ");
  text += wrapped(row.argument, text.size(), 80 - text.size());
  constexpr std::size_t kColumn = 18;
  return text + fmt::format("\n{:{}}{}\n", "", kColumn,
                            row.help.empty() ? "the same" : wrapped(row.help, kColumn, 80 - kColumn));
}

}  // namespace

std::string help_text(std::string_view program) {
  std::string text = fmt::format("usage: {} [OPTION...]\n", program);
  const OptionRow* last = nullptr;
  const auto table = option_table();
  for (const OptionRow& row : table) {
    if (!row.help.empty() && (last == nullptr || last->section != row.section)) {
      text += fmt::format("\n{}:\n", title(row.section));
      last = &row;
    }
    text += entry(row);
  }
  return text;
}

std::string option_text(std::string_view name) {
  const auto table = option_table();
  for (const OptionRow& row : table)
    if (row.name == name) return entry(row);
  return {};
}

std::string version() { return "holdfast " HOLDFAST_VERSION; }
std::string version_text() {
  return fmt::format("{0}, speaks as QEMU emulator version {1} ({0})\n", version(), control::kSpokenVersion.text);
}

}  // namespace holdfast::app
