// SPDX-License-Identifier: Apache-2.0
// The end of a device: severed under one hold of the writer lock, drained when the last insider of
// its subtree has left, destroyed by a job. A severing owns the device from begin() on and deletes
// itself with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "holdfast/base/ref.hpp"
#include "holdfast/hw/context.hpp"
#include "holdfast/hw/ticket.hpp"

namespace holdfast::hw {

class Device;

class Severing {
 public:
  /// Now, or when this thread has left every gate. `ticket` may be empty.
  static void begin(Device* device, Ref<Ticket> ticket);

 private:
  Severing(Device& device, Ref<Ticket> ticket);

  void sever();
  void note_remains();
  /// One gate is drained, or sever() has done its part.
  void step();
  bool last_step() { return steps_left_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  void drained();
  void reclaim();

  Device& device_;  // owned
  Context& context_;
  const Ref<Ticket> ticket_;
  const std::vector<Device*> subtree_;
  const bool was_live_;
  std::atomic<std::size_t> steps_left_;
};

}  // namespace holdfast::hw
