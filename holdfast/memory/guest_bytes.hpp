// SPDX-License-Identifier: Apache-2.0
// How host code touches guest RAM. Guests race with each other and with devices by design, so an
// aligned access of up to 8 bytes is a relaxed atomic, and bulk copies live in one function.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace holdfast::memory {

static_assert(std::endian::native == std::endian::little,
              "values pass between guest and host unswapped");

template <class T>
T load_relaxed(const std::byte* at) {
  return __atomic_load_n(reinterpret_cast<const T*>(at), __ATOMIC_RELAXED);
}
template <class T>
void store_relaxed(std::byte* at, T value) {
  __atomic_store_n(reinterpret_cast<T*>(at), value, __ATOMIC_RELAXED);
}

/// Copies between guest RAM and host memory, or within guest RAM (the stretches may overlap).
void copy_guest_bytes(std::byte* to, const std::byte* from, std::size_t length);

inline bool is_aligned(const std::byte* at, unsigned size) {
  return (reinterpret_cast<std::uintptr_t>(at) & (size - 1)) == 0;
}

/// Little-endian value of 1, 2, 4 or 8 aligned bytes: one access.
inline std::uint64_t load_guest_aligned(const std::byte* at, unsigned size) {
  switch (size) {
    case 1: return load_relaxed<std::uint8_t>(at);
    case 2: return load_relaxed<std::uint16_t>(at);
    case 4: return load_relaxed<std::uint32_t>(at);
    default: return load_relaxed<std::uint64_t>(at);
  }
}

inline void store_guest_aligned(std::byte* at, unsigned size, std::uint64_t value) {
  switch (size) {
    case 1: return store_relaxed(at, static_cast<std::uint8_t>(value));
    case 2: return store_relaxed(at, static_cast<std::uint16_t>(value));
    case 4: return store_relaxed(at, static_cast<std::uint32_t>(value));
    default: return store_relaxed(at, value);
  }
}

/// The same at any alignment; one access if aligned.
inline std::uint64_t load_guest(const std::byte* at, unsigned size) {
  if (is_aligned(at, size)) return load_guest_aligned(at, size);
  std::uint64_t value = 0;
  copy_guest_bytes(reinterpret_cast<std::byte*>(&value), at, size);
  return value;
}

inline void store_guest(std::byte* at, unsigned size, std::uint64_t value) {
  if (is_aligned(at, size)) return store_guest_aligned(at, size, value);
  copy_guest_bytes(at, reinterpret_cast<const std::byte*>(&value), size);
}

}  // namespace holdfast::memory
