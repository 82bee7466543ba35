// SPDX-License-Identifier: Apache-2.0
// Register maps: a device's registers as a table that is checked when it is compiled.
//
//   hw::register_map<Clint>(0x1'0000, {
//       {.at = 0x0000, .name = "msip",     .read = &Clint::msip, .write = &Clint::set_msip,
//        .count = 4095},
//       {.at = 0x4000, .name = "mtimecmp", .read = &Clint::timecmp, .write = &Clint::set_timecmp,
//        .count = 4095},
//       {.at = 0xbff8, .name = "mtime",    .read = &Clint::time}})
//
// A register is as wide as the value its functions take or return: std::uint8_t, 16, 32 or 64 bits.
// Read and write must agree. `.count` > 1 makes an array, `.stride` bytes apart (the width, if 0),
// whose functions take the index first. Overlap, misalignment, a register outside the map, an array
// without index and the like do not compile; the compiler's message shows a function whose name says
// what is wrong.
//
// Byte lanes. The map is a range of bytes; the guest may access it with any size and at any address
// that `.access.valid` allows (default: 1 to 8 bytes, naturally aligned). An access is cut where
// registers begin and end, ascending:
//   * read: each register touched is read once, whole, and gives the bytes that were asked for;
//   * write of a whole register: one call of write with the new value;
//   * write of a part of a register: one call of write with the new bytes in their lanes and in the
//     others, by `.partial`, what read returns (kMerge), or zeros (kZero), or the call is left out as
//     a guest error (kRefuse). kMerge is what a register with a read function has if nothing is
//     said: do say something if reading has a side effect. Without a read function it is kZero.
//   * a byte that belongs to no register goes to the background functions, a run of such bytes at a
//     time; without them it reads 0, ignores writes and is a guest error. So does a register that
//     has no read, or no write, function.
// Lanes are counted in the device's own byte order, `.access.endian`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "holdfast/hw/register_function.hpp"
#include "holdfast/memory/mmio.hpp"

namespace holdfast::hw {

/// What becomes of a write to a part of a register.
enum class Partial : std::uint8_t { kDefault, kMerge, kZero, kRefuse };

/// Where a register, or an array of them, lies.
struct RegisterExtent {
  std::uint64_t at = 0;
  std::uint32_t count = 1;
  std::uint32_t stride = 0;  // bytes from one to the next
  std::uint32_t width = 0;   // bytes

  /// One past its last byte.
  constexpr std::uint64_t end() const { return at + std::uint64_t{count - 1} * stride + width; }
};

/// One register, or an array of them.
template <class T>
struct RegisterEntry {
  std::uint64_t at = 0;
  std::string_view name{};
  detail::ReadFunction<T> read{};
  detail::WriteFunction<T> write{};
  std::uint32_t count = 1;
  std::uint32_t stride = 0;  // bytes from one to the next; 0: the width
  Partial partial = Partial::kDefault;

  constexpr RegisterExtent extent() const {
    return {.at = at, .count = count, .stride = stride,
            .width = read.width != 0 ? read.width : write.width};
  }
};

/// Accesses to bytes that belong to no register: offset, size in bytes, value.
template <class T>
struct Background {
  std::uint64_t (T::*read)(std::uint64_t offset, unsigned size) = nullptr;
  void (T::*write)(std::uint64_t offset, unsigned size, std::uint64_t value) = nullptr;
};

/// By default the bank takes any aligned access, and the core hands it on as it is.
inline constexpr memory::AccessRules kBankAccess{
    .valid = {.min = 1, .max = 8, .unaligned = false},
    .impl = {.min = 1, .max = 8, .unaligned = true},
};

template <class T>
struct RegisterMapOptions {
  Background<T> background{};
  memory::AccessRules access = kBankAccess;  // `impl` is not looked at
};

template <class T, std::size_t N>
struct RegisterMap {
  std::uint64_t size = 0;  // bytes
  std::array<RegisterEntry<T>, N> entries{};  // sorted by address
  RegisterMapOptions<T> options{};
};

namespace detail {

// Not constexpr: to reach one of them in a constant expression is a compile error that shows its name.
inline void a_register_needs_a_read_or_a_write_function() {}
inline void read_and_write_of_a_register_have_the_same_width() {}
inline void a_register_is_aligned_to_its_width() {}
inline void a_register_array_has_a_count_of_at_least_one() {}
inline void the_stride_of_a_register_array_is_a_multiple_of_its_width() {}
inline void the_functions_of_a_register_array_take_an_index() {}
inline void the_functions_of_a_single_register_take_no_index() {}
inline void a_register_lies_within_the_size_of_the_map() {}
inline void two_registers_overlap() {}
inline void a_register_that_merges_partial_writes_needs_a_read_function() {}

template <class T>
consteval RegisterEntry<T> checked(RegisterEntry<T> entry, std::uint64_t size) {
  const unsigned width = entry.extent().width;
  const bool readable = entry.read.width != 0;
  const bool writable = entry.write.width != 0;
  if (width == 0) a_register_needs_a_read_or_a_write_function();
  if (readable && writable && entry.write.width != width)
    read_and_write_of_a_register_have_the_same_width();
  if (entry.at % width != 0) a_register_is_aligned_to_its_width();
  if (entry.count == 0) a_register_array_has_a_count_of_at_least_one();
  if (entry.stride == 0) entry.stride = width;
  if (entry.stride % width != 0) the_stride_of_a_register_array_is_a_multiple_of_its_width();
  const bool read_index = readable && entry.read.index == Index::kFirst;
  const bool write_index = writable && entry.write.index == Index::kFirst;
  if (entry.count > 1 && ((readable && !read_index) || (writable && !write_index)))
    the_functions_of_a_register_array_take_an_index();
  if (entry.count == 1 && (read_index || write_index))
    the_functions_of_a_single_register_take_no_index();
  if (entry.extent().end() > size) a_register_lies_within_the_size_of_the_map();
  if (entry.partial == Partial::kMerge && !readable)
    a_register_that_merges_partial_writes_needs_a_read_function();
  if (entry.partial == Partial::kDefault)
    entry.partial = readable ? Partial::kMerge : Partial::kZero;
  return entry;
}

/// Whether [at, at + width) meets an element of the array.
consteval bool meets(const RegisterExtent& array, std::uint64_t at, unsigned width) {
  if (at >= array.end() || at + width <= array.at) return false;
  // Elements do not overlap, so only the one at or below `at` and the next can.
  const std::uint64_t below = at < array.at ? 0 : (at - array.at) / array.stride;
  for (std::uint64_t i = below; i <= below + 1 && i < array.count; ++i) {
    const std::uint64_t element = array.at + i * array.stride;
    if (element < at + width && at < element + array.width) return true;
  }
  return false;
}

consteval bool overlap(const RegisterExtent& a, const RegisterExtent& b) {
  if (a.end() <= b.at || b.end() <= a.at) return false;
  const auto& few = a.count <= b.count ? a : b;
  const auto& many = a.count <= b.count ? b : a;
  if (few.stride == many.stride && few.count > 1) {
    // The pattern repeats, so the first and the last element say it for all.
    return meets(many, few.at, few.width) ||
           meets(many, few.at + std::uint64_t{few.count - 1} * few.stride, few.width) ||
           meets(few, many.at, many.width);
  }
  for (std::uint64_t i = 0; i < few.count; ++i)
    if (meets(many, few.at + i * few.stride, few.width)) return true;
  return false;
}

}  // namespace detail

/// The map of a device's registers; see the top of this file. `size` in bytes.
template <class T, std::size_t N>
consteval RegisterMap<T, N> register_map(std::uint64_t size, const RegisterEntry<T> (&entries)[N],
                                         RegisterMapOptions<T> options = {}) {
  RegisterMap<T, N> map{.size = size, .entries = {}, .options = options};
  for (std::size_t i = 0; i < N; ++i) {
    const RegisterEntry<T> entry = detail::checked(entries[i], size);
    std::size_t place = i;
    for (; place > 0 && map.entries[place - 1].at > entry.at; --place)
      map.entries[place] = map.entries[place - 1];
    map.entries[place] = entry;
  }
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = i + 1; j < N; ++j)
      if (detail::overlap(map.entries[i].extent(), map.entries[j].extent()))
        detail::two_registers_overlap();
  return map;
}

}  // namespace holdfast::hw
