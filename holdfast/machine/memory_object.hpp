// SPDX-License-Identifier: Apache-2.0
// Memory objects as a user describes them: `-object memory-backend-…` and `object-add`.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/hw/memory_backend.hpp"
#include "holdfast/machine/device_adder.hpp"

namespace holdfast::machine {

/// `wish.driver` is one of the types of memory. Errors: another type, keys and values that it has not.
Result<hw::MemoryBackend::Init> read_memory_object(const DeviceWish& wish);

/// Whether the type is one of those.
bool is_memory_object(std::string_view type);

/// The types, or what one of them takes, a line each.
Result<std::string> memory_objects_text(std::string_view type);

}  // namespace holdfast::machine
