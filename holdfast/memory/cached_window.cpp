// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/cached_window.hpp"

namespace holdfast::memory {

MemTxResult CachedWindow::load(std::uint64_t offset, unsigned size, std::uint64_t& value) {
  value = 0;
  if (!holds(offset, size)) return MemTxResult::kDecodeError;
  return port_.load(extent_.first + offset, size, value, attrs_);
}

MemTxResult CachedWindow::store(std::uint64_t offset, unsigned size, std::uint64_t value) {
  if (!holds(offset, size)) return MemTxResult::kDecodeError;
  return port_.store(extent_.first + offset, size, value, attrs_);
}

MemTxResult CachedWindow::read(std::uint64_t offset, std::span<std::byte> bytes) {
  if (!holds(offset, bytes.size())) return MemTxResult::kDecodeError;
  return port_.read(extent_.first + offset, bytes, attrs_);
}

MemTxResult CachedWindow::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!holds(offset, bytes.size())) return MemTxResult::kDecodeError;
  return port_.write(extent_.first + offset, bytes, attrs_);
}

}  // namespace holdfast::memory
