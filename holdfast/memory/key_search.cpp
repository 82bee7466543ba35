// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/key_search.hpp"

#include "holdfast/memory/key_search_avx2.hpp"

namespace holdfast::memory::detail {

bool processor_has_avx2() {
#ifdef HOLDFAST_HAS_AVX2_PATH
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

namespace {

// Searches made before this has run are only slower.
[[maybe_unused]] const bool g_chosen = [] {
  avx2_in_use.store(processor_has_avx2(), std::memory_order_relaxed);
  return true;
}();

template <unsigned Fanout>
std::uint32_t meet_mask_scalar(const Key* firsts, const Key* lasts, Key first, Key last) {
  std::uint32_t mask = 0;
  for (unsigned i = 0; i < Fanout; ++i)
    mask |= static_cast<std::uint32_t>((firsts[i] <= last) & (lasts[i] >= first)) << i;
  return mask;
}

#ifdef HOLDFAST_HAS_AVX2_PATH
template <unsigned Fanout>
HF_AVX2 unsigned count_with_avx2(const Key* keys, Key needle) {
  return count_at_most_avx2<Fanout>(keys, _mm256_set1_epi64x(needle));
}

template <unsigned Fanout>
HF_AVX2 std::uint32_t meet_mask_avx2(const Key* firsts, const Key* lasts, Key first, Key last) {
  const __m256i low = _mm256_set1_epi64x(first);
  const __m256i high = _mm256_set1_epi64x(last);
  std::uint32_t misses = 0;
  for (unsigned i = 0; i < Fanout; i += 4) {
    const __m256i f = _mm256_load_si256(reinterpret_cast<const __m256i*>(firsts + i));
    const __m256i l = _mm256_load_si256(reinterpret_cast<const __m256i*>(lasts + i));
    const __m256i miss = _mm256_or_si256(_mm256_cmpgt_epi64(f, high), _mm256_cmpgt_epi64(low, l));
    misses |= static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(miss))) << i;
  }
  return ~misses;
}
#endif

}  // namespace

template <unsigned Fanout>
unsigned count_at_most(const Key* keys, Key needle) {
#ifdef HOLDFAST_HAS_AVX2_PATH
  if (use_avx2()) return count_with_avx2<Fanout>(keys, needle);
#endif
  return count_at_most_scalar<Fanout>(keys, needle);
}

template <unsigned Fanout>
std::uint32_t meet_mask(const Key* firsts, const Key* lasts, Key first, Key last) {
#ifdef HOLDFAST_HAS_AVX2_PATH
  if (use_avx2()) return meet_mask_avx2<Fanout>(firsts, lasts, first, last);
#endif
  return meet_mask_scalar<Fanout>(firsts, lasts, first, last);
}

template unsigned count_at_most<4>(const Key*, Key);
template unsigned count_at_most<8>(const Key*, Key);
template unsigned count_at_most<32>(const Key*, Key);
template std::uint32_t meet_mask<4>(const Key*, const Key*, Key, Key);
template std::uint32_t meet_mask<8>(const Key*, const Key*, Key, Key);
template std::uint32_t meet_mask<32>(const Key*, const Key*, Key, Key);

}  // namespace holdfast::memory::detail
