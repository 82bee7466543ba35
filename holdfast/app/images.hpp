// SPDX-License-Identifier: Apache-2.0
// Image files as -drive, -pflash and -blockdev name them, and which bank of flash has which.
#pragma once

#include <array>
#include <string>

#include "holdfast/app/options.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/backend.hpp"

namespace holdfast::app {

using FlashNames = std::array<std::string, 2>;  // of drives or nodes that -M gives the banks; "": none

/// Whether what the options say of images makes sense, as far as that can be said without opening one.
Result<void> check_images(const Options& options, const FlashNames& names);

/// Opens what the banks have: by name, or by their unit.
Result<std::array<Ref<block::Backend>, 2>> open_flash(const Options& options, const FlashNames& names);

}  // namespace holdfast::app
