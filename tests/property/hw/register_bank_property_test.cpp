// SPDX-License-Identifier: Apache-2.0
// A bank of plain registers is a byte array, whatever the split of an access, in both byte orders.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstring>

#include "holdfast/hw/register_bank.hpp"

namespace holdfast::hw {
namespace {

constexpr std::uint64_t kSize = 64;

/// Registers over an array of bytes, in the byte order of the chip.
template <memory::Endian E>
struct Plain {
  std::array<std::uint8_t, kSize> bytes{};

  template <class V>
  V load(std::uint64_t at) const {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < sizeof(V); ++i)
      value |= std::uint64_t{bytes[at + i]}
               << 8 * (E == memory::Endian::kLittle ? i : sizeof(V) - 1 - i);
    return static_cast<V>(value);
  }
  template <class V>
  void store(std::uint64_t at, V value) {
    for (unsigned i = 0; i < sizeof(V); ++i)
      bytes[at + i] = static_cast<std::uint8_t>(
          std::uint64_t{value} >> 8 * (E == memory::Endian::kLittle ? i : sizeof(V) - 1 - i));
  }

  std::uint8_t r8(unsigned i) { return load<std::uint8_t>(i); }
  void w8(unsigned i, std::uint8_t v) { store(i, v); }
  std::uint16_t r16(unsigned i) { return load<std::uint16_t>(8 + 4 * i); }
  void w16(unsigned i, std::uint16_t v) { store(8 + 4 * i, v); }
  std::uint16_t odd16(unsigned i) const { return load<std::uint16_t>(10 + 4 * i); }
  void set_odd16(unsigned i, std::uint16_t v) { store(10 + 4 * i, v); }
  std::uint32_t r32() { return load<std::uint32_t>(16); }
  void w32(std::uint32_t v) { store(16, v); }
  std::uint64_t r64(unsigned i) { return load<std::uint64_t>(24 + 8 * i); }
  void w64(unsigned i, std::uint64_t v) { store(24 + 8 * i, v); }
  std::uint64_t background(std::uint64_t at, unsigned size) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i)
      value |= std::uint64_t{bytes[at + i]}
               << 8 * (E == memory::Endian::kLittle ? i : size - 1 - i);
    return value;
  }
  void set_background(std::uint64_t at, unsigned size, std::uint64_t value) {
    for (unsigned i = 0; i < size; ++i)
      bytes[at + i] = static_cast<std::uint8_t>(
          value >> 8 * (E == memory::Endian::kLittle ? i : size - 1 - i));
  }
};

template <memory::Endian E>
constexpr auto kMap = register_map<Plain<E>>(
    kSize,
    {{.at = 0, .name = "B", .read = &Plain<E>::r8, .write = &Plain<E>::w8, .count = 5},
     {.at = 8, .name = "H", .read = &Plain<E>::r16, .write = &Plain<E>::w16, .count = 2,
      .stride = 4},
     {.at = 10, .name = "G", .read = &Plain<E>::odd16, .write = &Plain<E>::set_odd16, .count = 2,
      .stride = 4},
     {.at = 16, .name = "W", .read = &Plain<E>::r32, .write = &Plain<E>::w32},
     {.at = 24, .name = "D", .read = &Plain<E>::r64, .write = &Plain<E>::w64, .count = 3}},
    {.background = {.read = &Plain<E>::background, .write = &Plain<E>::set_background},
     .access = {.valid = {.min = 1, .max = 8, .unaligned = true}, .endian = E}});

template <memory::Endian E>
void check_program() {
  Plain<E> chip;
  RegisterBank bank{"chip:regs", chip, kMap<E>};
  Plain<E> model;
  const auto steps = *rc::gen::inRange(1, 100);
  for (int i = 0; i < steps; ++i) {
    const auto size = *rc::gen::inRange(1U, 9U);
    const auto at = *rc::gen::inRange(std::uint64_t{0}, kSize - size + 1);
    if (*rc::gen::arbitrary<bool>()) {
      const auto value = *rc::gen::arbitrary<std::uint64_t>();
      const std::uint64_t kept =
          size == 8 ? value : value & ((std::uint64_t{1} << (8 * size)) - 1);
      bank.write(at, size, kept, {});
      model.set_background(at, size, kept);
      RC_ASSERT(chip.bytes == model.bytes);
    } else {
      std::uint64_t value = 0;
      bank.read(at, size, value, {});
      RC_ASSERT(value == model.background(at, size));
    }
  }
}

RC_GTEST_PROP(RegisterBank, IsAByteArrayUnderAnySplit, ()) {
  check_program<memory::Endian::kLittle>();
}

RC_GTEST_PROP(RegisterBank, IsAByteArrayUnderAnySplitBigEndian, ()) {
  check_program<memory::Endian::kBig>();
}

}  // namespace
}  // namespace holdfast::hw
