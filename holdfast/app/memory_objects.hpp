// SPDX-License-Identifier: Apache-2.0
// `-object memory-backend-…`: memory of the host that a machine or a node of it has as RAM.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/memory/ram_block.hpp"

namespace holdfast::app {

struct MemoryObject {
  std::string id;
  std::uint64_t size;  // bytes
  memory::RamBacking backing;
};

/// All that the options have. Errors: an object of another type, keys and values it has not.
Result<std::vector<MemoryObject>> memory_objects(const Options& options);

/// The one of that id; the error lists those there are.
Result<const MemoryObject*> find_memory(const std::vector<MemoryObject>& objects, std::string_view id);

/// What `-object help` and `-object TYPE,help` print.
Result<std::string> objects_text(const std::string& subject);

}  // namespace holdfast::app
