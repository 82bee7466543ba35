// SPDX-License-Identifier: Apache-2.0
// What is made from the table of options besides -help: the manual page and the completions of shells.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace holdfast::app {

/// The list that `help` prints of things that an option names: "devices", "machines" and so on.
using Listing = std::function<std::string(std::string_view what)>;

/// holdfast(1), in the man macros of roff.
std::string manual_page();
/// For bash: to be sourced, or put where bash-completion looks.
std::string bash_completion(const Listing& listing);
/// For zsh: `_holdfast`, in a folder of $fpath.
std::string zsh_completion(const Listing& listing);

}  // namespace holdfast::app
