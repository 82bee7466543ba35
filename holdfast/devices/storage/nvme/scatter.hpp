// SPDX-License-Identifier: Apache-2.0
// Where a command's data are: its data pointer, a list of physical pages or of descriptors, walked
// and checked. Nothing of the data is touched; a pointer that is not as the specification has it gives
// the status that it says.
//
// SPEC: NVM Express 1.4, 4.3 (physical region pages), 4.4 (scatter gather lists).
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "holdfast/devices/storage/nvme/reach.hpp"
#include "holdfast/devices/storage/nvme/spec.hpp"

namespace holdfast::devices::nvme {

/// Bytes at an address, or, of a read, bytes that nobody wants.
struct Stretch {
  std::uint64_t address = 0;
  std::uint64_t length = 0;  // at least 1
  enum class Kind : std::uint8_t { kMemory, kBucket } kind = Kind::kMemory;

  friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// In the order of the data. What is next to each other is one stretch.
using Scatter = std::vector<Stretch>;

enum class Direction : std::uint8_t { kFromHost, kToHost };
/// Commands to the admin queue have lists of pages only.
enum class Pointers : std::uint8_t { kPagesOnly, kAny };

struct Wanted {
  std::uint64_t length = 0;  // bytes; 0: no data, nothing is looked at
  Direction direction = Direction::kFromHost;
  Pointers pointers = Pointers::kAny;
  unsigned page_bits = 12;  // of the host's pages
};

/// As many stretches as `wanted.length` bytes take.
std::expected<Scatter, Status> walk(Reach& reach, const Submission& command, const Wanted& wanted);

}  // namespace holdfast::devices::nvme
