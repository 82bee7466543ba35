// SPDX-License-Identifier: Apache-2.0
// References that may be stored although their target can be unplugged: they expire.
//
// A handle owns nothing and keeps nothing alive. It shares a small counted block, the tombstone,
// with its target; the target marks it when it goes, and every handle then gives null.
//
// THREADS: handles may be made, copied, compared, tested and destroyed on any thread, at any time.
// What `get()` returns may be dereferenced only where something else keeps the target from being
// destroyed meanwhile: inside the target's gate, or on the control thread of its machine. A
// non-null answer anywhere else is news from the past.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <utility>

namespace holdfast::object {

namespace detail {

/// Shared by a target and its handles; freed by the last of them.
class Tombstone {
 public:
  void acquire() { users_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    // Acquire pairs with the release of every other user: the last one frees after them all.
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  bool expired() const { return expired_.load(std::memory_order_acquire); }
  void expire() { expired_.store(true, std::memory_order_release); }  // pairs with expired()

 private:
  std::atomic<std::uint32_t> users_{1};
  std::atomic<bool> expired_{false};
};

}  // namespace detail

template <class T>
class Handle;

/// Base of everything a handle can refer to. The tombstone is made with the first handle.
class Expires {
 public:
  Expires() = default;
  Expires(const Expires&) = delete;
  Expires& operator=(const Expires&) = delete;

  /// Ends every handle to this, those still to be made included. Any number of times.
  void expire_handles() { stone().expire(); }

 protected:
  ~Expires() {
    // Acquire pairs with the release in `stone()`: the block's construction is seen.
    auto* stone = stone_.load(std::memory_order_acquire);
    if (stone == nullptr) return;
    stone->expire();
    stone->release();
  }

 private:
  template <class T>
  friend class Handle;

  /// The caller guarantees that `this` is alive.
  detail::Tombstone& stone() {
    auto* stone = stone_.load(std::memory_order_acquire);
    if (stone != nullptr) return *stone;
    auto* made = new detail::Tombstone;
    // Release publishes the new block; acquire sees another thread's.
    if (stone_.compare_exchange_strong(stone, made, std::memory_order_acq_rel)) return *made;
    made->release();
    return *stone;
  }
  detail::Tombstone* share_stone() {
    stone().acquire();
    return &stone();
  }

  std::atomic<detail::Tombstone*> stone_{nullptr};  // one count of it is ours until destruction
};

/// A stored reference that expires. Empty, live or expired; an expired one never comes back.
template <class T>
class Handle {
 public:
  Handle() = default;
  /// To a named object, which is an Expires; a temporary does not bind.
  explicit Handle(T& target) : target_{&target}, stone_{expires(target).share_stone()} {}

  Handle(const Handle& other) noexcept : target_{other.target_}, stone_{other.stone_} {
    if (stone_ != nullptr) stone_->acquire();
  }
  Handle(Handle&& other) noexcept
      : target_{std::exchange(other.target_, nullptr)},
        stone_{std::exchange(other.stone_, nullptr)} {}
  /// From a handle to something more derived.
  template <class U>
    requires(!std::same_as<U, T> && std::convertible_to<U*, T*>)
  Handle(const Handle<U>& other) noexcept : target_{other.target_}, stone_{other.stone_} {
    if (stone_ != nullptr) stone_->acquire();
  }
  Handle& operator=(Handle other) noexcept {
    std::swap(target_, other.target_);
    std::swap(stone_, other.stone_);
    return *this;
  }
  ~Handle() {
    if (stone_ != nullptr) stone_->release();
  }

  /// The target, or null if there is none any more. See THREADS above.
  [[nodiscard]] T* get() const {
    return stone_ == nullptr || stone_->expired() ? nullptr : target_;
  }
  bool expired() const { return get() == nullptr; }
  explicit operator bool() const { return get() != nullptr; }

  /// A handle to the same target as something more derived; empty if it is none or has expired.
  /// Looks at the target, so the rule for dereferencing `get()` holds.
  template <class U>
  Handle<U> as() const {
    Handle<U> same;
    same.target_ = dynamic_cast<U*>(get());
    if (same.target_ == nullptr) return same;
    same.stone_ = stone_;
    stone_->acquire();
    return same;
  }

  /// Whether both were made from the same object, live or not. Empty handles are equal.
  friend bool operator==(const Handle& a, const Handle& b) { return a.stone_ == b.stone_; }

 private:
  template <class U>
  friend class Handle;
  static Expires& expires(T& target) { return target; }

  T* target_ = nullptr;  // valid while the tombstone says so
  detail::Tombstone* stone_ = nullptr;
};

}  // namespace holdfast::object
