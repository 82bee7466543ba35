// SPDX-License-Identifier: Apache-2.0
#include "holdfast/rcu/poison.hpp"

#ifdef HOLDFAST_DEBUG
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

#include "holdfast/base/check.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define HF_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HF_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef HF_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace holdfast::rcu {
namespace {

struct Block {
  void* storage = nullptr;
  std::size_t size = 0;
  std::align_val_t alignment{1};
};

/// The last blocks freed by the process, the oldest leaving first. A block that was written to
/// while it was in here ends the process. Process-wide: it is the heap's, not a machine's.
class Quarantine {
 public:
  void put(Block block) noexcept {
    if (block.size > kLargest) {
      free(block);
      return;
    }
    std::memset(block.storage, kPoison, block.size);
    ASAN_POISON_MEMORY_REGION(block.storage, block.size);
    const std::lock_guard lock{mutex_};
    std::swap(block, blocks_[next_]);
    next_ = (next_ + 1) % blocks_.size();
    evict(block);
  }

  void flush() noexcept {
    const std::lock_guard lock{mutex_};
    for (Block& block : blocks_) evict(std::exchange(block, Block{}));
  }

 private:
  static constexpr std::size_t kLargest = 4096;

  static void free(const Block& block) noexcept {
    // As `new` chose: the aligned form for over-aligned types only.
    if (static_cast<std::size_t>(block.alignment) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      ::operator delete(block.storage, block.size, block.alignment);
    else
      ::operator delete(block.storage, block.size);
  }

  static void evict(const Block& block) noexcept {
    if (!block.storage) return;
    ASAN_UNPOISON_MEMORY_REGION(block.storage, block.size);
    const auto* const bytes = static_cast<const unsigned char*>(block.storage);
    const auto* const touched =
        std::find_if(bytes, bytes + block.size, [](unsigned char byte) { return byte != kPoison; });
    HF_CHECK(touched == bytes + block.size,
             "rcu: {} bytes at {} were written to at offset {} after their grace period",
             block.size, block.storage, touched - bytes);
    free(block);
  }

  std::mutex mutex_;  // guards the two below; calls nothing but the heap
  std::array<Block, 64> blocks_{};
  std::size_t next_ = 0;
};

Quarantine& quarantine() {
  static auto* const the_one = new Quarantine;  // never destroyed: domains may outlive statics
  return *the_one;
}

}  // namespace

void detail::release_storage(void* storage, std::size_t size, std::align_val_t alignment) noexcept {
  quarantine().put({storage, size, alignment});
}

void flush_quarantine() noexcept { quarantine().flush(); }

}  // namespace holdfast::rcu
#else
namespace holdfast::rcu {
void flush_quarantine() noexcept {}
}  // namespace holdfast::rcu
#endif
