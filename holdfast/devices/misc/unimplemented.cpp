// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/misc/unimplemented.hpp"

#include <fmt/core.h>

#include "holdfast/base/log.hpp"
#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {

constinit const object::Type Unimplemented::kType{
    .name = "unimplemented-device",
    .parent = &hw::kSysBusDevice,
    .docs = "Stands where a chip has a peripheral that is not modelled, and logs."};

Unimplemented::Unimplemented(const hw::DeviceInit& init, const Config& config)
    : Device{init}, config_{config} {}

Result<void> Unimplemented::check() {
  if (config_.size == 0) return fail("{}: the size is 0; it takes at least one byte", full_path());
  return {};
}

memory::MemTxResult Unimplemented::read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                                        memory::MemTxAttrs) {
  value = 0;
  if (log::enabled(log::Topic::kUnimplemented))
    log::write(log::Topic::kUnimplemented,
               fmt::format("{}: is not modelled: {} bytes read at {:#x}", full_path(), size, offset));
  return memory::MemTxResult::kOk;
}

memory::MemTxResult Unimplemented::write(std::uint64_t offset, unsigned size, std::uint64_t value,
                                         memory::MemTxAttrs) {
  if (log::enabled(log::Topic::kUnimplemented))
    log::write(log::Topic::kUnimplemented,
               fmt::format("{}: is not modelled: {:#x}, {} bytes, written at {:#x}", full_path(), value,
                           size, offset));
  return memory::MemTxResult::kOk;
}

}  // namespace holdfast::devices
