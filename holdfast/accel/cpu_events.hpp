// SPDX-License-Identifier: Apache-2.0
// What a machine does on the thread that runs one of its harts, between slices of work.
#pragma once

#include <cstdint>
#include <optional>

namespace holdfast::accel {

/// All in no section, holding no lock. They may wait for other harts, not for this one.
class CpuEvents {
 public:
  enum class Call : std::uint8_t { kDone, kWaits };

  /// After every slice: the place to perform what the slice left to be done.
  virtual void between_slices() = 0;
  /// The hart stands behind a semihosting call. kWaits: there is nothing to answer yet; it is asked
  /// again after the hart was woken.
  virtual Call host_call() { return Call::kDone; }
  /// The nanosecond of virtual time that a hart in WFI waits for, if it waits for one.
  virtual std::optional<std::uint64_t> wakes_at_ns() const { return std::nullopt; }

 protected:
  ~CpuEvents() = default;
};

}  // namespace holdfast::accel
