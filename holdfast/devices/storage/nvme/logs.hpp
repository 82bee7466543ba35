// SPDX-License-Identifier: Apache-2.0
// What a controller keeps count of, and its log pages.
//
// LOCK: the controller's gate.
//
// SPEC: NVM Express 1.4, 5.14.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "holdfast/devices/storage/nvme/spec.hpp"

namespace holdfast::devices::nvme {

/// The last thing that went wrong.
struct Mishap {
  std::uint16_t queue = 0;
  std::uint16_t command = 0;
  Status status = Status::kSuccess;
  std::uint64_t block = 0;
  std::uint32_t namespace_id = 0;
};

struct Counts {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t media_errors = 0;
  std::uint64_t mishaps = 0;
  Mishap last{};
};

inline constexpr std::uint16_t kTemperature = 0x143;  // kelvins: 50 °C

std::vector<std::byte> error_log(const Counts& counts);
/// `hot`: it is, by the host's thresholds.
std::vector<std::byte> health_log(const Counts& counts, bool hot);
std::vector<std::byte> firmware_log();
std::vector<std::byte> effects_log();
std::vector<std::byte> changes_log(std::span<const std::uint32_t> namespaces);

}  // namespace holdfast::devices::nvme
