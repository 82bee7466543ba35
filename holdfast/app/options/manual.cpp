// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/manual.hpp"

#include <fmt/core.h>

#include <ranges>
#include <vector>

#include "holdfast/app/options/table.hpp"

namespace holdfast::app {
namespace {

constexpr std::string_view kBeginning =
    R"(.SH NAME
holdfast \- machine emulator
.SH SYNOPSIS
.B holdfast
.RI [ OPTION ...]
.SH DESCRIPTION
.B holdfast
builds the machine that its options describe and runs it until the guest, a signal or the user ends it.
.PP
An option begins with one dash or two.
Its argument is the next word, or follows an equals sign.
Options may be given again; where only one value can hold, the last one does.
.SS Keys and values
Many options take several values in one word,
.IR KEY = VALUE , KEY = VALUE ...
A comma inside a value is written twice.
A first word without a key is the value of the key that the option implies, which is shown in brackets:
.B "\-smp 4"
is
.BR "\-smp cpus=4" .
Any other word without a value is a switch:
.B server
is
.BR server=on ,
.B nowait
is
.BR wait=off .
A value may also be a JSON object,
.BR "\-device '{\(dqdriver\(dq: \(dqns16550a\(dq, \(dqaddr\(dq: 270532608}'" .
.PP
Sizes are numbers with one of the suffixes K, M, G, T, P and E, which are powers of 1024.
.SH OPTIONS
)";

constexpr std::string_view kEnd =
    R"(.SH CONFIGURATION FILES
What
.B \-readconfig
reads is made of sections, each an option that takes keys and values:
.PP
.RS
.nf
# another serial port
[device \(dquart1\(dq]
  driver = \(dqns16550a\(dq
  addr = \(dq0x10200000\(dq
.fi
.RE
.PP
The name in the section's head is the value of
.IR id .
.SH TERMINAL
With
.B \-nographic
or
.BR "\-serial mon:stdio" ,
control-A is the escape key:
.TP
.B "Ctrl\-a h"
shows what there is.
.TP
.B "Ctrl\-a x"
ends the emulator.
.TP
.B "Ctrl\-a b"
sends a break.
.TP
.B "Ctrl\-a Ctrl\-a"
sends one control-A.
.SH EXIT STATUS
The status that the guest asks for; 0 when it switches the machine off, or when SIGTERM, SIGINT, SIGHUP or the user ends it.
1 when the machine could not be made, with one line on standard error that says why.
.SH EXAMPLES
.TP
.B "holdfast \-M virt \-nographic"
boots the default firmware on the terminal.
.TP
.B "holdfast \-M virt \-smp 2 \-m 256M \-nographic \-kernel Image \-append console=ttyS0"
boots a Linux kernel.
.TP
.B "holdfast \-M virt \-display none \-serial unix:/tmp/console,server=on,wait=off \-daemonize \-pidfile /tmp/pid"
runs in the background, with the console at a socket.
)";

/// Text as roff shows it: dashes and backslashes as they are, no line that looks like a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-') out += "\\-";
    else if (c == '\\') out += "\\e";
    else if (c == '`' || c == '\'') out += "\\(aq";
    else if (c == '"') out += "\\(dq";
    else out += c;
  }
  if (out.starts_with('.')) out.insert(0, "\\&");
  return out;
}

/// In italics; a line may end after a comma, a bar or an equals sign.
std::string shape(std::string_view text) {
  if (text.empty()) return {};
  std::string broken;
  for (const char c : roff(text)) {
    broken += c;
    if (c == ',' || c == '|' || c == '=') broken += "\\:";
  }
  return fmt::format(" \\fI{}\\fR", broken);
}

std::string sentence(std::string_view text) {
  std::string out = roff(text);
  if (out.front() >= 'a' && out.front() <= 'z') out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out + ".";
}

std::string entries() {
  std::string text;
  const OptionRow* last = nullptr;
  const auto table = option_table();
  for (const OptionRow& row : table) {
    if (!row.help.empty() && (last == nullptr || last->section != row.section)) {
      text += fmt::format(".SS {}\n", title(row.section));
      last = &row;
    }
    text += fmt::format(".TP\n\\fB\\-{}\\fR{}\n{}\n", roff(row.name), shape(row.argument),
                        sentence(row.help.empty() ? "the same" : row.help));
  }
  return text;
}

std::string absent() {
  std::string text = ".SH OPTIONS THAT ARE REFUSED\nOther emulators of this field have them; here they "
                     "have nothing to do, and are an error.\n";
  for (const AbsentOption& option : absent_options())
    text += fmt::format(".TP\n\\fB\\-{}\\fR\n{}\n", roff(option.name), sentence(option.reason));
  return text;
}

/// What an argument may begin with.
struct Beginnings {
  std::string words;  // apart by blanks
  bool files = false;
};

/// What a list names: a line each, `  NAME  what it is` or `name "NAME", desc …`.
std::vector<std::string_view> names_in(std::string_view list) {
  std::vector<std::string_view> names;
  for (const auto part : list | std::views::split('\n')) {
    std::string_view line{part.begin(), part.end()};
    char end = ' ';
    if (line.starts_with("name \"")) {
      line.remove_prefix(6);
      end = '"';
    } else if (line.starts_with("  ") && !line.starts_with("   ")) {
      line.remove_prefix(2);
    } else {
      continue;
    }
    names.push_back(line.substr(0, line.find(end)));
  }
  return names;
}

Beginnings beginnings_of(const OptionRow& row, const Listing& listing) {
  Beginnings all;
  const auto add = [&all](std::string_view word) {
    if (!all.words.empty()) all.words += ' ';
    all.words += word;
  };
  for (const auto part : row.completes | std::views::split(' ')) {
    const std::string_view word{part.begin(), part.end()};
    if (word == "@file") {
      all.files = true;
    } else if (word == "@keys") {
      for (const std::string& key : keys_of(row)) add(key + "=");
    } else if (word.starts_with('@')) {
      const std::string list = listing(word.substr(1));
      for (const std::string_view name : names_in(list)) add(name);
    } else if (!word.empty()) {
      add(word);
    }
  }
  return all;
}

/// Inside single quotes and an _arguments specification.
std::string zsh(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':') out += '\\';
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out;
}

std::string zsh_argument(const OptionRow& row, const Listing& listing) {
  if (row.argument.empty()) return {};
  const auto [words, files] = beginnings_of(row, listing);
  const std::string message = zsh(row.argument);
  if (files) return fmt::format(":{}:_files", message);
  if (words.empty()) return fmt::format(":{}: ", message);
  return fmt::format(":{}:({})", message, zsh(words));
}

}  // namespace

std::string manual_page() {
  return ".\\\" Made from the table of options.\n.TH HOLDFAST 1 \"\" \"" + version() + "\"\n" +
         std::string{kBeginning} + entries() + absent() + std::string{kEnd};
}

std::string bash_completion(const Listing& listing) {
  std::string names;
  std::string cases;
  for (const OptionRow& row : option_table()) {
    names += fmt::format("{}-{}", names.empty() ? "" : " ", row.name);
    if (row.argument.empty()) continue;
    const auto [words, files] = beginnings_of(row, listing);
    cases += fmt::format("    -{0}|--{0}) words='{1}'; files={2} ;;\n", row.name, words, files ? 1 : 0);
  }
  return "# bash completion for holdfast, made from the table of options.\n"
         "_holdfast() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} words files\n"
         "  case $last in\n" +
         cases +
         "    *) words='" + names + "'; files=0 ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  if ((files)); then\n"
         "    compopt -o filenames 2>/dev/null\n"
         "    COMPREPLY+=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _holdfast holdfast\n";
}

std::string zsh_completion(const Listing& listing) {
  std::string text = "#compdef holdfast\n# Made from the table of options.\n_arguments \\\n";
  std::string_view help;
  const auto table = option_table();
  for (const OptionRow& row : table) {
    if (!row.help.empty()) help = row.help;
    text += fmt::format("  '*-{}[{}]{}' \\\n", row.name, zsh(help), zsh_argument(row, listing));
  }
  return text + "  && return 0\n";
}

}  // namespace holdfast::app
