// SPDX-License-Identifier: Apache-2.0
// All harts of a machine: stopped and let go together. Harts join and leave while it works.
// Owned by whoever made the machine; outlives its harts.
#pragma once

#include <vector>

#include "holdfast/accel/hart_thread.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/hw/cpu_set.hpp"

namespace holdfast::accel {

class HartGang final : public hw::CpuSet {
 public:
  /// Paused, once, until the machine runs.
  HartGang() = default;

  void hold() override;
  void pause() override;
  void resume() override;

  /// From here on the hart is paused and resumed with the others; it starts as they are now.
  void join(HartThread& hart);
  void leave(HartThread& hart);

 private:
  Mutex mutex_{LockRank::kControl, "harts"};
  std::vector<HartThread*> harts_ HF_GUARDED_BY(mutex_);
  unsigned pauses_ HF_GUARDED_BY(mutex_) = 1;
};

}  // namespace holdfast::accel
