// SPDX-License-Identifier: Apache-2.0
// Character back-ends as -chardev and -serial name them. They are made on the thread that made the
// machine, which keeps them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/app/options/group.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/chardev/escape.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::app {

class Backends {
 public:
  using OnCommand = std::function<void(chardev::Command)>;

  Backends(machine::Machine& machine, OnCommand on_command)
      : machine_{machine}, on_command_{std::move(on_command)} {}

  /// Makes one of each group. Errors name the option.
  Result<void> make(std::span<const OptionGroup> groups);
  /// Null if there is none of that id.
  chardev::Chardev* find(std::string_view id) const;
  /// One that swallows everything, for a port that is left out.
  chardev::Chardev& nowhere(std::string id);
  /// Hands all output to the host. Clients at the other end of `conversations`, where those are sockets,
  /// have a moment to take what is theirs, all together.
  void drain(std::span<const std::string> conversations);

 private:
  machine::Machine& machine_;  // outlives this
  const OnCommand on_command_;
};

}  // namespace holdfast::app
