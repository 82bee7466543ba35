// SPDX-License-Identifier: Apache-2.0
// What is made from the table of options besides -help: the manual page and the completions of shells.
#pragma once

#include <string>

namespace holdfast::app {

/// holdfast(1), in the man macros of roff.
std::string manual_page();
/// For bash: to be sourced, or put where bash-completion looks.
std::string bash_completion();
/// For zsh: `_holdfast`, in a folder of $fpath.
std::string zsh_completion();

}  // namespace holdfast::app
