// SPDX-License-Identifier: Apache-2.0
// Searching the sorted keys of one tree node. Keys are addresses with the sign bit flipped, so that
// vector units, which compare signed numbers only, order them right; unused slots hold kPadKey.
// Counts include padding when the needle is kPadKey itself: the caller caps them by the node's own.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace holdfast::memory::detail {

using Key = std::int64_t;

constexpr Key to_key(std::uint64_t address) {
  return static_cast<Key>(address ^ (std::uint64_t{1} << 63));
}
constexpr std::uint64_t from_key(Key key) {
  return static_cast<std::uint64_t>(key) ^ (std::uint64_t{1} << 63);
}
inline constexpr Key kPadKey = std::numeric_limits<Key>::max();  // the key of address 2^64 - 1

/// How many of the `Fanout` keys are at most the needle.
template <unsigned Fanout>
unsigned count_at_most(const Key* keys, Key needle);

/// How many of the `Fanout` keys are below the needle.
template <unsigned Fanout>
unsigned count_below(const Key* keys, Key needle) {
  return needle == std::numeric_limits<Key>::min() ? 0 : count_at_most<Fanout>(keys, needle - 1);
}

/// Bit i is set where firsts[i] <= last and lasts[i] >= first: the entries that meet an extent.
/// The caller masks off unused slots.
template <unsigned Fanout>
std::uint32_t meet_mask(const Key* firsts, const Key* lasts, Key first, Key last);

/// Whether searches use AVX2: what the processor has, until a test says otherwise.
inline std::atomic<bool> avx2_in_use{false};
inline bool use_avx2() { return avx2_in_use.load(std::memory_order_relaxed); }  // set before threads
bool processor_has_avx2();

/// The search without vector units. The product of a comparison and a step, not a conditional: g++
/// turns the latter into branches that a random address mispredicts half of the time.
template <unsigned Fanout>
inline unsigned count_at_most_scalar(const Key* keys, Key needle) {
  static_assert((Fanout & (Fanout - 1)) == 0);
  unsigned below = 0;
#pragma GCC unroll 8
  for (unsigned step = Fanout / 2; step != 0; step /= 2)
    below += step & (0U - static_cast<unsigned>(keys[below + step - 1] <= needle));
  return below + static_cast<unsigned>(keys[below] <= needle);
}

}  // namespace holdfast::memory::detail
