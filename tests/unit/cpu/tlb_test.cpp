// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/tlb.hpp"

#include <gtest/gtest.h>

namespace holdfast::cpu::riscv {
namespace {

/// Pages in a row, more than fit in the end.
void fill(Tlb& tlb, std::uint64_t pages) {
  for (std::uint64_t page = 0; page < pages; ++page) {
    const std::uint64_t address = page * kPageSize;
    tlb.to_fill(address) = {.read_page = address, .page = address, .rights = kMayRead};
  }
}

class TlbFlush : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(TlbFlush, ForgetsEveryEntryThatWasFilled) {
  Tlb tlb;
  for (int round = 0; round < 2; ++round) {
    fill(tlb, GetParam());
    EXPECT_EQ(tlb.at((GetParam() - 1) * kPageSize).page, (GetParam() - 1) * kPageSize);
    tlb.flush();
    for (std::uint64_t page = 0; page < GetParam(); ++page) {
      const TlbEntry& entry = tlb.at(page * kPageSize);
      EXPECT_EQ(entry.page, TlbEntry::kNever) << page;
      EXPECT_EQ(entry.read_page, TlbEntry::kNever) << page;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Pages, TlbFlush, ::testing::Values(1, 31, 32, 33, 256, 1000));

}  // namespace
}  // namespace holdfast::cpu::riscv
