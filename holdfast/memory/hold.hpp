// SPDX-License-Identifier: Apache-2.0
// A use of RAM: keeps the bytes of a block mapped until it ends. Counted, and named for reports.
#pragma once

#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>

#include "holdfast/memory/ram_block.hpp"

namespace holdfast::memory {

class Hold {
 public:
  /// Nothing if the block is closed. The caller found the block inside its read section or has a
  /// reference. `length` bytes from `offset` lie inside the block.
  static std::optional<Hold> take(
      RamBlock& block, std::uint64_t offset, std::uint64_t length, std::string who,
      std::source_location where = std::source_location::current());

  Hold(Hold&&) noexcept = default;
  Hold& operator=(Hold&& other) noexcept;
  ~Hold();

  std::span<std::byte> bytes() const {
    return {block_->host() + info_->offset, static_cast<std::size_t>(info_->length)};
  }
  RamBlock& block() const { return *block_; }

 private:
  Hold(Ref<RamBlock> block, std::unique_ptr<RamBlock::HoldInfo> info);
  void end();

  Ref<RamBlock> block_;
  std::unique_ptr<RamBlock::HoldInfo> info_;  // its address is on the block's list
};

}  // namespace holdfast::memory
