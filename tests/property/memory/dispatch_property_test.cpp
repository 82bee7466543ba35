// SPDX-License-Identifier: Apache-2.0
// The adaptation of accesses against an oracle that thinks in bytes on the bus and knows nothing of
// shifts: every width, offset, pair of rules, byte order and direction there is.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <optional>
#include <vector>

#include "holdfast/memory/dispatch.hpp"

namespace holdfast::memory {
namespace {

using Bytes = std::array<std::uint8_t, 8>;

/// One callback as seen from the bus: which bytes, in ascending order of address.
struct Call {
  std::uint64_t offset;
  unsigned size;
  Bytes bytes{};  // of a write; `size` of them
  friend bool operator==(const Call&, const Call&) = default;
};

/// What the device holds at a byte of an access: differs for each callback, so that it shows which
/// callback a byte came from.
std::uint8_t content(std::uint64_t call_offset, unsigned call_size, unsigned lane) {
  return static_cast<std::uint8_t>(call_offset * 37 + call_size * 11 + lane * 5 + 1);
}

class Device final : public MmioHandler {
 public:
  explicit Device(Endian endian) : endian_{endian} {}

  MemTxResult read(std::uint64_t offset, unsigned size, std::uint64_t& value, MemTxAttrs) override {
    value = 0xdead'beef'dead'beef << (size == 8 ? 0 : 8 * size);  // garbage above the piece
    if (size == 8) value = 0;
    for (unsigned lane = 0; lane < size; ++lane)
      value |= static_cast<std::uint64_t>(content(offset, size, lane)) << shift(lane, size);
    calls.push_back({offset, size, {}});
    return MemTxResult::kOk;
  }
  MemTxResult write(std::uint64_t offset, unsigned size, std::uint64_t value, MemTxAttrs) override {
    Call call{offset, size, {}};
    for (unsigned lane = 0; lane < size; ++lane)
      call.bytes[lane] = static_cast<std::uint8_t>(value >> shift(lane, size));
    EXPECT_TRUE(size == 8 || value >> (8 * size) == 0) << "bits above the piece";
    calls.push_back(call);
    return MemTxResult::kOk;
  }

  std::vector<Call> calls;

 private:
  unsigned shift(unsigned lane, unsigned size) const {
    return endian_ == Endian::kLittle ? 8 * lane : 8 * (size - 1 - lane);
  }
  Endian endian_;
};

struct Expected {
  std::vector<Call> calls;
  Bytes read{};
};

/// Nothing if the access must be rejected.
std::optional<Expected> oracle(const AccessRules& rules, std::uint64_t offset, unsigned size,
                               const Bytes& written, bool is_write) {
  if (!rules.valid.unaligned && offset % size != 0) return std::nullopt;
  if (!rules.any_valid_size && (size < rules.valid.min || size > rules.valid.max))
    return std::nullopt;
  unsigned piece = size;
  if (piece < rules.impl.min) piece = rules.impl.min;
  if (piece > rules.impl.max) piece = rules.impl.max;
  Expected expected;
  for (unsigned start = 0; start < size; start += piece) {
    Call call{offset + start, piece, {}};
    for (unsigned lane = 0; lane < piece && start + lane < size; ++lane) {
      if (is_write)
        call.bytes[lane] = written[start + lane];
      else
        expected.read[start + lane] = content(call.offset, piece, lane);
    }
    expected.calls.push_back(call);
  }
  return expected;
}

std::uint64_t to_value(const Bytes& bytes, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = size; i-- > 0;) value = value << 8U | bytes[i];
  return value;
}

void compare(const AccessRules& rules, std::uint64_t offset, unsigned size, bool is_write) {
  const Bytes written{0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x17, 0x28};
  const auto expected = oracle(rules, offset, size, written, is_write);
  Device device{rules.endian};
  BusAccess access{.offset = offset, .size = size, .is_write = is_write};
  access.value = is_write ? to_value(written, 8) : 0x5555;
  const MemTxResult result = dispatch(device, rules, access);
  if (!expected) {
    EXPECT_EQ(result, MemTxResult::kDecodeError);
    EXPECT_TRUE(device.calls.empty());
    EXPECT_TRUE(is_write || access.value == 0);
    return;
  }
  EXPECT_EQ(result, MemTxResult::kOk);
  EXPECT_EQ(device.calls, expected->calls);
  if (!is_write) {
    EXPECT_EQ(access.value, to_value(expected->read, size));
  }
}

constexpr std::array<std::uint8_t, 4> kSizes{1, 2, 4, 8};

std::vector<AccessRules::Sizes> all_sizes() {
  std::vector<AccessRules::Sizes> all;
  for (const auto min : kSizes)
    for (const auto max : kSizes)
      for (const bool unaligned : {false, true})
        if (min <= max) all.push_back({.min = min, .max = max, .unaligned = unaligned});
  return all;
}

TEST(DispatchProperty, EveryAccessOfEveryRuleGivesTheBytesOfTheOracle) {
  std::size_t cases = 0;
  for (const auto& valid : all_sizes())
    for (const auto& impl : all_sizes())
      for (const Endian endian : {Endian::kLittle, Endian::kBig})
        for (const bool any_size : {false, true})
          for (std::uint64_t offset = 0; offset < 17; ++offset)
            for (const unsigned size : kSizes)
              for (const bool is_write : {false, true}) {
                compare({.valid = valid, .impl = impl, .endian = endian, .any_valid_size = any_size},
                        offset, size, is_write);
                ++cases;
                ASSERT_FALSE(::testing::Test::HasFailure())
                    << "size " << size << " at " << offset << ", valid " << int{valid.min} << "-"
                    << int{valid.max} << (valid.unaligned ? " unaligned" : "") << ", impl "
                    << int{impl.min} << "-" << int{impl.max} << ", "
                    << (endian == Endian::kBig ? "big" : "little") << (is_write ? " write" : " read");
              }
  std::printf("%zu accesses compared\n", cases);
}

}  // namespace
}  // namespace holdfast::memory
