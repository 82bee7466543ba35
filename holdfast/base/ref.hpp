// SPDX-License-Identifier: Apache-2.0
// Counted references to *control blocks*: the small objects that stand for a region, a gate, a wire
// or a block of RAM. They keep the control block's storage, never the thing it stands for.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace holdfast {

/// Base of control blocks. `Derived` provides `void last_reference_gone() noexcept`, which frees or
/// retires it.
template <class Derived>
class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void acquire() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }

  /// For a reader that found the block in a published structure: fails once the last reference is
  /// gone, though the storage is still there for the rest of the read section.
  [[nodiscard]] bool try_acquire() const noexcept {
    auto count = count_.load(std::memory_order_relaxed);
    while (count != 0)
      if (count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
    return false;
  }

  void release() const noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      const_cast<Derived*>(static_cast<const Derived*>(this))->last_reference_gone();
  }

 protected:
  RefCounted() = default;
  ~RefCounted() = default;

 private:
  mutable std::atomic<std::uint32_t> count_{1};
};

template <class T>
class Ref {
 public:
  Ref() = default;
  /// Takes over the reference that a new control block starts with.
  static Ref adopt(T* block) { return Ref{block}; }
  /// One more reference to a block that is known to have one.
  static Ref share(T* block) {
    if (block) block->acquire();
    return Ref{block};
  }
  Ref(const Ref& other) : block_{other.block_} {
    if (block_) block_->acquire();
  }
  Ref(Ref&& other) noexcept : block_{std::exchange(other.block_, nullptr)} {}
  Ref& operator=(Ref other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Ref() {
    if (block_) block_->release();
  }

  T* get() const { return block_; }
  T& operator*() const { return *block_; }
  T* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.block_ == b.block_; }

 private:
  explicit Ref(T* block) : block_{block} {}
  T* block_ = nullptr;
};

}  // namespace holdfast
