// SPDX-License-Identifier: Apache-2.0
#include "holdfast/rcu/host_atomics.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "holdfast/base/check.hpp"

namespace holdfast::rcu {
namespace {

long membarrier(int command) { return ::syscall(SYS_membarrier, command, 0U, 0); }

bool register_process() {
  const long commands = membarrier(MEMBARRIER_CMD_QUERY);
  return commands >= 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
         membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

}  // namespace

bool HostAtomics::has_heavy_barrier() noexcept {
  // The kernel keeps the registration with the process's address space: once is enough.
  static const bool registered = kMembarrierAllowed && register_process();
  return registered;
}

void HostAtomics::heavy_barrier() noexcept {
  const long result = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  HF_CHECK(result == 0, "rcu: membarrier failed with errno {} after it was registered", errno);
}

}  // namespace holdfast::rcu
