// SPDX-License-Identifier: Apache-2.0
// What the control thread must be able to do with all CPUs of a machine at once, whatever runs them.
#pragma once

namespace holdfast::hw {

class CpuSet {
 public:
  virtual ~CpuSet() = default;
  /// Asks that no CPU execute another instruction before resume(), and does not wait: from any
  /// thread, a CPU's own included, which executes none behind the one it is in. Nests.
  virtual void hold() = 0;
  /// Returns when no CPU executes or will before resume(). Nests. The one wait a job is allowed.
  virtual void pause() = 0;
  virtual void resume() = 0;
};

/// CPUs paused for as long as it lives.
class [[nodiscard]] Paused {
 public:
  explicit Paused(CpuSet& cpus) : cpus_{cpus} { cpus_.pause(); }
  ~Paused() { cpus_.resume(); }
  Paused(const Paused&) = delete;
  Paused& operator=(const Paused&) = delete;

 private:
  CpuSet& cpus_;  // outlives the scope: the machine's
};

}  // namespace holdfast::hw
