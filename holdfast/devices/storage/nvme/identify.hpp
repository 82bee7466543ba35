// SPDX-License-Identifier: Apache-2.0
// What a controller says of itself and of its namespaces.
//
// SPEC: NVM Express 1.4, 5.15.2.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "holdfast/devices/storage/nvme/namespace.hpp"
#include "holdfast/devices/storage/nvme/spec.hpp"

namespace holdfast::devices::nvme {

using DataPage = Page<4096>;

/// Kinds of identify data ("controller or namespace structure").
enum class Structure : std::uint8_t {
  kNamespace = 0x00,
  kController = 0x01,
  kActiveNamespaces = 0x02,
  kNamespaceDescriptors = 0x03,
  kControllers = 0x13,
};

struct Identity {
  std::uint16_t vendor = 0;
  std::uint16_t subsystem_vendor = 0;
  std::string serial;
  std::uint8_t transfer_limit = 0;  // power of two of pages of 4096 bytes; 0: none
  std::uint8_t event_commands = 0;  // that may wait, less one
  bool write_cache = true;
};

DataPage identify_controller(const Identity& identity);
DataPage identify_namespace(const Geometry& geometry);
DataPage identify_descriptors(const Geometry& geometry);
/// The numbers above `above`, which is not among them, as far as they fit.
DataPage list_of(std::span<const std::uint32_t> ids, std::uint32_t above);

}  // namespace holdfast::devices::nvme
