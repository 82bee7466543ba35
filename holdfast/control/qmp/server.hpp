// SPDX-License-Identifier: Apache-2.0
// The monitor for programs: JSON commands and events over any number of character back-ends.
//
// A conversation begins with a greeting and the negotiation of capabilities. Commands are performed
// one at a time, in order; one that waits for something (a ticket) keeps those behind it, but never
// the control thread: other conversations, the machine and commands out of band go on. What the
// schema has is dispatched, with arguments that have been checked; nothing else exists.
//
// THREADS: made, used and destroyed on the control thread. Goes before the machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/boards/expansion.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/object/type.hpp"

namespace holdfast::control {

/// What clients are told of a machine type.
struct MachineTypeInfo {
  std::string name;
  std::string alias{};
  bool is_default = false;
  std::uint32_t most_cpus = 1;
  bool hotpluggable_cpus = false;
  bool has_nodes = false;  // memory and CPUs can be in nodes
  std::string default_cpu{};
  std::string default_ram{};
  std::vector<object::PropertyInfo> properties{};  // as they are if nobody says anything
};

/// An option of the command line, and the keys that it takes, if it takes any.
struct CommandLineOption {
  std::string name;
  std::vector<std::string> parameters{};
};

/// What -cpu takes.
struct CpuModelInfo {
  std::string name;
  std::string type;  // of its CPUs
};

/// CPUs and memory that are near to each other.
struct NodeInfo {
  std::vector<std::uint32_t> cpus;
  std::uint64_t memory = 0;  // bytes
};

namespace qmp {
struct Shared;
}

class QmpServer {
 public:
  struct About {
    std::string name{};
    std::string uuid = "00000000-0000-0000-0000-000000000000";
    std::string architecture = "none";  // of a machine without CPUs
    std::vector<MachineTypeInfo> machine_types{};
    std::shared_ptr<const boards::Expansion> board{};  // what it has room for; may be null
    std::vector<machine::GlobalValue> globals{};       // that devices to come get
    std::vector<CpuModelInfo> cpu_models{};
    std::vector<CommandLineOption> options{};
    // What was asked for on the command line.
    std::string on_panic = "shutdown";
    std::string on_watchdog = "reset";
    std::vector<NodeInfo> nodes{};  // by their numbers; none: a machine without
  };
  /// `types` outlives the server.
  QmpServer(machine::Machine& machine, const object::TypeRegistry& types, About about);
  ~QmpServer();
  QmpServer(const QmpServer&) = delete;
  QmpServer& operator=(const QmpServer&) = delete;

  enum class Layout : std::uint8_t { kOneLine, kPretty };
  /// Another conversation; error if the back-end is in use.
  Result<void> serve(chardev::Chardev& backend, Layout layout = Layout::kOneLine);

  /// What clients can have done while the machine is not made yet.
  struct Configuration {
    std::function<void()> finish{};  // a client wants to go on
    /// A node, or what belongs to one, as an object in JSON.
    std::function<Result<void>(const std::string& json)> add_node{};
  };
  /// Until configured(), the machine is not made yet and few commands are known.
  void await_configuration(Configuration configuration);
  /// It is made, with room for what is in `board`.
  void configured(std::shared_ptr<const boards::Expansion> board, std::vector<NodeInfo> nodes);

  /// What its conversations have in common, for those of people. Goes with the server.
  qmp::Shared& shared();

 private:
  class Hub;
  std::unique_ptr<Hub> hub_;
};

}  // namespace holdfast::control
