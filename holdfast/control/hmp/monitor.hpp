// SPDX-License-Identifier: Apache-2.0
// The monitor for people, without a terminal: a line in, text out. What it does is done by the commands
// of the monitor for programs, wherever there is one; here it is put into words.
//
// No line can end the process, and none waits for the machine.
//
// THREADS: the control thread, inside nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/control/hmp/line_editor.hpp"
#include "holdfast/control/qmp/server.hpp"
#include "holdfast/hw/cpu.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::control::hmp {

class Monitor {
 public:
  /// All outlive it.
  Monitor(machine::Machine& machine, const object::TypeRegistry& types, const QmpServer::About& about,
          const machine::DeviceAdder& adder, qmp::Shared& shared)
      : machine_{machine}, types_{types}, about_{about}, adder_{adder}, shared_{shared} {}

  /// What a line is answered with: lines that end in \r\n, or nothing.
  std::string perform(std::string_view line);
  /// What may stand at the end of a line.
  Completions complete(std::string_view line);

  machine::Machine& machine() { return machine_; }
  const object::TypeRegistry& types() const { return types_; }
  const QmpServer::About& about() const { return about_; }
  const machine::DeviceAdder& adder() const { return adder_; }
  qmp::Shared& shared() const { return shared_; }

  /// The CPU that is looked through: the one chosen, or the first; null on a machine without any.
  hw::Cpu* cpu();
  Result<void> choose_cpu(std::uint64_t index);
  std::uint64_t cpu_index() const { return cpu_; }

  /// Lines typed before, if this has a terminal. It outlives the monitor.
  void set_history(const std::deque<std::string>* history) { history_ = history; }
  const std::deque<std::string>* history() const { return history_; }

 private:
  std::string answer(std::string_view line);

  machine::Machine& machine_;
  const object::TypeRegistry& types_;
  const QmpServer::About& about_;
  const machine::DeviceAdder& adder_;
  qmp::Shared& shared_;  // with the monitors for programs
  const std::deque<std::string>* history_ = nullptr;
  std::uint64_t cpu_ = 0;  // by its index
};

/// The page with all commands, for docs/.
std::string reference();

}  // namespace holdfast::control::hmp
