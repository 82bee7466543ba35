// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/dispatch.hpp"

#include <gtest/gtest.h>

#include <tuple>
#include <vector>

namespace holdfast::memory {
namespace {

/// Remembers the calls it gets; reads give the bytes 0x10, 0x11, … of its address, in its order.
class Recorder final : public MmioHandler {
 public:
  using Call = std::tuple<char, std::uint64_t, unsigned, std::uint64_t>;

  explicit Recorder(Endian endian) : endian_{endian} {}

  MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value, MemTxAttrs) override {
    for (unsigned i = 0; i < size; ++i) {
      const unsigned shift = endian_ == Endian::kLittle ? 8 * i : 8 * (size - 1 - i);
      value |= ((0x10 + offset + i) & 0xff) << shift;
    }
    calls.emplace_back('r', offset, size, value);
    return result;
  }
  MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value, MemTxAttrs) override {
    calls.emplace_back('w', offset, size, value);
    return result;
  }

  std::vector<Call> calls;
  MemTxResult result = MemTxResult::kOk;

 private:
  Endian endian_;
};

constexpr AccessRules::Sizes kAll{.min = 1, .max = 8, .unaligned = true};

std::uint64_t read_of(Recorder& device, AccessRules rules, std::uint64_t offset, unsigned size) {
  BusAccess access{.offset = offset, .size = size};
  EXPECT_EQ(dispatch(device, rules, access), MemTxResult::kOk);
  return access.value;
}

TEST(Dispatch, WideReadsAreMadeOfNarrowCallbacksInBothByteOrders) {
  for (const Endian endian : {Endian::kLittle, Endian::kBig}) {
    Recorder device{endian};
    const AccessRules rules{.valid = kAll, .impl = {.min = 1, .max = 2}, .endian = endian};
    // The bus sees bytes in ascending order whatever the device thinks of numbers.
    EXPECT_EQ(read_of(device, rules, 4, 8), 0x1b1a'1918'1716'1514U);
    EXPECT_EQ(device.calls.size(), 4U);
  }
}

TEST(Dispatch, WideWritesAreSplitInAscendingOrder) {
  Recorder device{Endian::kLittle};
  BusAccess access{.offset = 8, .size = 4, .value = 0x4433'2211, .is_write = true};
  dispatch(device, {.valid = kAll, .impl = {.min = 1, .max = 2}}, access);
  EXPECT_EQ(device.calls, (std::vector<Recorder::Call>{{'w', 8, 2, 0x2211}, {'w', 10, 2, 0x4433}}));
}

TEST(Dispatch, BigEndianDevicesGetNumbersOfTheirOrder) {
  Recorder device{Endian::kBig};
  BusAccess access{.offset = 8, .size = 4, .value = 0x4433'2211, .is_write = true};
  dispatch(device, {.valid = kAll, .impl = {.min = 1, .max = 2}, .endian = Endian::kBig}, access);
  EXPECT_EQ(device.calls, (std::vector<Recorder::Call>{{'w', 8, 2, 0x1122}, {'w', 10, 2, 0x3344}}));
}

TEST(Dispatch, ANarrowAccessToAWideRegisterIsOneCallAtItsOwnOffset) {
  Recorder device{Endian::kLittle};
  const AccessRules rules{.valid = kAll, .impl = {.min = 4, .max = 4}};
  EXPECT_EQ(read_of(device, rules, 6, 1), 0x16U);
  EXPECT_EQ(device.calls, (std::vector<Recorder::Call>{{'r', 6, 4, 0x1918'1716}}));
  BusAccess access{.offset = 6, .size = 2, .value = 0xffff'4321, .is_write = true};
  dispatch(device, rules, access);
  EXPECT_EQ(device.calls.back(), (Recorder::Call{'w', 6, 4, 0x4321}));
}

TEST(Dispatch, ABigEndianNarrowAccessUsesTheTopOfTheWideOne) {
  Recorder device{Endian::kBig};
  const AccessRules rules{.valid = kAll, .impl = {.min = 4, .max = 4}, .endian = Endian::kBig};
  EXPECT_EQ(read_of(device, rules, 4, 1), 0x14U);
  BusAccess access{.offset = 4, .size = 1, .value = 0xab, .is_write = true};
  dispatch(device, rules, access);
  EXPECT_EQ(device.calls.back(), (Recorder::Call{'w', 4, 4, 0xab00'0000}));
}

TEST(Dispatch, WhatTheRulesForbidReachesNobodyAndReadsAsZero) {
  Recorder device{Endian::kLittle};
  const auto rejected = [&](AccessRules rules, std::uint64_t offset, unsigned size) {
    BusAccess access{.offset = offset, .size = size, .value = 0x55};
    return dispatch(device, rules, access) == MemTxResult::kDecodeError && access.value == 0;
  };
  const AccessRules words{.valid = {.min = 4, .max = 4}};
  EXPECT_TRUE(rejected(words, 0, 1));
  EXPECT_TRUE(rejected(words, 0, 2));
  EXPECT_TRUE(rejected(words, 0, 8));
  EXPECT_TRUE(rejected(words, 2, 4));
  EXPECT_FALSE(rejected(words, 0, 4));
  EXPECT_EQ(device.calls.size(), 1U);
  EXPECT_FALSE(rejected({.valid = {.min = 4, .max = 4}, .any_valid_size = true}, 0, 8));
}

TEST(Dispatch, TheHandlerHasTheLastWord) {
  class Picky final : public MmioHandler {
   public:
    MemTxResult read(std::uint64_t, unsigned, std::uint64_t& value, MemTxAttrs) override {
      value = 1;
      return MemTxResult::kOk;
    }
    MemTxResult write(std::uint64_t, unsigned, std::uint64_t, MemTxAttrs) override {
      return MemTxResult::kOk;
    }
    bool accepts(std::uint64_t offset, unsigned, bool is_write, MemTxAttrs) override {
      return offset == 0 && !is_write;
    }
  } device;
  BusAccess read{.offset = 0, .size = 4};
  EXPECT_EQ(dispatch(device, {}, read), MemTxResult::kOk);
  BusAccess elsewhere{.offset = 4, .size = 4};
  EXPECT_EQ(dispatch(device, {}, elsewhere), MemTxResult::kDecodeError);
  BusAccess write{.offset = 0, .size = 4, .is_write = true};
  EXPECT_EQ(dispatch(device, {}, write), MemTxResult::kDecodeError);
}

TEST(Dispatch, ResultsOfAllCallbacksAreCombined) {
  Recorder device{Endian::kLittle};
  device.result = MemTxResult::kError;
  BusAccess access{.offset = 0, .size = 8};
  EXPECT_EQ(dispatch(device, {.valid = kAll}, access), MemTxResult::kError);
  EXPECT_EQ(device.calls.size(), 2U);
}

TEST(TransferSize, FollowsAlignmentLengthAndTheLargestValidSize) {
  const AccessRules rules{.valid = {.min = 1, .max = 8}};
  EXPECT_EQ(transfer_size(rules, 0, 100), 8U);
  EXPECT_EQ(transfer_size(rules, 4, 100), 4U);
  EXPECT_EQ(transfer_size(rules, 6, 100), 2U);
  EXPECT_EQ(transfer_size(rules, 7, 100), 1U);
  EXPECT_EQ(transfer_size(rules, 8, 7), 4U);
  EXPECT_EQ(transfer_size({.valid = {.max = 8}, .impl = {.unaligned = true}}, 7, 100), 8U);
  EXPECT_EQ(transfer_size({.any_valid_size = true}, 0, 100), 4U);
}

}  // namespace
}  // namespace holdfast::memory
