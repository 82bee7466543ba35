// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/store_marks.hpp"

#include <sys/mman.h>

#include <thread>

namespace holdfast::memory {

StoreMarks::~StoreMarks() {
  if (map_ != nullptr) munmap(map_, mapped_);
}

bool StoreMarks::map(const std::byte* host, std::uint64_t size) {
  // The first line may begin before `host`, the last one end behind it. Pages come as they are used.
  mapped_ = (size >> kLineBits) + 2;
  void* map = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return false;
  map_ = map;
  madvise(map_, mapped_, MADV_DONTFORK);
  bias_ = reinterpret_cast<std::uintptr_t>(map_) -
          (reinterpret_cast<std::uintptr_t>(host) >> kLineBits);
  return true;
}

// Sequentially consistent: what is loaded behind the mark is not older than it.
void StoreMarks::add(const std::byte* host, Mark mark) {
  Mark* const where = place(bias_, host);
  if ((__atomic_load_n(where, __ATOMIC_ACQUIRE) & mark) == 0)
    __atomic_fetch_or(where, mark, __ATOMIC_SEQ_CST);
}

StoreMarks::Version StoreMarks::reserve(const std::byte* host) {
  add(host, kReserved);
  std::atomic<Version>& version = version_of(host);
  for (;;) {
    // Acquire: pairs with the release of whoever moved it, whose store is seen then.
    const Version now = version.load(std::memory_order_acquire);
    if (now % 2 == 0) return now;
    std::this_thread::yield();
  }
}

StoreMarks::Version StoreMarks::take(std::atomic<Version>& version) {
  Version now = version.load(std::memory_order_relaxed);
  for (unsigned spins = 1;; ++spins) {
    now &= ~Version{1};
    if (version.compare_exchange_weak(now, now + 1, std::memory_order_acquire,
                                      std::memory_order_relaxed))
      return now;
    HF_SCHEDULE_POINT("memory.marks.version_awaited");
    if (spins % 64 == 0) std::this_thread::yield();  // its holder may have lost the processor
  }
}

// Acquire and release: pairs with `add`, which comes before the copy that this store must show in,
// or finds the mark gone and sets it anew.
bool StoreMarks::take_code(const std::byte* host) {
  Mark* const where = place(bias_, host);
  if ((__atomic_load_n(where, __ATOMIC_ACQUIRE) & kCode) == 0) return false;
  const auto rest = static_cast<Mark>(~kCode);
  return (__atomic_fetch_and(where, rest, __ATOMIC_ACQ_REL) & kCode) != 0;
}

bool StoreMarks::stored_to_marked(const std::byte* host, std::uint64_t length) {
  bool code = false;
  const auto first = reinterpret_cast<std::uintptr_t>(host) & ~(kLine - 1);
  const auto last = reinterpret_cast<std::uintptr_t>(host) + (length - 1);
  for (std::uintptr_t line = first; line <= last; line += kLine)
    code |= store_marked(reinterpret_cast<const std::byte*>(line), [] {}).code;
  return code;
}

}  // namespace holdfast::memory
