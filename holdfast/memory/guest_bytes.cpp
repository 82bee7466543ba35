// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/guest_bytes.hpp"

#if defined(__SANITIZE_THREAD__)
#define HF_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HF_THREAD_SANITIZER 1
#endif
#endif

namespace holdfast::memory {

// SAFETY: guest RAM is raced by design: a CPU may store to what a device copies, as on hardware,
// and gets old bytes or new ones. memmove is not atomic for the language, but each byte arrives
// whole on every host we run on, and nothing of the emulator's own lives in these bytes.
// ThreadSanitizer intercepts memmove whatever a function's attributes say, so under it the copy is
// a loop of relaxed bytes: the same meaning, visible as what it is.
void copy_guest_bytes(std::byte* to, const std::byte* from, std::size_t length) {
#ifdef HF_THREAD_SANITIZER
  const auto copy = [&](std::size_t i) {
    store_relaxed(to + i, load_relaxed<std::uint8_t>(from + i));
  };
  if (to <= from)
    for (std::size_t i = 0; i < length; ++i) copy(i);
  else
    for (std::size_t i = length; i-- > 0;) copy(i);
#else
  std::memmove(to, from, length);
#endif
}

}  // namespace holdfast::memory
