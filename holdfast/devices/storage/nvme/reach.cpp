// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/reach.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/memory/guest_bytes.hpp"

namespace holdfast::devices::nvme {

using memory::MemTxResult;

void Reach::show(Own which, std::uint64_t first, Ref<memory::RamBlock> block) {
  Window& window = own_[static_cast<std::size_t>(which)];
  window = {};
  if (!block) return;
  const auto extent = Extent::of_size(first, block->size());
  if (extent) window = {*extent, std::move(block)};
}

Reach::Found Reach::find(std::uint64_t address, std::uint64_t length) {
  std::uint64_t last = std::min(length - 1, ~std::uint64_t{0} - address) + address;
  for (Window& window : own_) {
    if (!window.block) continue;
    if (window.extent.contains(address))
      return {&window, std::min(last, window.extent.last) - address + 1};
    if (window.extent.first > address) last = std::min(last, window.extent.first - 1);
  }
  return {nullptr, last - address + 1};
}

std::optional<memory::Hold> Reach::hold_in(const Window& window, std::uint64_t address,
                                           std::uint64_t length, const std::string& who,
                                           std::source_location where) {
  return memory::Hold::take(*window.block, address - window.extent.first, length, who, where);
}

template <class Bytes, class InWindow, class Elsewhere>
MemTxResult Reach::by_pieces(std::uint64_t address, Bytes bytes, InWindow in_window,
                             Elsewhere elsewhere) {
  MemTxResult result = MemTxResult::kOk;
  while (!bytes.empty()) {
    const Found found = find(address, bytes.size());
    const auto piece = bytes.first(static_cast<std::size_t>(found.length));
    if (found.window == nullptr) {
      result |= elsewhere(address, piece);
    } else if (const auto held = hold_in(*found.window, address, piece.size())) {
      in_window(held->bytes().data(), piece);
    } else {
      result |= MemTxResult::kDecodeError;  // it is being taken away, under this very access
    }
    address += found.length;
    bytes = bytes.subspan(piece.size());
  }
  return result;
}

MemTxResult Reach::read(std::uint64_t address, std::span<std::byte> bytes) {
  return by_pieces(
      address, bytes,
      [](const std::byte* host, std::span<std::byte> piece) {
        memory::copy_guest_bytes(piece.data(), host, piece.size());
      },
      [this](std::uint64_t at, std::span<std::byte> piece) { return port_.read(at, piece, function_.attrs()); });
}

MemTxResult Reach::write(std::uint64_t address, std::span<const std::byte> bytes) {
  return by_pieces(
      address, bytes,
      [](std::byte* host, std::span<const std::byte> piece) {
        memory::copy_guest_bytes(host, piece.data(), piece.size());
      },
      [this](std::uint64_t at, std::span<const std::byte> piece) {
        return port_.write(at, piece, function_.attrs());
      });
}

MemTxResult Reach::load(std::uint64_t address, unsigned size, std::uint64_t& value) {
  if (find(address, size).window == nullptr) return port_.load(address, size, value, function_.attrs());
  value = 0;
  return read(address, {reinterpret_cast<std::byte*>(&value), size});
}

MemTxResult Reach::store(std::uint64_t address, unsigned size, std::uint64_t value) {
  if (find(address, size).window == nullptr) return port_.store(address, size, value, function_.attrs());
  return write(address, {reinterpret_cast<const std::byte*>(&value), size});
}

std::optional<memory::Hold> Reach::hold(std::uint64_t address, std::uint64_t length, Use use,
                                        const std::string& who, std::source_location where) {
  const Found found = find(address, length);
  if (found.window == nullptr) return port_.hold(address, found.length, use, who, where);
  return hold_in(*found.window, address, found.length, who, where);
}

}  // namespace holdfast::devices::nvme
