// SPDX-License-Identifier: Apache-2.0
// What a device has sent out into the world and that ends by itself: requests that are with the host.
// They touch the device no more once it has gone, but they use what it had claimed, so its ticket waits
// for them and can say which they are.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "holdfast/base/ref.hpp"

namespace holdfast::hw {

/// One that is not over, for reports.
struct Errand {
  std::string what;  // "/machine/nvme0:drive: read of 4096 bytes at 512"
  std::source_location where;
  std::uint64_t since_ns;  // CLOCK_MONOTONIC
};

/// Those of one part. A control block: outlives the part and its device.
class Errands : public RefCounted<Errands> {
 public:
  virtual std::vector<Errand> errands() const = 0;
  /// Runs once all are over and the device has gone: now, or on whatever thread ends the last one. Asked
  /// at most once, when nothing new can begin. It must not wait.
  virtual void when_over(std::move_only_function<void()> action) = 0;
  /// The action, if it has not begun, is dropped; on return it does not run.
  virtual void forget() = 0;

 protected:
  Errands() = default;
  virtual ~Errands() = default;

 private:
  friend class RefCounted<Errands>;
  void last_reference_gone() noexcept { delete this; }
};

}  // namespace holdfast::hw
