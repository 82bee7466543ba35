// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qtest/server.hpp"

#include <fmt/core.h>

#include <utility>

namespace holdfast::control {

Result<std::unique_ptr<QtestServer>> QtestServer::make(machine::Machine& machine, Init init) {
  auto log = TRY(QtestLog::open(init.log));
  std::unique_ptr<QtestServer> made{new QtestServer{machine, init.time, std::move(log)}};
  QtestServer& server = *made;
  made->client_ = TRY(Conversation::make(
      machine.services(), init.backend, "qtest",
      {.input =
           [&server](std::string_view bytes) {
             server.lines_.split(
                 bytes, [&](std::string_view line) { server.obey(line); },
                 [&](std::size_t length) {
                   server.reply(fmt::format("ERR a line of {} bytes; {} are possible", length,
                                            kLongestLine));
                 });
           },
       .opened = [&server] { server.log_.opened(); },
       .closed =
           [&server] {
             server.lines_.forget();
             server.log_.closed();
           }}));
  made->self_ = object::Handle<Conversation>{*made->client_};
  return made;
}

QtestServer::QtestServer(machine::Machine& machine, QtestCommands::Time time, QtestLog log)
    : machine_{machine},
      log_{std::move(log)},
      interception_{machine,
                    [this] {
                      Conversation::post(machine_.loop(), self_, [this] { report(); });
                    }},
      commands_{machine, interception_, time} {}

// First of all no pin may note anything for a client that is going.
QtestServer::~QtestServer() = default;

void QtestServer::obey(std::string_view line) {
  log_.received(line);
  const std::string answer = commands_.perform(line);
  if (!answer.empty()) reply(answer);
}

void QtestServer::reply(std::string_view text) {
  report();
  log_.sent(text);
  std::string line{text};
  line += '\n';
  client_->send(line);
}

void QtestServer::report() {
  const std::string changes = interception_.take_report();
  if (!changes.empty()) client_->send(changes);
}

}  // namespace holdfast::control
