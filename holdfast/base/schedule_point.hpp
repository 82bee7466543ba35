// SPDX-License-Identifier: Apache-2.0
// Named places in the protocol at which a test can hold a thread, so that interleavings are forced
// and not hoped for. Release builds contain none of it.
#pragma once

#ifdef HOLDFAST_DEBUG
namespace holdfast::schedule {
using Hook = void (*)(void* context, const char* point);
/// Installs the hook that every thread calls at every point. For tests; one at a time.
void set_hook(Hook hook, void* context);
/// When it returns no thread is in the hook, and none comes into it. Waits for those that are there.
void remove_hook();
void reached(const char* point);
}  // namespace holdfast::schedule
#define HF_SCHEDULE_POINT(name) ::holdfast::schedule::reached(name)
#else
#define HF_SCHEDULE_POINT(name) \
  do {                          \
  } while (false)
#endif
