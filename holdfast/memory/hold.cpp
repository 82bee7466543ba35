// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/hold.hpp"

#include <ctime>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::memory {
namespace {

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::optional<Hold> Hold::take(RamBlock& block, std::uint64_t offset, std::uint64_t length,
                               std::string who, std::source_location where) {
  HF_CHECK(offset <= block.size() && length <= block.size() - offset,
           "hold of '{}' by {}: {} bytes at {:#x} leave the block", block.name(), who, length,
           offset);
  if (!block.try_hold()) return std::nullopt;
  auto info = std::make_unique<RamBlock::HoldInfo>(
      RamBlock::HoldInfo{std::move(who), where, now_ns(), offset, length});
  block.begin_hold(*info);
  return Hold{Ref<RamBlock>::share(&block), std::move(info)};
}

Hold::Hold(Ref<RamBlock> block, std::unique_ptr<RamBlock::HoldInfo> info)
    : block_{std::move(block)}, info_{std::move(info)} {}

Hold& Hold::operator=(Hold&& other) noexcept {
  if (this != &other) {
    end();
    block_ = std::move(other.block_);
    info_ = std::move(other.info_);
  }
  return *this;
}

Hold::~Hold() { end(); }

void Hold::end() {
  if (!info_) return;
  block_->end_hold(*info_);
  info_.reset();
  block_ = {};
}

}  // namespace holdfast::memory
