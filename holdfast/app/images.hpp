// SPDX-License-Identifier: Apache-2.0
// -drive, -pflash and -blockdev: the block back-ends that the command line makes, and which of them the
// banks of flash memory get.
#pragma once

#include <array>
#include <string>

#include "holdfast/app/options.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/block/nodes.hpp"

namespace holdfast::app {

/// What -M says each bank has: the name of a drive or node, or "".
using FlashNames = std::array<std::string, 2>;

/// Drives that were made for a bank of flash memory (-drive if=pflash).
struct FlashDrives {
  struct Bank {
    Ref<block::Backend> drive{};
    const OptionGroup* group = nullptr;  // which the options have
  };
  std::array<Bank, 2> banks{};
};

/// Makes all that the options name. Errors name the option.
Result<FlashDrives> make_drives(const Options& options, block::Nodes& drives);
/// What each bank of flash has, if anything.
Result<std::array<Ref<block::Backend>, 2>> flash_of(const FlashNames& names, const FlashDrives& made,
                                                    const block::Nodes& drives);

}  // namespace holdfast::app
