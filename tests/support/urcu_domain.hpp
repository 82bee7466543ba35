// SPDX-License-Identifier: Apache-2.0
// liburcu (membarrier flavour) behind the interface of rcu::Domain: an oracle for the contract's
// tests and a yardstick. Only tests and benchmarks link it.
//
// What it cannot do, and why it is not what ships: all objects of this class share one domain, so a
// stuck reader in one holds up all; its worker frees in rounds of 10 ms; a thread that did not
// register is not waited for; ThreadSanitizer cannot see what it orders.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

namespace holdfast::rcu {

class UrcuDomain {
 public:
  /// A grace period, over when liburcu's worker has run the callback that was queued with it.
  using Token = std::shared_ptr<std::atomic<bool>>;

  UrcuDomain() = default;
  UrcuDomain(const UrcuDomain&) = delete;
  UrcuDomain& operator=(const UrcuDomain&) = delete;
  ~UrcuDomain() { barrier(); }

  void lock() noexcept;
  void unlock() noexcept;
  bool inside() const noexcept;
  void slice_end() noexcept;

  template <class T>
  void retire(T* object) {
    retire([object] { delete object; });
  }
  void retire(std::move_only_function<void()> callback);

  void poll() noexcept {}  // its worker does
  Token token();
  bool passed(const Token& token) { return token->load(std::memory_order_acquire); }
  void synchronize();
  void wait(const Token& token);
  void barrier();
};

}  // namespace holdfast::rcu
