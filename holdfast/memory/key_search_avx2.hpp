// SPDX-License-Identifier: Apache-2.0
// The AVX2 form of the key search, for functions that are themselves compiled for AVX2: a function
// for one target is never in-lined into one for another. Included by source files only.
#pragma once

#if defined(__x86_64__)
#define HOLDFAST_HAS_AVX2_PATH 1
#define HF_AVX2 [[gnu::target("avx2")]]
#include <immintrin.h>

#include "holdfast/memory/key_search.hpp"

namespace holdfast::memory::detail {

/// Two accumulators halve the chain of additions.
template <unsigned Fanout>
[[gnu::target("avx2"), gnu::always_inline]] inline unsigned count_at_most_avx2(const Key* keys,
                                                                              __m256i needle) {
  static_assert(Fanout % 4 == 0);
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
#pragma GCC unroll 8  // g++ -O2 keeps the loop, which costs a third of the search
  for (unsigned i = 0; i < Fanout; i += 8) {
    const auto* at = reinterpret_cast<const __m256i*>(keys + i);
    even = _mm256_add_epi64(even, _mm256_cmpgt_epi64(_mm256_load_si256(at), needle));
    if (i + 4 < Fanout)
      odd = _mm256_add_epi64(odd, _mm256_cmpgt_epi64(_mm256_load_si256(at + 1), needle));
  }
  const __m256i both = _mm256_add_epi64(even, odd);
  const __m128i two =
      _mm_add_epi64(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  const __m128i one = _mm_add_epi64(two, _mm_unpackhi_epi64(two, two));
  return Fanout + static_cast<unsigned>(_mm_cvtsi128_si32(one));  // each greater key counted -1
}

}  // namespace holdfast::memory::detail
#endif
