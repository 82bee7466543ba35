// SPDX-License-Identifier: Apache-2.0
// Makes back-ends from what somebody wants of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "holdfast/chardev/chardev.hpp"
#include "holdfast/chardev/spec.hpp"

namespace holdfast::chardev {

struct Surroundings {
  EventLoop& loop;  // the machine's; outlives the back-ends
  /// What the escape key of a shared console asks of the emulator.
  std::function<void(Command)> on_command{};
  /// Gets lines that a person waits for: the path of a pseudo-terminal. Without it: standard output.
  std::function<void(std::string_view)> announce{};
  /// Opens files, as open(2) with these flags. Without it: open(2).
  std::function<Result<Descriptor>(const std::string& path, int flags)> open{};
};

/// On the loop thread, or while nobody runs the loop. On error nothing is left. Not for kNone and
/// kReference, which are no back-ends.
Result<std::unique_ptr<Chardev>> make(const Spec& spec, const Surroundings& surroundings);

}  // namespace holdfast::chardev
