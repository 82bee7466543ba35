// SPDX-License-Identifier: Apache-2.0
// What the `virt` board has in its memory when its harts come out of reset.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/boards/image_loader.hpp"
#include "holdfast/boards/virt/virt.hpp"

namespace holdfast::boards::virt {

/// Where a program looks for its host-target interface.
struct HtifWords {
  std::uint64_t tohost;
  std::uint64_t fromhost;
};

struct BootPlan {
  /// Boot ROM, firmware, kernel, initial RAM disk and device tree, each in its place, none on another;
  /// then what the user wants loaded besides, over anything.
  std::vector<ImageLoader::Blob> blobs;
  /// If firmware or kernel is an ELF file with symbols for them, apart from one another in RAM.
  std::optional<HtifWords> htif;
  /// Of each hart there is room for: where it starts.
  std::vector<std::uint64_t> starts;
  std::optional<Extent> free{};  // RAM between what is loaded and the device tree
  /// What firmware finds there.
  devices::FwCfg::Config fw_cfg;
  std::vector<std::byte> device_tree;  // one of the blobs
};

/// The options have been checked.
Result<BootPlan> plan_boot(const Options& options);

/// The board's own tree, without what a boot adds to it.
Result<std::vector<std::byte>> make_device_tree(const Options& options);

}  // namespace holdfast::boards::virt
