// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/virtio/virtio_mmio.hpp"

#include <gtest/gtest.h>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x1000'1000;

TEST(VirtioMmio, IsAnEmptySlotOfTheLegacyInterface) {
  testing::DeviceBench bench;
  bench.add<VirtioMmio>("slot", kBase, VirtioMmio::Config{});
  EXPECT_EQ(bench.read32(kBase), 0x7472'6976U);
  EXPECT_EQ(bench.read32(kBase + 4), 1U);
  EXPECT_EQ(bench.read32(kBase + 8), 0U);
  EXPECT_EQ(bench.read32(kBase + 12), 0x554d'4551U);
  EXPECT_EQ(bench.read8(kBase), 0x76U);
  bench.write32(kBase + 0x70, 0xff);  // Status
  for (std::uint64_t at = 16; at < 0x200; at += 4) EXPECT_EQ(bench.read32(kBase + at), 0U) << at;
}

TEST(VirtioMmio, OrOfTheModernOne) {
  testing::DeviceBench bench;
  bench.add<VirtioMmio>("slot", kBase, VirtioMmio::Config{.force_legacy = false});
  EXPECT_EQ(bench.read32(kBase + 4), 2U);
}

}  // namespace
}  // namespace holdfast::devices
