// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/misc/fw_cfg.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <string>

#include "holdfast/boards/system_bus.hpp"
#include "tests/support/test_machine.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kBase = 0x1010'0000;
constexpr std::uint64_t kOther = 0x1020'0000;
constexpr std::uint64_t kSelector = kBase + 8;
constexpr std::uint64_t kDma = kBase + 16;
constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::uint64_t kRequest = kRam + 0x100;
constexpr std::uint64_t kTarget = kRam + 0x1000;
constexpr std::uint32_t kRead = 2, kSkip = 4, kSelect = 8, kWrite = 16;

FwCfg::Config config() {
  return {.items = {{FwCfg::Key::kCpus, FwCfg::number(std::uint16_t{3})}},
          .files = {{"opt/zebra", FwCfg::bytes_of("stripes")}, {"opt/ape", FwCfg::bytes_of("hairy")}}};
}

boards::BoardPlan board(FwCfg::Config config) {
  boards::BoardPlan plan{"test"};
  const auto ram = plan.ram("ram", 1U << 20U);
  const auto fw_cfg = plan.add<FwCfg>("fw_cfg", std::move(config));
  const auto other = plan.add<FwCfg>("other");
  plan.existing("bus");
  plan.map({{kBase, fw_cfg.region("regs")}, {kOther, other.region("regs")}, {kRam, ram}});
  plan.link({{fw_cfg.link("memory"), boards::BoardPlan::memory()},
             {other.link("memory"), boards::BoardPlan::memory()}});
  return plan;
}

class FwCfgTest : public ::testing::Test {
 protected:
  static constexpr auto kOk = memory::MemTxResult::kOk;

  memory::MemTxResult write(std::uint64_t address, unsigned size, std::uint64_t value) {
    return port_.store(address, size, value, {});
  }
  std::uint64_t read(std::uint64_t address, unsigned size) {
    std::uint64_t value = 0;
    EXPECT_EQ(port_.load(address, size, value, {}), kOk) << address;
    return value;
  }
  void select(std::uint16_t key) {
    EXPECT_EQ(write(kSelector, 2, std::byteswap(key)), kOk);
  }
  std::string next(std::size_t count) {
    std::string text;
    while (text.size() < count) text += static_cast<char>(read(kBase, 1));
    return text;
  }
  std::string memory_at(std::uint64_t address, std::size_t count) {
    std::string text(count, '?');
    EXPECT_EQ(port_.read(address, std::as_writable_bytes(std::span{text})), kOk);
    return text;
  }
  void put_request(std::uint32_t control, std::uint32_t length, std::uint64_t address) {
    write(kRequest, 4, std::byteswap(control));
    write(kRequest + 4, 4, std::byteswap(length));
    write(kRequest + 8, 8, std::byteswap(address));
  }
  /// The control word afterwards.
  std::uint32_t transfer(std::uint32_t control, std::uint32_t length, std::uint64_t address = kTarget) {
    put_request(control, length, address);
    EXPECT_EQ(write(kDma, 8, std::byteswap(kRequest)), kOk);
    return std::byteswap(static_cast<std::uint32_t>(read(kRequest, 4)));
  }

  test::TestMachine machine_{board(config())};
  memory::AddressSpace space_{machine_->fabric(), machine_->bus().memory().region(),
                              {.name = "guest"}};
  memory::Port port_{space_};
};

TEST_F(FwCfgTest, IntroducesItself) {
  EXPECT_EQ(next(6), std::string("QEMU\0\0", 6)) << "selected by reset";
  select(1);
  EXPECT_EQ(read(kBase, 4), 3U);
  EXPECT_EQ(read(kDma, 8), 0x4746'4320'554d'4551U) << "QEMU CFG";
  EXPECT_EQ(read(kDma + 4, 4), 0x4746'4320U);
  EXPECT_EQ(read(kDma, 1), 'Q');
}

TEST_F(FwCfgTest, GivesItemsInPiecesOfAnySize) {
  select(5);
  EXPECT_EQ(read(kBase, 2), 3U);
  EXPECT_EQ(read(kBase, 2), 0U) << "behind the end";
  select(0);
  EXPECT_EQ(read(kBase, 8), 0x554d'4551U);
  select(0x1234);
  EXPECT_EQ(read(kBase, 4), 0U) << "no such item";
  select(0x4000);
  EXPECT_EQ(next(4), "QEMU") << "the write channel is no more";
}

TEST_F(FwCfgTest, ListsItsFilesByName) {
  select(0x19);
  EXPECT_EQ(next(4), std::string("\0\0\0\2", 4));
  const auto entry = [&](std::string size_and_key, const std::string& name) {
    auto text = std::string(2, '\0') + size_and_key + std::string(2, '\0') + name;
    text.resize(64);
    return text;
  };
  EXPECT_EQ(next(64), entry(std::string("\0\5\0\x20", 4), "opt/ape"));
  EXPECT_EQ(next(64), entry(std::string("\0\7\0\x21", 4), "opt/zebra"));
  select(0x21);
  EXPECT_EQ(next(8), std::string("stripes\0", 8));
}

TEST_F(FwCfgTest, TakesNoOtherAccesses) {
  std::uint64_t value = 0;
  EXPECT_NE(port_.load(kSelector, 2, value, {}), kOk);
  EXPECT_NE(port_.load(kBase + 1, 1, value, {}), kOk);
  EXPECT_NE(write(kSelector, 4, 0), kOk);
  EXPECT_NE(write(kDma, 2, 0), kOk);
  EXPECT_EQ(write(kBase, 1, 7), kOk) << "data are not written, which is no error";
  EXPECT_EQ(next(4), "QEMU");
}

TEST_F(FwCfgTest, TransfersToMemory) {
  EXPECT_EQ(transfer(0x21U << 16U | kSelect | kRead, 7), 0U);
  EXPECT_EQ(memory_at(kTarget, 8), std::string("stripes\0", 8));
}

TEST_F(FwCfgTest, TransfersGoOnWhereTheLastEnded) {
  EXPECT_EQ(transfer(0x21U << 16U | kSelect, 0), 0U);
  EXPECT_EQ(transfer(kSkip, 2), 0U);
  EXPECT_EQ(transfer(kRead, 2), 0U);
  EXPECT_EQ(memory_at(kTarget, 2), "ri");
  EXPECT_EQ(next(1), "p");
  EXPECT_EQ(transfer(kSkip, 0xffff'ffff), 0U);
  EXPECT_EQ(next(1), std::string(1, '\0'));
}

TEST_F(FwCfgTest, BehindTheEndAreZeroes) {
  const std::string before(6000, 'x');
  EXPECT_EQ(port_.write(kTarget, std::as_bytes(std::span{before})), kOk);
  EXPECT_EQ(transfer(0x20U << 16U | kSelect | kRead, 5000), 0U);
  EXPECT_EQ(memory_at(kTarget, 5001), "hairy" + std::string(4995, '\0') + "x");
}

TEST_F(FwCfgTest, TwoHalvesMakeAnAddress) {
  put_request(0x20U << 16U | kSelect | kRead, 5, kTarget);
  EXPECT_EQ(write(kDma, 4, 0), kOk);
  EXPECT_EQ(write(kDma + 4, 4, std::byteswap(static_cast<std::uint32_t>(kRequest))), kOk);
  EXPECT_EQ(memory_at(kTarget, 5), "hairy");
}

TEST_F(FwCfgTest, WhatCannotBeDoneIsAnErrorInTheRequest) {
  EXPECT_EQ(transfer(0x20U << 16U | kSelect | kWrite, 1), 1U) << "nothing is writable";
  EXPECT_EQ(transfer(0x20U << 16U | kSelect | kRead, 5, 0x1000), 1U) << "nothing is there";
  EXPECT_EQ(transfer(0x20U << 16U | kSelect | kRead, 5, kBase), 1U) << "itself";
  EXPECT_EQ(transfer(0x20U << 16U | kSelect | kRead, 5, kOther), 1U) << "another device";
  EXPECT_EQ(write(kDma, 8, std::byteswap(std::uint64_t{0x1000})), kOk) << "no request there";
  EXPECT_EQ(transfer(0x20U << 16U | kSelect | kRead, 5), 0U) << "still works";
}

TEST_F(FwCfgTest, ResetSelectsTheSignature) {
  select(0x21);
  next(2);
  machine_->reset();
  EXPECT_EQ(next(4), "QEMU");
}

TEST(FwCfgConfiguration, ThatCannotBeIsAnError) {
  const auto message = [](FwCfg::Config bad) {
    const auto machine = machine::Machine::make(board(std::move(bad)), {});
    return machine ? std::string{} : machine.error().message;
  };
  const auto bytes = FwCfg::bytes_of("x");
  EXPECT_EQ(message({.items = {}, .files = {{"", bytes}}}),
            "/machine/fw_cfg: file '': a name has 1 to 55 bytes");
  EXPECT_EQ(message({.items = {}, .files = {{std::string(55, 'n'), bytes}}}), "");
  EXPECT_NE(message({.items = {}, .files = {{std::string(56, 'n'), bytes}}}), "");
  EXPECT_EQ(message({.items = {}, .files = {{"a", bytes}, {"b", bytes}, {"a", bytes}}}),
            "/machine/fw_cfg: file 'a' is there twice; each name once");
}

}  // namespace
}  // namespace holdfast::devices
