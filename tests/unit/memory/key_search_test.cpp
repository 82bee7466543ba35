// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/key_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace holdfast::memory::detail {
namespace {

constexpr std::uint64_t kTop = ~std::uint64_t{0};
constexpr std::uint64_t kMiddle = std::uint64_t{1} << 63;

/// With AVX2 and without, as far as the processor has it.
class KeySearch : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !processor_has_avx2()) GTEST_SKIP() << "this processor has no AVX2";
    avx2_in_use = GetParam();
  }
  void TearDown() override { avx2_in_use = processor_has_avx2(); }

  template <unsigned Fanout>
  static void expect_counts(const std::vector<std::uint64_t>& addresses) {
    alignas(64) Key keys[Fanout];
    std::fill_n(keys, Fanout, kPadKey);
    for (std::size_t i = 0; i < addresses.size(); ++i) keys[i] = to_key(addresses[i]);
    std::vector<std::uint64_t> needles{0, 1, kMiddle - 1, kMiddle, kMiddle + 1, kTop - 1};
    for (const std::uint64_t address : addresses) {
      needles.push_back(address);
      needles.push_back(address + 1);
      needles.push_back(address - 1);
    }
    for (const std::uint64_t needle : needles) {
      if (needle == kTop) continue;
      const auto at_most = std::upper_bound(addresses.begin(), addresses.end(), needle);
      const auto below = std::lower_bound(addresses.begin(), addresses.end(), needle);
      EXPECT_EQ(count_at_most<Fanout>(keys, to_key(needle)), at_most - addresses.begin());
      EXPECT_EQ(count_below<Fanout>(keys, to_key(needle)), below - addresses.begin());
    }
    EXPECT_EQ(count_at_most<Fanout>(keys, kPadKey), Fanout);
  }
};

TEST_P(KeySearch, CountsAtEveryFill) {
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t i = 0; i <= 32; ++i) {
    if (i <= 4) expect_counts<4>(addresses);
    if (i <= 8) expect_counts<8>(addresses);
    expect_counts<32>(addresses);
    // Both sides of the sign bit, and the last address at the last slot.
    addresses.push_back(i == 31 ? kTop : i * (kTop / 31));
  }
}

TEST_P(KeySearch, EqualKeysAreCountedTogether) {
  expect_counts<8>({0, 0, 7, 7, 7, kMiddle, kMiddle, kTop});
}

TEST_P(KeySearch, MaskNamesTheExtentsThatMeet) {
  alignas(64) Key firsts[8];
  alignas(64) Key lasts[8];
  const std::uint64_t f[8] = {0, 0, 10, 20, kMiddle, kMiddle + 1, kTop - 1, kTop};
  const std::uint64_t l[8] = {0, kTop, 19, 20, kMiddle, kMiddle + 5, kTop, kTop};
  for (int i = 0; i < 8; ++i) {
    firsts[i] = to_key(f[i]);
    lasts[i] = to_key(l[i]);
  }
  const auto mask = [&](std::uint64_t first, std::uint64_t last) {
    return meet_mask<8>(firsts, lasts, to_key(first), to_key(last)) & 0xff;
  };
  EXPECT_EQ(mask(0, kTop), 0b11111111U);
  EXPECT_EQ(mask(0, 0), 0b00000011U);
  EXPECT_EQ(mask(19, 20), 0b00001110U);
  EXPECT_EQ(mask(kMiddle + 1, kTop - 2), 0b00100010U);
  EXPECT_EQ(mask(kTop, kTop), 0b11000010U);
}

INSTANTIATE_TEST_SUITE_P(Paths, KeySearch, ::testing::Values(false, true),
                         [](const auto& path) { return path.param ? "Avx2" : "Scalar"; });

}  // namespace
}  // namespace holdfast::memory::detail
