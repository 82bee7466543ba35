// SPDX-License-Identifier: Apache-2.0
// `-object memory-backend-…`: memory of the host that a machine or a node of it has as RAM; and
// `-object iothread`.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/machine/memory_object.hpp"
#include "holdfast/machine/user_object.hpp"

namespace holdfast::app {

using MemoryObject = hw::MemoryBackend::Init;

/// All memory that the options have. Errors: an object of another type, keys and values it has not.
Result<std::vector<MemoryObject>> memory_objects(const Options& options);

/// The one of that id; the error lists those there are.
Result<const MemoryObject*> find_memory(const std::vector<MemoryObject>& objects, std::string_view id);

/// One that a machine has, as an option would say it: making that gives the same again.
OptionGroup group_of(const hw::MemoryBackend& memory);

/// The ids of those that are RAM of the board, each with the path of the device that shows it.
using BoardMemory = std::map<std::string, std::string, std::less<>>;

/// Makes all threads of the options in a machine.
Result<void> make_threads(machine::Machine& machine, const Options& options);

/// Makes all memory in a machine.
Result<void> make_memory(machine::Machine& machine, const Options& options, const BoardMemory& board);

/// What `-object help` and `-object TYPE,help` print.
Result<std::string> objects_text(const std::string& subject);

}  // namespace holdfast::app
