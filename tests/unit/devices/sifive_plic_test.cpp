// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/intc/sifive_plic.hpp"

#include <gtest/gtest.h>

#include "tests/support/device_bench.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x0c00'0000;
constexpr unsigned kContexts = 4;

class SifivePlicTest : public ::testing::Test {
 protected:
  std::uint32_t in(std::uint64_t reg) { return bench_.read32(kBase + reg); }
  void out(std::uint64_t reg, std::uint32_t value) { bench_.write32(kBase + reg, value); }
  static std::uint64_t priority(unsigned source) { return 4 * source; }
  static std::uint64_t pending(unsigned word) { return 0x1000 + 4 * word; }
  static std::uint64_t enable(unsigned context, unsigned word) {
    return 0x2000 + 0x80 * context + 4 * word;
  }
  static std::uint64_t threshold(unsigned context) { return 0x20'0000 + 0x1000 * context; }
  static std::uint64_t claim(unsigned context) { return threshold(context) + 4; }

  void source(unsigned number, bool level) {
    testing::DeviceBench::drive(plic_, "in", number, level);
  }
  bool line(unsigned context) { return testing::DeviceBench::level(plic_, "context", context); }
  void listen(unsigned context, unsigned number, std::uint32_t with_priority = 1) {
    out(priority(number), with_priority);
    const auto at = enable(context, number / 32);
    out(at, in(at) | (1U << (number % 32)));
  }

  testing::DeviceBench bench_;
  SifivePlic& plic_ = bench_.add<SifivePlic>(
      "plic", kBase, SifivePlic::Config{.sources = 96, .contexts = kContexts});
};

TEST_F(SifivePlicTest, AnInterruptFromRequestToCompletion) {
  listen(1, 10);
  source(10, true);
  EXPECT_TRUE(line(1));
  EXPECT_FALSE(line(0));
  EXPECT_EQ(in(pending(0)), 1U << 10);
  EXPECT_EQ(in(claim(1)), 10U);
  EXPECT_FALSE(line(1));
  EXPECT_EQ(in(pending(0)), 0U);
  EXPECT_EQ(in(claim(1)), 0U);
  source(10, false);
  out(claim(1), 10);
  EXPECT_FALSE(line(1));
}

TEST_F(SifivePlicTest, ALevelThatIsStillHighAsksAgainOnCompletion) {
  listen(0, 10);
  source(10, true);
  EXPECT_EQ(in(claim(0)), 10U);
  EXPECT_FALSE(line(0));
  out(claim(0), 10);
  EXPECT_TRUE(line(0));
  EXPECT_EQ(in(claim(0)), 10U);
}

TEST_F(SifivePlicTest, WhatRisesWhileInServiceAsksAfterCompletionIfItStaysHigh) {
  listen(0, 10);
  source(10, true);
  in(claim(0));
  source(10, false);
  source(10, true);
  EXPECT_EQ(in(pending(0)), 0U);
  out(claim(0), 10);
  EXPECT_EQ(in(pending(0)), 1U << 10);
}

TEST_F(SifivePlicTest, ARequestIsNotTakenBack) {
  listen(0, 10);
  source(10, true);
  source(10, false);
  EXPECT_EQ(in(claim(0)), 10U);
}

TEST_F(SifivePlicTest, PriorityZeroNeverInterrupts) {
  listen(0, 10, 0);
  source(10, true);
  EXPECT_FALSE(line(0));
  EXPECT_EQ(in(claim(0)), 0U);
  out(priority(10), 1);
  EXPECT_TRUE(line(0));
}

TEST_F(SifivePlicTest, TheHighestPriorityIsClaimedFirstAndOfEqualOnesTheLowestNumber) {
  listen(0, 5, 2);
  listen(0, 40, 7);
  listen(0, 41, 7);
  listen(0, 95, 3);
  for (const unsigned number : {95U, 41U, 5U, 40U}) source(number, true);
  EXPECT_EQ(in(claim(0)), 40U);
  EXPECT_EQ(in(claim(0)), 41U);
  EXPECT_EQ(in(claim(0)), 95U);
  EXPECT_EQ(in(claim(0)), 5U);
  EXPECT_EQ(in(claim(0)), 0U);
}

TEST_F(SifivePlicTest, TheThresholdMasksTheLineButNotTheClaim) {
  listen(0, 10, 3);
  out(threshold(0), 3);
  source(10, true);
  EXPECT_FALSE(line(0));
  out(threshold(0), 2);
  EXPECT_TRUE(line(0));
  out(threshold(0), 7);
  EXPECT_FALSE(line(0));
  EXPECT_EQ(in(claim(0)), 10U);
}

TEST_F(SifivePlicTest, TheFirstContextToClaimGetsIt) {
  listen(0, 10);
  listen(3, 10);
  source(10, true);
  EXPECT_TRUE(line(0));
  EXPECT_TRUE(line(3));
  EXPECT_EQ(in(claim(3)), 10U);
  EXPECT_FALSE(line(0));
  EXPECT_EQ(in(claim(0)), 0U);
}

TEST_F(SifivePlicTest, ACompletionOfWhatIsNotEnabledIsIgnored) {
  listen(0, 10);
  source(10, true);
  in(claim(0));
  out(claim(1), 10);
  EXPECT_EQ(in(pending(0)), 0U);
  out(claim(0), 11);
  EXPECT_EQ(in(pending(0)), 0U);
  out(claim(0), 10);
  EXPECT_EQ(in(pending(0)), 1U << 10);
}

TEST_F(SifivePlicTest, TakesWordsAlone) {
  for (const std::uint64_t reg : {priority(0), pending(0), enable(0, 0), threshold(0), claim(1) + 4})
    EXPECT_EQ(bench_.refused(kBase + reg), 1U | 2U | 8U) << reg;
  listen(0, 10);
  source(10, true);
  EXPECT_EQ(bench_.refused(kBase + claim(0)), 1U | 2U);  // which reads it once
  EXPECT_EQ(in(claim(0)), 0U);
  EXPECT_EQ(in(pending(0)), 0U);
}

TEST_F(SifivePlicTest, OnlyImplementedBitsAreKept) {
  out(priority(1), 0xff);
  EXPECT_EQ(in(priority(1)), 7U);
  out(priority(0), 1);
  EXPECT_EQ(in(priority(0)), 0U);
  out(priority(96), 1);
  EXPECT_EQ(in(priority(96)), 0U);
  out(enable(0, 0), ~0U);
  EXPECT_EQ(in(enable(0, 0)), ~1U);
  out(enable(0, 2), ~0U);
  EXPECT_EQ(in(enable(0, 2)), ~0U);
  out(enable(0, 3), ~0U);
  EXPECT_EQ(in(enable(0, 3)), 0U);
  out(threshold(0), 0xff);
  EXPECT_EQ(in(threshold(0)), 7U);
  out(pending(0), ~0U);
  EXPECT_EQ(in(pending(0)), 0U);
}

TEST_F(SifivePlicTest, ContextsAreSeparateAndThoseThatDoNotExistReadZero) {
  out(enable(1, 0), 2);
  EXPECT_EQ(in(enable(0, 0)), 0U);
  EXPECT_EQ(in(enable(2, 0)), 0U);
  out(enable(kContexts, 0), 2);
  out(threshold(kContexts), 1);
  EXPECT_EQ(in(enable(kContexts, 0)), 0U);
  EXPECT_EQ(in(threshold(kContexts)), 0U);
  EXPECT_EQ(in(claim(kContexts)), 0U);
  EXPECT_EQ(in(claim(1023)), 0U);
}

TEST_F(SifivePlicTest, ResetForgetsAllButTheLevels) {
  listen(0, 10);
  source(10, true);
  in(claim(0));
  out(threshold(0), 1);
  bench_.reset(plic_);
  EXPECT_EQ(in(enable(0, 0)), 0U);
  EXPECT_EQ(in(priority(10)), 0U);
  EXPECT_EQ(in(threshold(0)), 0U);
  EXPECT_EQ(in(pending(0)), 1U << 10);  // asks anew
  listen(0, 10);
  EXPECT_TRUE(line(0));
}

TEST_F(SifivePlicTest, AConfigurationThatCannotBeIsAnErrorOfPrepare) {
  const auto message = [&](SifivePlic::Config config) {
    auto plic = hw::make_device<SifivePlic>(bench_.context(), "bad", config);
    const auto done = plic->prepare();
    return done ? std::string{} : done.error().message;
  };
  EXPECT_EQ(message({.sources = 1025}), "/machine/bad: 1025 sources: 1 to 1024 are possible");
  EXPECT_EQ(message({.contexts = 0}), "/machine/bad: 0 contexts: 1 to 1024 are possible");
  EXPECT_NE(message({.highest_priority = 6}), "");
  EXPECT_EQ(message({.sources = 1024, .contexts = 1024}), "");
}

}  // namespace
}  // namespace holdfast::devices
