// SPDX-License-Identifier: Apache-2.0
// Options about the test server.
#include <array>

#include "holdfast/app/options/short_chardev.hpp"
#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

Result<void> qtest(Draft& draft, std::string_view text) {
  if (text == "none") {
    draft.options.qtest.reset();
    return {};
  }
  draft.options.qtest = TRY(read_backend(draft, "qtest", "qtest", text));
  return {};
}

Result<void> qtest_log(Draft& draft, std::string_view text) {
  if (text.empty()) return fail("the name is empty; it takes the path of a file, or none");
  draft.options.qtest_log = text;
  return {};
}

constexpr std::array kRows{
    OptionRow{.name = "qtest",
              .argument = "unix:PATH[,server=on][,wait=off]|chardev:ID|...",
              .help = "a test client drives buses, pins and the clock; places as for -serial",
              .section = Section::kDebugging,
              .read = qtest,
              .completes = "unix: tcp: chardev: stdio none"},
    OptionRow{.name = "qtest-log",
              .argument = "FILE|none",
              .help = "where what it says is logged instead of standard error",
              .section = Section::kDebugging,
              .read = qtest_log,
              .completes = "@file none"},
};

}  // namespace

Result<std::string> read_backend(Draft& draft, std::string_view option, std::string_view id,
                                 std::string_view text) {
  if (text.starts_with("chardev:")) {
    if (text.size() == 8) return fail("the id is empty; it takes chardev:ID");
    return std::string{text.substr(8)};
  }
  auto group = TRY(parse_short_chardev(text));
  group.option = option;
  group.set("id", std::string{id});
  TRY(add_group(draft.options.chardevs, group));
  return std::string{id};
}

std::span<const OptionRow> testing_options() { return kRows; }

}  // namespace holdfast::app
