// SPDX-License-Identifier: Apache-2.0
// The qtest server: drives a machine's buses, pins and clock for a test client, over any character
// back-end. SPEC: see commands.hpp for the requests.
//
// Lines in, one reply each; what intercepted pins did comes before the reply of the request that
// caused it. The end of a connection ends nothing.
//
// THREADS: made and destroyed on the control thread, which does all the work. Goes before the machine.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "holdfast/control/conversation.hpp"
#include "holdfast/control/line_splitter.hpp"
#include "holdfast/control/qtest/commands.hpp"
#include "holdfast/control/qtest/log.hpp"

namespace holdfast::control {

class QtestServer {
 public:
  struct Init {
    chardev::Chardev& backend;
    QtestCommands::Time time = QtestCommands::Time::kTheClients;
    std::optional<std::string> log{};  // a path, or "none"; without one: standard error
  };
  static Result<std::unique_ptr<QtestServer>> make(machine::Machine& machine, Init init);
  ~QtestServer();
  QtestServer(const QtestServer&) = delete;
  QtestServer& operator=(const QtestServer&) = delete;

 private:
  QtestServer(machine::Machine& machine, QtestCommands::Time time, QtestLog log);
  void obey(std::string_view line);
  void reply(std::string_view text);
  void report();

  static constexpr std::size_t kLongestLine = std::size_t{192} << 20;

  machine::Machine& machine_;  // outlives this
  QtestLog log_;
  LineSplitter lines_{kLongestLine};
  object::Handle<Conversation> self_;  // for those who note changes on other threads
  Interception interception_;
  QtestCommands commands_;
  std::unique_ptr<Conversation> client_;
};

}  // namespace holdfast::control
