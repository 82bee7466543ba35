// SPDX-License-Identifier: Apache-2.0
#include "holdfast/rcu/waiting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "holdfast/base/check.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/rcu/thread_slots.hpp"

namespace holdfast::rcu {
namespace {

// Process-wide on purpose: a veto is a layer's code, not a machine's state.
std::array<std::atomic<WaitingVeto>, 4> g_vetoes{};

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

}  // namespace

void add_waiting_veto(WaitingVeto veto) {
  for (std::atomic<WaitingVeto>& place : g_vetoes) {
    WaitingVeto expected = nullptr;
    if (place.compare_exchange_strong(expected, veto) || expected == veto) return;
  }
  HF_CHECK(false, "rcu: more than {} layers object to waiting", g_vetoes.size());
}

bool may_wait() {
  return !inside_any() && !detail::reclaiming && lock_order::held_count() == 0 &&
         std::ranges::none_of(g_vetoes, [](const std::atomic<WaitingVeto>& place) {
           const WaitingVeto veto = place.load(std::memory_order_acquire);  // pairs with the installation
           return veto != nullptr && veto() != nullptr;
         });
}

#ifdef HOLDFAST_DEBUG
void check_may_wait(const char* operation) {
  const std::string* const domain = domain_inside();
  HF_CHECK(!domain, "rcu: {} by {} inside a read section of domain '{}'", operation, thread_label(),
           *domain);
  HF_CHECK(!detail::reclaiming, "rcu: {} by {} in a callback of reclamation", operation,
           thread_label());
  HF_CHECK(lock_order::held_count() == 0, "rcu: {} by {} with lock '{}' held", operation,
           thread_label(), lock_order::innermost());
  for (const std::atomic<WaitingVeto>& place : g_vetoes) {
    const WaitingVeto veto = place.load(std::memory_order_acquire);  // pairs with the installation
    const char* const inside = veto ? veto() : nullptr;
    HF_CHECK(!inside, "rcu: {} by {} inside {}", operation, thread_label(), inside);
  }
}
#endif

void Backoff::pause() {
  constexpr std::uint32_t kBusyRounds = 32;
  constexpr std::uint32_t kYieldRounds = 64;
  ++round_;
  if (round_ <= kBusyRounds) {
    for (int i = 0; i < 16; ++i) relax();
  } else if (round_ <= kYieldRounds) {
    std::this_thread::yield();
  } else {
    const std::uint32_t doublings = std::min((round_ - kYieldRounds) / 8, 5U);  // 20 – 640 µs
    std::this_thread::sleep_for(std::chrono::microseconds{20U << doublings});
  }
}

}  // namespace holdfast::rcu
