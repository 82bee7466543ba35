// SPDX-License-Identifier: Apache-2.0
// Objects that users make: `-object` and `object-add`. Memory and threads.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"
#include "holdfast/machine/device_adder.hpp"
#include "holdfast/machine/machine.hpp"

namespace holdfast::machine {

/// `wish.driver` is a type. Errors: there is none of that name, keys and values that it has not, or the host
/// refuses.
Result<void> make_object(Machine& machine, const DeviceWish& wish);

/// Whether the type is that of threads.
bool is_io_thread(std::string_view type);

/// The types, or what one of them takes, a line each.
Result<std::string> objects_text(std::string_view type);

}  // namespace holdfast::machine
