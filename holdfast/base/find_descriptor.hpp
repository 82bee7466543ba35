// SPDX-License-Identifier: Apache-2.0
// Names of files that the host does not know: what somebody gave the process stands for them.
#pragma once

#include <functional>
#include <string>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/result.hpp"

namespace holdfast {

/// A duplicate of what stands for `path`, by flags as of open(2); none if it is a name for the host.
using FindDescriptor = std::function<Result<Descriptor>(const std::string& path, int flags)>;

}  // namespace holdfast
