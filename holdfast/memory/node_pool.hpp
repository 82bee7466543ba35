// SPDX-License-Identifier: Apache-2.0
// Storage for tree nodes of one size: slabs that are kept until the pool goes, cache-line aligned.
//
// LOCK: allocate() and recycle() run under the map's writer lock. release() runs on any thread, in
// reclamation callbacks too: it is lock-free and takes nothing. Threads push onto one list; the
// writer takes that list whole, so no pop can meet a node that has been away and come back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace holdfast::memory {

/// Owned by the map; outlives every tree and every retired batch that uses it.
class NodePool {
 public:
  static constexpr std::size_t kAlignment = 64;

  /// What a free node begins with; the rest of it is poisoned under AddressSanitizer.
  struct FreeNode {
    FreeNode* next;
  };

  explicit NodePool(std::size_t node_bytes);
  ~NodePool();
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  /// Storage for one node, not initialised.
  void* allocate();
  /// Gives back a node that no reader ever saw.
  void recycle(void* node) noexcept;
  /// Gives back a node that no reader can see any more.
  void release(void* node) noexcept;

  /// Collects nodes to give them all back with one push.
  class Chain {
   public:
    explicit Chain(NodePool& pool) : pool_{pool} {}
    ~Chain() { pool_.push(*this); }
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;
    void add(void* node) noexcept;

   private:
    friend NodePool;
    NodePool& pool_;
    FreeNode* first_ = nullptr;
    FreeNode* last_ = nullptr;
    std::int64_t count_ = 0;
  };

  /// Nodes handed out and not yet back. Exact when no thread is in the middle of a call.
  std::int64_t in_use() const {
    return allocated_.load(std::memory_order_relaxed) - released_.load(std::memory_order_relaxed);
  }
  std::size_t node_bytes() const { return node_bytes_; }
  std::size_t bytes_in_use() const { return static_cast<std::size_t>(in_use()) * node_bytes_; }
  std::size_t bytes_reserved() const { return bytes_reserved_.load(std::memory_order_relaxed); }

 private:
  struct SlabDelete {
    void operator()(std::byte* slab) const noexcept;
  };

  void push(const Chain& chain) noexcept;
  void add_slab();

  const std::size_t node_bytes_;

  // Touched by the writer alone; the two counts are atomic so that a census may read them.
  FreeNode* free_ = nullptr;
  std::byte* unused_ = nullptr;  // the part of the newest slab that was never handed out
  std::byte* unused_end_ = nullptr;
  std::vector<std::unique_ptr<std::byte[], SlabDelete>> slabs_;
  std::atomic<std::size_t> bytes_reserved_{0};
  std::atomic<std::int64_t> allocated_{0};  // less those recycled

  // Touched by any thread; on its own line.
  alignas(kAlignment) std::atomic<FreeNode*> returned_{nullptr};
  std::atomic<std::int64_t> released_{0};
};

}  // namespace holdfast::memory
