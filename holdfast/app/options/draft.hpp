// SPDX-License-Identifier: Apache-2.0
// Options while they are read: what has been said so far, and what follows from all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/options.hpp"
#include "holdfast/app/options/topology.hpp"

namespace holdfast::app {

struct Draft {
  const Invocation& invocation;  // outlives it
  Options options{};
  TopologyRequest topology{};
  bool no_defaults = false;
  bool monitor_said = false;  // where monitors are; else there is one by default
  std::string accelerator_from{};             // the option that spoke of it
  std::vector<std::string> unusable{};        // accelerators named that there are not
  bool accelerator_chosen = false;

  /// The first question decides; what else is said does not matter then.
  Result<void> ask(Action action, std::string subject = {});
  bool answered() const { return options.action != Action::kRun; }
};

/// Replaces the value of the key, or adds it.
void set(std::vector<KeyValue>& items, const KeyValue& item);

/// "; did you mean 'x'?", or nothing if no name is near.
std::string guess(std::string_view word, std::span<const std::string_view> known);

/// Adds a group to a list; its id must not be in it.
Result<void> add_group(std::vector<OptionGroup>& list, const OptionGroup& group);

/// Works out what was left open and checks what goes together.
Result<Options> finish(Draft draft);

// What one theme has for another.
Result<void> read_memory(Draft& draft, const OptionGroup& group);
Result<void> read_accelerators(Draft& draft, std::string_view names);
Result<void> read_serial(Draft& draft, std::string_view text);
/// A back-end in its short form, which gets that id, or `chardev:ID`; returns the id.
Result<std::string> read_backend(Draft& draft, std::string_view option, std::string_view id,
                                 std::string_view text);

}  // namespace holdfast::app
