// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/schedule_point.hpp"

#ifdef HOLDFAST_DEBUG
#include <atomic>

namespace holdfast::schedule {
namespace {
// Process-wide on purpose: a test script spans machines and threads.
std::atomic<Hook> g_hook{nullptr};
std::atomic<void*> g_context{nullptr};
}  // namespace

void set_hook(Hook hook, void* context) {
  g_context.store(context, std::memory_order_release);  // pairs with the acquire in reached()
  g_hook.store(hook, std::memory_order_release);
}

void reached(const char* point) {
  if (Hook hook = g_hook.load(std::memory_order_acquire))
    hook(g_context.load(std::memory_order_acquire), point);
}

}  // namespace holdfast::schedule
#endif
