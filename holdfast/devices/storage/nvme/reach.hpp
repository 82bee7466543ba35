// SPDX-License-Identifier: Apache-2.0
// How a controller reaches memory: by its function's address space, in which its own controller
// memory may show once more, at addresses that the host has chosen for the controller alone.
//
// LOCK: the controller's gate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <span>
#include <string>

#include "holdfast/base/extent.hpp"
#include "holdfast/devices/pci/function.hpp"
#include "holdfast/memory/port.hpp"
#include "holdfast/memory/ram_block.hpp"

namespace holdfast::devices::nvme {

class Reach {
 public:
  using Use = memory::Port::HoldFor;
  /// Memory of the controller's own that has an address for the controller.
  enum class Own : std::uint8_t { kBuffer, kPersistent };

  /// `function` contains this.
  explicit Reach(pci::Function& function) : function_{function}, port_{function.dma()} {}

  /// Shows the block from `first` on, for the controller's own accesses; no block: no more.
  void show(Own which, std::uint64_t first, Ref<memory::RamBlock> block);

  memory::MemTxResult read(std::uint64_t address, std::span<std::byte> bytes);
  memory::MemTxResult write(std::uint64_t address, std::span<const std::byte> bytes);
  /// 4 or 8 bytes, in one access where memory is.
  memory::MemTxResult load(std::uint64_t address, unsigned size, std::uint64_t& value);
  memory::MemTxResult store(std::uint64_t address, unsigned size, std::uint64_t value);

  /// Up to `length` bytes of RAM at the address, for as long as the hold lives; nothing if that is
  /// not RAM.
  std::optional<memory::Hold> hold(std::uint64_t address, std::uint64_t length, Use use,
                                   const std::string& who,
                                   std::source_location where = std::source_location::current());

 private:
  struct Window {
    Extent extent{1, 0};
    Ref<memory::RamBlock> block{};
  };
  /// The window that has the address, and how much of `length` lies in it or, if there is none, before
  /// the next one.
  struct Found {
    Window* window;
    std::uint64_t length;
  };
  Found find(std::uint64_t address, std::uint64_t length);
  /// Nothing if the block is closed: its device goes.
  static std::optional<memory::Hold> hold_in(
      const Window& window, std::uint64_t address, std::uint64_t length,
      const std::string& who = "an access of its controller's",
      std::source_location where = std::source_location::current());
  template <class Bytes, class InWindow, class Elsewhere>
  memory::MemTxResult by_pieces(std::uint64_t address, Bytes bytes, InWindow in_window,
                                Elsewhere elsewhere);

  pci::Function& function_;
  memory::Port port_;
  std::array<Window, 2> own_;
};

}  // namespace holdfast::devices::nvme
