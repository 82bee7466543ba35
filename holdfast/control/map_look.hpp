// SPDX-License-Identifier: Apache-2.0
// The map of a machine as people and programs look at it, and why a byte is where it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/machine/machine.hpp"
#include "holdfast/memory/map_snapshot.hpp"

namespace holdfast::control {

/// The bus, called "memory", and every space that is a part of a device, by name.
memory::MapSnapshot snapshot_of(machine::Machine& machine);

std::string_view kind_name(memory::RegionKind kind);
bool is_writable(const memory::MapSnapshot& map, const memory::MapSnapshot::Range& range);

/// A region that has a byte at an address and does not show it.
struct Shadowed {
  memory::MapSnapshot::Index region;
  std::uint64_t offset;  // of the byte in it
  std::string because;
};

struct Explanation {
  std::string space;
  std::optional<memory::MapSnapshot::Range> range{};  // what shows it; none: nothing is there
  std::uint64_t offset = 0;                           // of the byte in the range's region
  std::vector<Shadowed> shadowed{};                   // by how they are reached
  std::string because{};
};

/// What is at an address of a space, and what is hidden behind that. Error, with the names there are, if
/// there is no such space.
Result<Explanation> explain(const memory::MapSnapshot& map, std::string_view space,
                            std::uint64_t address);

}  // namespace holdfast::control
