// SPDX-License-Identifier: Apache-2.0
// Rule 3 of the protocol: nothing waits inside. Whatever waits (synchronize, barrier, drain, a
// ticket, pausing CPUs, pacing) says so here first; debug builds then look at what this thread is
// inside of and end the process with both names.
#pragma once

#include <cstdint>

namespace holdfast::rcu {

/// Says what the calling thread is inside of, so that it must not wait ("gate 'uart0'"), or
/// nullptr. The text is used at once.
using WaitingVeto = const char* (*)();

/// Lets a layer above object as well. At most four, each installed once, for the process's life.
/// Installing one again changes nothing.
void add_waiting_veto(WaitingVeto veto);

/// Whether check_may_wait() would let this thread wait: for whoever can do without.
bool may_wait();

#ifdef HOLDFAST_DEBUG
/// Ends the process if this thread is inside a read section of any domain or a callback of
/// reclamation, holds a lock of the order, or a veto objects. `operation` completes "… inside …".
void check_may_wait(const char* operation);
#else
inline void check_may_wait(const char*) {}
#endif

/// Waits a little longer each time: first busily, then by yielding, then asleep. What it waits for
/// are readers, who pay for no wake-up.
class Backoff {
 public:
  void pause();

 private:
  std::uint32_t round_ = 0;
};

}  // namespace holdfast::rcu
