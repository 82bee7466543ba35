// SPDX-License-Identifier: Apache-2.0
// Where a hart's `time` register comes from: the machine's real-time counter, shared by all harts.
#pragma once

#include <chrono>
#include <cstdint>

namespace holdfast::cpu::riscv {

/// Called from hart threads; implementations are safe to call from any of them at any time.
class TimeSource {
 public:
  /// The counter now, in ticks of the machine's time base (10 MHz on `virt`).
  virtual std::uint64_t ticks() const = 0;
  /// Host time until the counter reaches `tick`; zero if it has. A clock that is stepped by hand
  /// answers `nanoseconds::max()` and kicks its harts when it is stepped.
  virtual std::chrono::nanoseconds until(std::uint64_t tick) const = 0;

 protected:
  ~TimeSource() = default;
};

}  // namespace holdfast::cpu::riscv
