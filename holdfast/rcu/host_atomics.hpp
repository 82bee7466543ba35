// SPDX-License-Identifier: Apache-2.0
// What the reclamation algorithm needs of the machine below it. epochs.hpp and retired.hpp are
// templates over such a policy, so that the interleaving test runs the very same code under
// instrumented atomics with store buffers of its own.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#define HF_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HF_THREAD_SANITIZER 1
#endif
#endif

namespace holdfast::rcu {

#ifdef HF_THREAD_SANITIZER
/// ThreadSanitizer cannot see what membarrier orders, so it always gets the exchange.
inline constexpr bool kMembarrierAllowed = false;
#else
inline constexpr bool kMembarrierAllowed = true;
#endif

/// The process's own atomics and Linux's membarrier.
struct HostAtomics {
  template <class T>
  using Atomic = std::atomic<T>;

  /// Keeps the compiler from moving a reader's loads above its announcement. Costs no instruction;
  /// pairs with heavy_barrier().
  static void light_barrier() noexcept { asm volatile("" ::: "memory"); }

  /// Every thread of the process passes a full barrier between call and return. 20 – 30 µs if
  /// other cores are busy. Ends the process if the kernel refuses: going on would free memory that
  /// is being read.
  static void heavy_barrier() noexcept;

  /// Whether this kernel and this sandbox have it. The first call registers the process.
  static bool has_heavy_barrier() noexcept;
};

}  // namespace holdfast::rcu
