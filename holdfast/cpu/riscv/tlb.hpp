// SPDX-License-Identifier: Apache-2.0
// A translation cache: virtual pages to host memory, or to the physical page where a device is.
//
// Entries hold while the hart's translation state, its PMP and the memory map's stamp stay as they
// were; whoever changes one of those flushes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "holdfast/cpu/riscv/pmp.hpp"
#include "holdfast/memory/store_marks.hpp"

namespace holdfast::cpu::riscv {

inline constexpr unsigned kPageBits = 12;
inline constexpr std::uint64_t kPageSize = std::uint64_t{1} << kPageBits;
inline constexpr std::uint64_t kPageMask = ~(kPageSize - 1);

struct alignas(64) TlbEntry {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};  // no page: its low bits are set

  std::uint64_t read_page = kNever;   // the virtual page, if loads may go to host memory
  std::uint64_t write_page = kNever;  // the same for stores and atomics
  std::uintptr_t host_offset = 0;     // host address less virtual address
  std::uint64_t page = kNever;        // the virtual page, memory or not
  std::uint64_t physical = 0;
  std::uintptr_t mark_bias = 0;         // of `marks`
  memory::StoreMarks* marks = nullptr;  // of the host memory
  Rights rights = kMayNothing;

  /// The page matches and the address is aligned to `size`, in one comparison.
  static bool hits(std::uint64_t tag, std::uint64_t address, unsigned size) {
    return (address & (kPageMask | (size - 1))) == tag;
  }
  /// Whether this is the page, with the right, and no host memory is behind all of it: a device's.
  bool is_device(std::uint64_t address, Rights right) const {
    return page == (address & kPageMask) && host_offset == 0 && (rights & right) != 0;
  }
  std::byte* host(std::uint64_t address) const {
    return reinterpret_cast<std::byte*>(host_offset + address);
  }
};

class Tlb {
 public:
  const TlbEntry& at(std::uint64_t address) const { return entries_[index(address)]; }
  /// The entry for the address, to be written to.
  TlbEntry& to_fill(std::uint64_t address) {
    const std::size_t at = index(address);
    if (filled_ < kListed) list_[filled_] = static_cast<std::uint8_t>(at);
    ++filled_;
    return entries_[at];
  }
  void flush() {
    if (filled_ > kListed)
      entries_.fill({});
    else
      for (std::size_t i = 0; i < filled_; ++i) entries_[list_[i]] = {};
    filled_ = 0;
  }

 private:
  static constexpr std::size_t kEntries = 256;
  static constexpr std::size_t kListed = 32;

  static std::size_t index(std::uint64_t address) { return (address >> kPageBits) % kEntries; }

  std::array<TlbEntry, kEntries> entries_{};
  // Since the last flush: how often an entry was filled, and which, as long as those were few. Edits of the
  // map and translations that change come often, and most of the cache is empty then.
  std::size_t filled_ = 0;
  std::array<std::uint8_t, kListed> list_{};
};

}  // namespace holdfast::cpu::riscv
