// SPDX-License-Identifier: Apache-2.0
// `-numa` and `-M memory-backend=`: which harts and which memory of the host belong together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/app/memory_objects.hpp"
#include "holdfast/app/options.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::app {

/// RAM, nodes and distances of the board, by what the options say. `backend` is the id of the memory
/// of a machine without nodes; "" if none was named.
Result<void> set_memory(const Options& options, const std::string& backend,
                        boards::virt::Options& board);

/// Whether what -numa says so far fits together; CPUs may still be in no node.
Result<void> check_nodes(const Options& options);

/// The node of each CPU that there is room for, by what -numa says so far; none: it is in no node yet.
Result<std::vector<std::optional<std::uint32_t>>> cpu_nodes(const Options& options);

/// Which of the memory objects that is. The options have been checked.
BoardMemory board_memory(const Options& options);

}  // namespace holdfast::app
