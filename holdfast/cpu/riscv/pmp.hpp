// SPDX-License-Identifier: Apache-2.0
// Physical memory protection: sixteen entries, four-byte grain.
// SPEC: volume II, section 3.7.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/cpu/riscv/isa.hpp"

namespace holdfast::cpu::riscv {

/// What may be done with an address: a sum of these, as in pmpcfg.
using Rights = unsigned;
inline constexpr Rights kMayRead = 1, kMayWrite = 2, kMayExecute = 4, kMayNothing = 0, kMayAll = 7;

class Pmp {
 public:
  static constexpr unsigned kEntries = 16;

  /// pmpcfg0 (`pair` 0) and pmpcfg2 (`pair` 1): eight entries each.
  std::uint64_t config(unsigned pair) const;
  void set_config(unsigned pair, std::uint64_t value);
  std::uint64_t address(unsigned entry) const { return address_[entry]; }
  void set_address(unsigned entry, std::uint64_t value);

  /// What `privilege` may do with all of `extent`.
  Rights rights(Extent extent, Privilege privilege) const;
  /// The same if it holds for every byte of the extent alike; nothing if its bytes differ.
  std::optional<Rights> uniform_rights(Extent extent, Privilege privilege) const;

  void reset();

 private:
  struct Rule {
    Extent extent;
    std::uint8_t config = 0;
  };

  bool locked(unsigned entry) const;
  std::optional<Extent> extent_of(unsigned entry) const;
  const Rule* first_meeting(Extent extent) const;
  void rebuild();

  std::array<std::uint64_t, kEntries> address_{};
  std::array<std::uint8_t, kEntries> config_{};
  std::vector<Rule> rules_;  // the entries that are on, lowest number first
};

}  // namespace holdfast::cpu::riscv
