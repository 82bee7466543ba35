// SPDX-License-Identifier: Apache-2.0
#include "tests/support/urcu_domain.hpp"

#include <urcu/urcu-memb.h>

namespace holdfast::rcu {
namespace {

/// Registers a thread for as long as it lives.
struct Registration {
  Registration() { urcu_memb_register_thread(); }
  ~Registration() { urcu_memb_unregister_thread(); }
};

void register_once() {
  thread_local const Registration registration;
  (void)registration;
}

struct Callback {
  rcu_head head{};  // first: liburcu hands back its address
  std::move_only_function<void()> what;
};

void run(rcu_head* head) {
  const std::unique_ptr<Callback> callback{reinterpret_cast<Callback*>(head)};
  callback->what();
}

}  // namespace

void UrcuDomain::lock() noexcept {
  register_once();
  urcu_memb_read_lock();
}
void UrcuDomain::unlock() noexcept { urcu_memb_read_unlock(); }
bool UrcuDomain::inside() const noexcept {
  register_once();
  return urcu_memb_read_ongoing() != 0;
}
void UrcuDomain::slice_end() noexcept {
  unlock();
  lock();
}

void UrcuDomain::retire(std::move_only_function<void()> callback) {
  auto* const record = new Callback;
  record->what = std::move(callback);
  register_once();
  urcu_memb_call_rcu(&record->head, &run);
}

UrcuDomain::Token UrcuDomain::token() {
  auto over = std::make_shared<std::atomic<bool>>(false);
  retire([over] { over->store(true, std::memory_order_release); });
  return over;
}

void UrcuDomain::synchronize() {
  register_once();
  urcu_memb_synchronize_rcu();
}
void UrcuDomain::wait(const Token& token) {
  while (!passed(token)) synchronize();
}
void UrcuDomain::barrier() {
  register_once();
  urcu_memb_barrier();
}

}  // namespace holdfast::rcu
