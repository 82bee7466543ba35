// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/schedule_point.hpp"

#ifdef HOLDFAST_DEBUG
#include <atomic>

namespace holdfast::schedule {
namespace {
// Process-wide on purpose: a test script spans machines and threads.
std::atomic<Hook> g_hook{nullptr};
std::atomic<void*> g_context{nullptr};
std::atomic<unsigned> g_inside{0};  // threads that are, or may be, in the hook
}  // namespace

void set_hook(Hook hook, void* context) {
  g_context.store(context, std::memory_order_relaxed);
  g_hook.store(hook, std::memory_order_seq_cst);  // with the context before it
}

void remove_hook() {
  g_hook.store(nullptr, std::memory_order_seq_cst);
  // Who counts itself behind this sees no hook; who did before it is waited for.
  while (const unsigned inside = g_inside.load(std::memory_order_seq_cst)) g_inside.wait(inside);
}

void reached(const char* point) {
  // Without a hook nothing shared is written: a count would order threads that a test of races wants
  // unordered.
  if (g_hook.load(std::memory_order_relaxed) == nullptr) return;
  g_inside.fetch_add(1, std::memory_order_seq_cst);
  if (Hook hook = g_hook.load(std::memory_order_seq_cst))
    hook(g_context.load(std::memory_order_relaxed), point);
  if (g_inside.fetch_sub(1, std::memory_order_seq_cst) == 1) g_inside.notify_all();
}

}  // namespace holdfast::schedule
#endif
