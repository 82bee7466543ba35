// SPDX-License-Identifier: Apache-2.0
// A block of RAM whose owner closes it, and whose bytes go back to the host when he goes: not some day, when
// enough else has been retired. It may outlive his device.
#pragma once

#include <utility>

#include "holdfast/hw/control_queue.hpp"
#include "holdfast/memory/ram_block.hpp"

namespace holdfast::hw {

class OwnBlock {
 public:
  explicit OwnBlock(ControlQueue& control) : control_{control} {}
  ~OwnBlock() { reset(); }
  OwnBlock(const OwnBlock&) = delete;
  OwnBlock& operator=(const OwnBlock&) = delete;

  void take(Ref<memory::RamBlock> block) { block_ = std::move(block); }
  /// None before take().
  const Ref<memory::RamBlock>& get() const { return block_; }
  /// Nobody gets a hold on it any more.
  void close() {
    if (block_ && !block_->is_closed()) block_->close();
  }
  void reset() {
    close();
    if (!block_) return;
    block_ = {};
    control_.reclaim_soon();
  }

 private:
  ControlQueue& control_;  // the machine's
  Ref<memory::RamBlock> block_;
};

}  // namespace holdfast::hw
