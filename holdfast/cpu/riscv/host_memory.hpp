// SPDX-License-Identifier: Apache-2.0
// Guest memory as the host sees it. Harts and devices race on it by design, so every access is an
// atomic of the host: aligned ones whole, others byte by byte.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast::cpu::riscv {

/// Relaxed: guest programs order their accesses with fences, which become host fences.
template <class T>
T load_aligned(const std::byte* host) {
  return __atomic_load_n(reinterpret_cast<const T*>(host), __ATOMIC_RELAXED);
}
template <class T>
void store_aligned(std::byte* host, T value) {
  __atomic_store_n(reinterpret_cast<T*>(host), value, __ATOMIC_RELAXED);
}

inline std::uint64_t load_bytes(const std::byte* host, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i)
    value |= std::uint64_t{load_aligned<std::uint8_t>(host + i)} << (8 * i);
  return value;
}
inline void store_bytes(std::byte* host, unsigned size, std::uint64_t value) {
  for (unsigned i = 0; i < size; ++i)
    store_aligned(host + i, static_cast<std::uint8_t>(value >> (8 * i)));
}

inline std::uint64_t load_any(const std::byte* host, unsigned size) {
  if (reinterpret_cast<std::uintptr_t>(host) % size == 0) {
    switch (size) {
      case 8:
        return load_aligned<std::uint64_t>(host);
      case 4:
        return load_aligned<std::uint32_t>(host);
      case 2:
        return load_aligned<std::uint16_t>(host);
      default:
        break;
    }
  }
  return load_bytes(host, size);
}
inline void store_any(std::byte* host, unsigned size, std::uint64_t value) {
  if (reinterpret_cast<std::uintptr_t>(host) % size == 0) {
    switch (size) {
      case 8:
        return store_aligned(host, value);
      case 4:
        return store_aligned(host, static_cast<std::uint32_t>(value));
      case 2:
        return store_aligned(host, static_cast<std::uint16_t>(value));
      default:
        break;
    }
  }
  store_bytes(host, size, value);
}

/// The guest's FENCE, as an exchange on a variable of the hart's own: on x86-64 that is the full
/// barrier, and ThreadSanitizer, which knows no stand-alone fences, sees it. arm64 needs its own.
inline void full_fence(std::atomic<unsigned>& own) {
#if defined(__aarch64__)
  asm volatile("dmb ish" ::: "memory");
#endif
  own.exchange(0, std::memory_order_seq_cst);
}

}  // namespace holdfast::cpu::riscv
