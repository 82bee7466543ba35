// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/intc/riscv_aclint_sswi.hpp"

#include <gtest/gtest.h>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x2f0'0000;

class RiscvAclintSswiTest : public ::testing::Test {
 protected:
  testing::DeviceBench bench_;
  RiscvAclintSswi& sswi_ =
      bench_.add<RiscvAclintSswi>("sswi", kBase, RiscvAclintSswi::Config{.harts = 2});
};

TEST_F(RiscvAclintSswiTest, AWriteOfOneIsAnEdge) {
  const auto& first = bench_.watch(sswi_, "software", 0);
  const auto& second = bench_.watch(sswi_, "software", 1);
  bench_.write32(kBase + 4, 1);
  EXPECT_EQ(second, "10");
  bench_.write32(kBase + 4, 0xffff'ffff);
  EXPECT_EQ(second, "1010");
  EXPECT_EQ(first, "");
}

TEST_F(RiscvAclintSswiTest, ZeroIsNoneAndReadsAreZero) {
  const auto& edges = bench_.watch(sswi_, "software", 0);
  bench_.write32(kBase, 0xffff'fffe);
  bench_.write32(kBase + 8, 1);  // a hart there is not
  EXPECT_EQ(bench_.read32(kBase), 0U);
  EXPECT_EQ(edges, "");
}

TEST_F(RiscvAclintSswiTest, TakesWordsAlone) {
  const auto& edges = bench_.watch(sswi_, "software", 0);
  EXPECT_EQ(bench_.refused(kBase), 1U | 2U | 8U);
  memory::Port port{bench_.space()};
  EXPECT_NE(port.store(kBase, 8, 1, {}), memory::MemTxResult::kOk);
  EXPECT_EQ(edges, "");
}

TEST_F(RiscvAclintSswiTest, AConfigurationThatCannotBeIsAnErrorOfPrepare) {
  auto sswi = hw::make_device<RiscvAclintSswi>(bench_.context(), "bad",
                                               RiscvAclintSswi::Config{.harts = 0});
  const auto done = sswi->prepare();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "/machine/bad: 1 to 4095 harts are possible");
}

}  // namespace
}  // namespace holdfast::devices
