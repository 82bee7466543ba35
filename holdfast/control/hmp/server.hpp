// SPDX-License-Identifier: Apache-2.0
// The monitor for people over any number of character back-ends: a greeting, a prompt, lines that can
// be edited, answers. On a back-end that is shared with a console it greets when it first gets the
// keyboard, and shows its prompt whenever it gets it back.
//
// THREADS: made, used and destroyed on the control thread. Goes before the machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "holdfast/chardev/chardev.hpp"
#include "holdfast/control/qmp/server.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::control {

class HmpServer {
 public:
  /// `machine` and `types` outlive the server, as do `programs`, which hear of what people do.
  HmpServer(machine::Machine& machine, const object::TypeRegistry& types, QmpServer::About about,
            QmpServer& programs);
  ~HmpServer();
  HmpServer(const HmpServer&) = delete;
  HmpServer& operator=(const HmpServer&) = delete;

  /// Another conversation; error if the back-end is in use.
  Result<void> serve(chardev::Chardev& backend);

 private:
  class Session;

  machine::Machine& machine_;
  const object::TypeRegistry& types_;
  const QmpServer::About about_;
  const machine::DeviceAdder adder_;
  qmp::Shared& shared_;
  std::vector<std::unique_ptr<Session>> sessions_;
};

}  // namespace holdfast::control
