// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/hmp/server.hpp"

#include <fmt/core.h>

#include <utility>

#include "holdfast/control/conversation.hpp"
#include "holdfast/control/hmp/line_editor.hpp"
#include "holdfast/control/hmp/monitor.hpp"
#include "holdfast/control/version.hpp"

namespace holdfast::control {

/// One conversation.
class HmpServer::Session {
 public:
  Session(HmpServer& server, chardev::Chardev& backend)
      : shared_{backend.is_mux()},
        monitor_{server.machine_, server.types_, server.about_, server.adder_, server.shared_},
        editor_{"(qemu) ",
                {.send = [this](std::string_view bytes) { client_->send(bytes); },
                 .line = [this](std::string_view line) { obey(line); },
                 .complete = [this](std::string_view line) { return monitor_.complete(line); }}} {
    monitor_.set_history(&editor_.history());
  }

  Result<void> open(machine::Machine& machine, chardev::Chardev& backend) {
    client_ = TRY(Conversation::make(machine.services(), backend, "monitor",
                                     {.input = [this](std::string_view bytes) { editor_.feed(bytes); },
                                      .opened = [this] { opened(); },
                                      .focused = [this](bool mine) { focused(mine); }},
                                     chardev::Chardev::Focus::kLeave));
    return {};
  }

 private:
  void opened() {
    greeted_ = false;
    editor_.begin_anew();
    if (!shared_) greet();
  }
  void focused(bool mine) {
    if (!mine) return client_->send("\r\n");  // the console goes on in a line of its own
    if (!std::exchange(greeted_, true)) return greet();
    client_->send("\r\n");
    editor_.show_again();
  }
  void greet() {
    greeted_ = true;
    client_->send(fmt::format("QEMU {} monitor (Holdfast " HOLDFAST_VERSION ") - type 'help' for more information\r\n",
                              kSpokenVersion.text));
    editor_.show_prompt();
  }
  void obey(std::string_view line) {
    client_->send(monitor_.perform(line));
    editor_.show_prompt();
  }

  const bool shared_;  // with a console, say
  bool greeted_ = false;
  hmp::Monitor monitor_;
  hmp::LineEditor editor_;
  std::unique_ptr<Conversation> client_;
};

HmpServer::HmpServer(machine::Machine& machine, const object::TypeRegistry& types, QmpServer::About about,
                     QmpServer& programs)
    : machine_{machine},
      types_{types},
      about_{std::move(about)},
      adder_{machine, types, about_.board, about_.globals},
      shared_{programs.shared()} {}

HmpServer::~HmpServer() = default;

Result<void> HmpServer::serve(chardev::Chardev& backend) {
  auto session = std::make_unique<Session>(*this, backend);
  TRY(session->open(machine_, backend));
  sessions_.push_back(std::move(session));
  return {};
}

}  // namespace holdfast::control
