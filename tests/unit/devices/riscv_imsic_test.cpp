// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/intc/riscv_imsic.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

using File = hw::InterruptFile;

constexpr std::uint64_t kBase = 0x2800'0000;
constexpr std::uint64_t kPage = RiscvImsic::kPage;

class RiscvImsicTest : public ::testing::Test {
 protected:
  memory::MemTxResult store(std::uint64_t address, unsigned size, std::uint64_t value) {
    return memory::Port{bench_.space()}.store(address, size, value, {});
  }
  std::string shown(std::string_view property) {
    return std::get<std::string>(imsic_.get_property(property).value());
  }
  std::uint64_t pending(unsigned word = 0) { return file_->bits(File::Bits::kPending, word); }

  Ref<File> file_ = File::make(255);
  testing::DeviceBench bench_;
  RiscvImsic& imsic_ = bench_.add<RiscvImsic>(
      "imsic", kBase, RiscvImsic::Config{.identities = 255, .guests = 2, .file = file_});
};

TEST_F(RiscvImsicTest, AMessageMakesItsIdentityPending) {
  bench_.write32(kBase, 5);
  EXPECT_EQ(pending(), 1U << 5);
  bench_.write32(kBase + 4, 0x4100'0000);  // the other byte order: 65
  EXPECT_EQ(pending(1), 2U);
  EXPECT_EQ(bench_.read32(kBase), 0U);
  EXPECT_EQ(bench_.read32(kBase + 4), 0U);
}

TEST_F(RiscvImsicTest, TheRestOfThePageIsReadOnlyZero) {
  for (const std::uint64_t at : {0x8U, 0x100U, 0xffcU}) {
    bench_.write32(kBase + at, 5);
    EXPECT_EQ(bench_.read32(kBase + at), 0U);
  }
  bench_.write32(kBase, 0);
  bench_.write32(kBase, 256);
  EXPECT_EQ(pending(), 0U);
}

// 3.5: only aligned accesses of 32 bits.
TEST_F(RiscvImsicTest, OtherAccessesAreRefused) {
  EXPECT_NE(store(kBase, 1, 5), memory::MemTxResult::kOk);
  EXPECT_NE(store(kBase, 2, 5), memory::MemTxResult::kOk);
  EXPECT_NE(store(kBase + 2, 4, 5), memory::MemTxResult::kOk);
  EXPECT_EQ(pending(), 0U);
}

TEST_F(RiscvImsicTest, GuestsHavePagesOfTheirOwn) {
  bench_.write32(kBase + kPage, 5);
  bench_.write32(kBase + 2 * kPage, 6);
  EXPECT_EQ(pending(), 0U);
  EXPECT_NE(store(kBase + 3 * kPage, 4, 5), memory::MemTxResult::kOk);
}

TEST_F(RiscvImsicTest, ItsPropertiesTellWhatTheHartHas) {
  file_->change(File::Bits::kEnabled, 0, {.set = 1U << 3 | 1U << 9});
  bench_.write32(kBase, 130);
  EXPECT_EQ(shown("enable"), "3 9");
  EXPECT_EQ(shown("pending"), "130");
  bench_.reset(imsic_);
  EXPECT_EQ(shown("enable"), "");
  EXPECT_EQ(pending(2), 0U);
}

TEST_F(RiscvImsicTest, TheFileOutlivesItsController) {
  bench_.remove(imsic_);
  EXPECT_NE(store(kBase, 4, 5), memory::MemTxResult::kOk);
  EXPECT_EQ(file_->top(), 0U);
}

TEST_F(RiscvImsicTest, AConfigurationThatCannotBeIsAnErrorOfPrepare) {
  const auto message = [&](RiscvImsic::Config config) {
    auto imsic = hw::make_device<RiscvImsic>(bench_.context(), "bad", config);
    const auto done = imsic->prepare();
    return done ? std::string{} : done.error().message;
  };
  for (const unsigned identities : {0U, 62U, 64U, 2048U, 4095U})
    EXPECT_EQ(message({.identities = identities}),
              "/machine/bad: " + std::to_string(identities) +
                  " identities: 63, 127 and so on to 2047 are possible");
  EXPECT_EQ(message({.guests = 64}), "/machine/bad: 64 guests: up to 63 are possible");
  EXPECT_EQ(message({.identities = 63, .file = file_}),
            "/machine/bad: 63 identities, and the hart's file has 255");
  EXPECT_EQ(message({.identities = 2047, .guests = 63}), "");
}

}  // namespace
}  // namespace holdfast::devices
