// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/node_pool.hpp"

#include <algorithm>
#include <new>

#include "holdfast/base/check.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define HF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HF_ASAN 1
#endif
#endif
#ifdef HF_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace holdfast::memory {
namespace {

constexpr std::size_t kFirstSlabNodes = 8;
constexpr std::size_t kLargestSlabBytes = std::size_t{1} << 20;

void poison([[maybe_unused]] void* at, [[maybe_unused]] std::size_t bytes) {
#ifdef HF_ASAN
  __asan_poison_memory_region(at, bytes);
#endif
}

void unpoison([[maybe_unused]] void* at, [[maybe_unused]] std::size_t bytes) {
#ifdef HF_ASAN
  __asan_unpoison_memory_region(at, bytes);
#endif
}

NodePool::FreeNode* as_free(void* node, std::size_t bytes) {
  poison(static_cast<std::byte*>(node) + sizeof(NodePool::FreeNode),
         bytes - sizeof(NodePool::FreeNode));
  return ::new (node) NodePool::FreeNode{nullptr};
}

// Counts that only the writer changes need no read-modify-write; relaxed: a census pairs with none.
template <typename T>
void writer_add(std::atomic<T>& count, T n) {
  count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

NodePool::NodePool(std::size_t node_bytes)
    : node_bytes_{(node_bytes + kAlignment - 1) / kAlignment * kAlignment} {}

NodePool::~NodePool() {
  HF_DCHECK(in_use() == 0, "a node pool ends with {} nodes of {} bytes in use", in_use(),
            node_bytes_);
}

void NodePool::SlabDelete::operator()(std::byte* slab) const noexcept {
  ::operator delete(slab, std::align_val_t{kAlignment});
}

void NodePool::add_slab() {
  const std::size_t nodes =
      std::clamp(kFirstSlabNodes << std::min<std::size_t>(slabs_.size(), 16), kFirstSlabNodes,
                 std::max(kFirstSlabNodes, kLargestSlabBytes / node_bytes_));
  const std::size_t bytes = nodes * node_bytes_;
  slabs_.emplace_back(
      static_cast<std::byte*>(::operator new(bytes, std::align_val_t{kAlignment})));
  unused_ = slabs_.back().get();
  unused_end_ = unused_ + bytes;
  poison(unused_, bytes);
  writer_add(bytes_reserved_, bytes);
}

void* NodePool::allocate() {
  writer_add<std::int64_t>(allocated_, 1);
  if (free_ == nullptr) {
    // Pairs with the release in push(): what the returning threads did to the nodes is over.
    free_ = returned_.exchange(nullptr, std::memory_order_acquire);
  }
  if (free_ != nullptr) {
    FreeNode* node = free_;
    free_ = node->next;
    unpoison(node, node_bytes_);
    return node;
  }
  if (unused_ == unused_end_) add_slab();
  void* node = unused_;
  unused_ += node_bytes_;
  unpoison(node, node_bytes_);
  return node;
}

void NodePool::recycle(void* node) noexcept {
  FreeNode* free = as_free(node, node_bytes_);
  free->next = free_;
  free_ = free;
  writer_add<std::int64_t>(allocated_, -1);
}

void NodePool::release(void* node) noexcept { Chain{*this}.add(node); }

void NodePool::Chain::add(void* node) noexcept {
  FreeNode* free = as_free(node, pool_.node_bytes_);
  free->next = first_;
  first_ = free;
  if (last_ == nullptr) last_ = free;
  ++count_;
}

void NodePool::push(const Chain& chain) noexcept {
  if (chain.first_ == nullptr) return;
  FreeNode* head = returned_.load(std::memory_order_relaxed);  // only a guess for the exchange
  do {
    chain.last_->next = head;
    // Release: pairs with the acquire in allocate().
  } while (!returned_.compare_exchange_weak(head, chain.first_, std::memory_order_release,
                                            std::memory_order_relaxed));
  released_.fetch_add(chain.count_, std::memory_order_relaxed);  // a count; pairs with none
}

}  // namespace holdfast::memory
