// SPDX-License-Identifier: Apache-2.0
// What a command is to whoever performs it. For the .cpp files of this folder.
#pragma once

#include <functional>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/control/qmp/block_nodes.hpp"
#include "holdfast/control/qmp/descriptors.hpp"
#include "holdfast/control/qmp/schema.hpp"
#include "holdfast/control/qmp/server.hpp"

namespace holdfast::control::qmp {

using Json = nlohmann::json;

struct QmpError {
  std::string_view error_class;
  std::string text;
  QmpError(std::string_view of_class, std::string says)
      : error_class{of_class}, text{std::move(says)} {}
  QmpError(Error error) : error_class{"GenericError"}, text{std::move(error.message)} {}
};
using Answer = std::expected<Json, QmpError>;

inline std::unexpected<QmpError> generic_error(std::string text) {
  return std::unexpected{QmpError{"GenericError", std::move(text)}};
}

/// The core file that was written last.
struct DumpState {
  std::string status = "none";
  std::uint64_t completed = 0;  // bytes of memory
  std::uint64_t total = 0;
};

/// What the conversations of a server have in common, with those of people, too.
struct Shared {
  DescriptorSets sets{};
  BlockNodes nodes{};
  // For devices that see a guest give up, or not answer.
  std::string on_panic = "shutdown";
  std::string on_watchdog = "reset";
  DumpState dump{};
  /// While the machine is not made yet. Who has it made is answered when it is there.
  std::optional<QmpServer::Configuration> configuration{};
  std::function<void(Answer)> configured{};
  /// Tells all conversations of programs of an event.
  std::function<void(const char* event, Json data)> emit{};
};

struct Call {
  machine::Machine& machine;
  const object::TypeRegistry& types;
  const QmpServer::About& about;
  const machine::DeviceAdder& adder;
  const Json& arguments;  // as the schema has them
  Shared& shared;
  NamedDescriptors& named;  // this conversation's
  Descriptor& descriptor;   // that came with the request, if it takes one
  /// Instead of an answer: gives what must be called with it later, on the control thread.
  std::function<std::function<void(Answer)>()> answer_later;

  bool has(const char* name) const { return arguments.contains(name); }
  std::string text(const char* name) const { return arguments.at(name).get<std::string>(); }
  std::optional<std::string> text_if(const char* name) const {
    return has(name) ? std::optional{text(name)} : std::nullopt;
  }
};

struct CommandRow {
  std::string_view name;
  Answer (*perform)(Call& call);
};

std::span<const CommandRow> query_commands();
std::span<const CommandRow> object_commands();
std::span<const CommandRow> device_commands();
std::span<const CommandRow> machine_commands();
std::span<const CommandRow> memory_commands();
std::span<const CommandRow> own_commands();
std::span<const CommandRow> chardev_commands();
std::span<const CommandRow> host_commands();
std::span<const CommandRow> block_commands();
std::span<const CommandRow> dump_commands();
std::span<const CommandRow> pci_commands();
/// All of these.
std::vector<std::span<const CommandRow>> all_commands();
const CommandRow* find_command(std::string_view name);

/// A value as the command line would have it; an error for lists, objects and nothing.
Result<std::string> as_text(const std::string& key, const Json& value);

/// What is wrong with the arguments of a command, if anything.
std::expected<void, QmpError> check_arguments(const Schema& schema, const SchemaEntry& command,
                                              const Json& arguments);
/// The schema in the form that programs read.
Json introspection(const Schema& schema);

}  // namespace holdfast::control::qmp
