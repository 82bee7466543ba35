// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/misc/sifive_test.hpp"

#include <gtest/gtest.h>

#include "holdfast/hw/machine_requests.hpp"
#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x10'0000;

struct TestAsked final : hw::MachineRequests {
  void request_reset() override { text += "reset "; }
  void request_quit(int status) override { text += "quit " + std::to_string(status) + " "; }
  std::string text;
};

class SifiveTestTest : public ::testing::Test {
 protected:
  void SetUp() override { bench_.context().requests = &asked_; }
  TestAsked asked_;
  testing::DeviceBench bench_;
  SifiveTest& device_ = bench_.add<SifiveTest>("test", kBase);
};

TEST_F(SifiveTestTest, EndsTheMachineWithTheStatusTheGuestGives) {
  bench_.write32(kBase, 0x5555);
  bench_.write32(kBase, 0x0003'3333);
  EXPECT_EQ(asked_.text, "quit 0 quit 3 ");
}

TEST_F(SifiveTestTest, ResetsTheMachine) {
  bench_.write32(kBase, 0x7777);
  EXPECT_EQ(asked_.text, "reset ");
}

TEST_F(SifiveTestTest, HalfAWordIsEnough) {
  bench_.write(kBase, 2, 0x5555);
  EXPECT_EQ(asked_.text, "quit 0 ");
}

TEST_F(SifiveTestTest, OtherSizesAreRefusedAndDoNothing) {
  EXPECT_EQ(bench_.refused(kBase), 1U | 8U);
  EXPECT_EQ(bench_.refused(kBase + 0xff8), 1U | 8U);
  memory::Port port{bench_.space()};
  EXPECT_NE(port.store(kBase, 8, 0x5555, {}), memory::MemTxResult::kOk);
  EXPECT_EQ(asked_.text, "");
}

TEST_F(SifiveTestTest, OtherValuesAndReadsMeanNothing) {
  bench_.write32(kBase, 0x1234);
  EXPECT_EQ(bench_.read32(kBase), 0U);
  EXPECT_EQ(asked_.text, "");
}

TEST_F(SifiveTestTest, WithoutAMachineNothingHappens) {
  bench_.context().requests = nullptr;
  bench_.write32(kBase, 0x5555);
  EXPECT_EQ(asked_.text, "");
}

}  // namespace
}  // namespace holdfast::devices
