// SPDX-License-Identifier: Apache-2.0
// What a test client can ask for: one line in, one line out. SPEC: the qtest protocol as clients of
// QEMU 8.2 speak it.
//
// On the control thread, inside nothing: a request is performed when its reply comes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "holdfast/control/cpu_memory.hpp"
#include "holdfast/control/qtest/interception.hpp"

namespace holdfast::control {

class QtestCommands {
 public:
  /// Who moves the machine's clock, which is a stepped one if it is the client.
  enum class Time : std::uint8_t { kTheMachines, kTheClients };
  QtestCommands(machine::Machine& machine, Interception& interception, Time time)
      : machine_{machine}, interception_{interception}, time_{time}, memory_{machine} {}

  /// The reply, without an end of line; "" for a line without words, which has none.
  std::string perform(std::string_view line);

  /// A request, and how many words it has besides its name.
  struct Row {
    std::string_view name;
    std::size_t least;
    std::size_t most;
    std::string (QtestCommands::*perform)(std::span<const std::string_view> words);
  };
  static std::span<const Row> table();

 private:
  using Words = std::span<const std::string_view>;

  std::string endianness(Words words);
  std::string port_out(Words words);
  std::string port_in(Words words);
  std::string store(Words words);
  std::string load(Words words);
  std::string read(Words words);
  std::string write(Words words);
  std::string fill(Words words);
  std::string read_base64(Words words);
  std::string write_base64(Words words);
  std::string intercept_inputs(Words words);
  std::string intercept_outputs(Words words);
  std::string set_input(Words words);
  std::string step_clock(Words words);
  std::string set_clock(Words words);
  std::string load_module(Words words);
  std::string go_on_to(std::uint64_t time_ns);

  machine::Machine& machine_;    // outlives this
  Interception& interception_;   // the same server's
  const Time time_;
  CpuMemory memory_;
};

}  // namespace holdfast::control
