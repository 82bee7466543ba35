// SPDX-License-Identifier: Apache-2.0
// What becomes of a retired object after its grace period. In debug builds its storage is filled
// with a pattern once its destructor has run (not before: until the grace period is over readers
// may read it) and kept for a while in a quarantine, so that a read that comes too late yields the
// pattern, or an AddressSanitizer report, and not somebody else's data.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace holdfast::rcu {

/// The byte that fills storage after its grace period.
inline constexpr unsigned char kPoison = 0xdb;

namespace detail {

#ifdef HOLDFAST_DEBUG
/// Takes storage from operator new whose object is destroyed.
void release_storage(void* storage, std::size_t size, std::align_val_t alignment) noexcept;
#endif

template <class T>
concept HasOwnDelete = requires(T* object) { T::operator delete(object); } ||
                       requires(T* object) { T::operator delete(object, sizeof(T)); };

/// A pointer to T may point to something larger, whose storage only `delete` knows.
template <class T>
inline constexpr bool kExactType =
    !std::is_polymorphic_v<T> || std::is_final_v<T>;

template <class T>
void destroy_and_free(T* object) noexcept {
#ifdef HOLDFAST_DEBUG
  if constexpr (kExactType<T> && !HasOwnDelete<T>) {
    std::destroy_at(object);
    release_storage(const_cast<std::remove_cv_t<T>*>(object), sizeof(T),
                    std::align_val_t{alignof(T)});
    return;
  }
#endif
  delete object;
}

}  // namespace detail

/// The quarantine's storage goes back to the heap. For tests that count the heap.
void flush_quarantine() noexcept;

}  // namespace holdfast::rcu
