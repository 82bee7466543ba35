// SPDX-License-Identifier: Apache-2.0
// What the `virt` board has in its memory when its harts come out of reset.
#pragma once

#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/boards/image_loader.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::boards::virt {

/// Boot ROM, firmware, kernel, initial RAM disk and device tree, each in its place, none on another.
Result<std::vector<ImageLoader::Blob>> boot_blobs(const Options& options);

}  // namespace holdfast::boards::virt
