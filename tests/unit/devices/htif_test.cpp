// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/misc/htif.hpp"

#include <gtest/gtest.h>

#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/hw/machine_requests.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kTo = 0x8000'1000;
constexpr std::uint64_t kFrom = 0x8000'1040;
constexpr std::uint64_t kWords = 0x8000'2000;
constexpr std::uint64_t kText = 0x8000'3000;

struct Asked final : hw::MachineRequests {
  void request_reset() override {}
  void request_quit(int status) override { text += "quit " + std::to_string(status) + " "; }
  std::string text;
};

class HtifTest : public ::testing::Test {
 protected:
  void SetUp() override {
    boards::BoardPlan plan{"htif"};
    const auto ram = plan.ram("ram", 0x1'0000);
    const auto htif = plan.add<Htif>("htif", {.console = &line_});
    plan.map({{0x8000'0000, ram},
              {kTo, htif.region("tohost"), 1},
              {kFrom, htif.region("fromhost"), 1}});
    plan.link({{htif.link("memory"), boards::BoardPlan::memory()}});
    const auto done = machine_->realize(plan);
    ASSERT_TRUE(done) << done.error().message;
    requests_ = machine_->context().requests;
    machine_->context().requests = &asked_;
  }
  void TearDown() override { machine_->context().requests = requests_; }

  void store(std::uint64_t address, unsigned size, std::uint64_t value) {
    EXPECT_EQ(port_.store(address, size, value, {}), memory::MemTxResult::kOk);
  }
  std::uint64_t load(std::uint64_t address, unsigned size = 8) {
    std::uint64_t value = 0;
    EXPECT_EQ(port_.load(address, size, value, {}), memory::MemTxResult::kOk);
    return value;
  }
  std::string printed() {
    return line_.take();
  }

  Asked asked_;
  chardev::RingBuffer line_{"console", 16, chardev::RingBuffer::Full::kRefuse};
  test::TestMachine machine_;
  hw::MachineRequests* requests_ = nullptr;
  memory::AddressSpace space_{machine_->fabric(), machine_->bus().memory().region(),
                              memory::AddressSpace::Init{.name = "test"}};
  memory::Port port_{space_};
};

TEST_F(HtifTest, EndsTheMachineWithTheStatusAboveTheLowestBit) {
  store(kTo, 8, 1);
  store(kTo, 8, 7 << 1 | 1);
  store(kTo, 8, 1337 << 1 | 1);
  EXPECT_EQ(asked_.text, "quit 0 quit 7 quit 255 ");
  EXPECT_EQ(load(kTo), 0U);
}

TEST_F(HtifTest, TwoHalvesAreACommandWithTheUpperOne) {
  store(kTo, 4, 5);
  EXPECT_EQ(asked_.text, "");
  store(kTo + 4, 4, 0);
  EXPECT_EQ(asked_.text, "quit 2 ");
  store(kTo, 4, 'a');  // odd, but no end: it is for the console
  store(kTo + 4, 4, 0x0101'0000);
  EXPECT_EQ(asked_.text, "quit 2 ");
  EXPECT_EQ(printed(), "a");
}

TEST_F(HtifTest, ALowerHalfAloneCountsWhenItIsSaidAgain) {
  store(kTo, 4, 9);
  store(kTo, 4, 9);
  EXPECT_EQ(asked_.text, "quit 4 ");
}

TEST_F(HtifTest, ALowerHalfAloneCountsAfterAMillisecond) {
  store(kTo, 4, 9);
  machine_->clock().step_to(machine_->clock().now_ns() + 999'999);
  EXPECT_EQ(asked_.text, "");
  machine_->clock().step_to(machine_->clock().now_ns() + 1);
  EXPECT_EQ(asked_.text, "quit 4 ");
}

TEST_F(HtifTest, WritesCharactersAndAnswers) {
  store(kTo, 8, std::uint64_t{0x0101} << 48 | 'h');
  EXPECT_EQ(load(kFrom), std::uint64_t{0x0101} << 48 | 0x100 | 'h');
  store(kFrom, 8, 0);
  EXPECT_EQ(load(kFrom), 0U);
  EXPECT_EQ(printed(), "h");
}

TEST_F(HtifTest, WhatTheConsoleDoesNotTakeComesLater) {
  std::string wanted;
  for (char c = 'a'; c <= 'z'; ++c) {
    wanted += c;
    store(kTo, 8, std::uint64_t{0x0101} << 48 | static_cast<std::uint8_t>(c));
  }
  std::string got = printed();
  EXPECT_EQ(got.size(), 16U);
  got += printed();
  EXPECT_EQ(got, wanted);
}

TEST_F(HtifTest, DoesTheSystemCallsOfTestPrograms) {
  const std::string_view text = "hello";
  for (std::size_t i = 0; i < text.size(); ++i)
    store(kText + i, 1, static_cast<std::uint8_t>(text[i]));
  store(kWords, 8, 64);
  store(kWords + 8, 8, 1);
  store(kWords + 16, 8, kText);
  store(kWords + 24, 8, text.size());
  store(kTo, 8, kWords);
  EXPECT_EQ(load(kFrom), 1U);
  EXPECT_EQ(load(kWords), text.size());
  EXPECT_EQ(printed(), text);
  store(kWords, 8, 93);
  store(kWords + 8, 8, 3);
  store(kTo, 8, kWords);
  EXPECT_EQ(asked_.text, "quit 3 ");
}

TEST_F(HtifTest, WhatIsWrongWithASystemCallIsSaidInItsResult) {
  store(kWords, 8, 1000);
  store(kTo, 8, kWords);
  EXPECT_EQ(static_cast<std::int64_t>(load(kWords)), -38);
  store(kWords, 8, 64);
  store(kWords + 8, 8, 7);
  store(kTo, 8, kWords);
  EXPECT_EQ(static_cast<std::int64_t>(load(kWords)), -9);
  store(kWords, 8, 64);
  store(kWords + 8, 8, 1);
  store(kWords + 16, 8, 0x10);
  store(kWords + 24, 8, 4);
  store(kTo, 8, kWords);
  EXPECT_EQ(static_cast<std::int64_t>(load(kWords)), -14);
  store(kFrom, 8, 0);
  store(kTo, 8, 0x10);  // not even the words are there
  EXPECT_EQ(load(kFrom), 0U);
}

TEST_F(HtifTest, CommandsForNobodyAreIgnored) {
  store(kTo, 8, std::uint64_t{0x0700} << 48);
  store(kTo, 8, std::uint64_t{0x0100} << 48);  // nothing to be read
  EXPECT_EQ(load(kTo), 0U);
  EXPECT_EQ(load(kFrom), 0U);
  EXPECT_EQ(asked_.text, "");
}

}  // namespace
}  // namespace holdfast::devices
