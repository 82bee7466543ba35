// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/reset.hpp"

#include <optional>
#include <vector>

#include "holdfast/base/schedule_point.hpp"
#include "holdfast/gate/activity.hpp"
#include "holdfast/hw/cpu_set.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/holdback.hpp"

namespace holdfast::hw {

void reset_fresh(std::span<Device* const> devices) {
  std::vector<Device*> all;
  for (Device* device : devices) {
    const auto below = device->subtree();
    all.insert(all.end(), below.begin(), below.end());
  }
  for (const ResetPhase phase : {ResetPhase::kEnter, ResetPhase::kHold, ResetPhase::kExit}) {
    HF_SCHEDULE_POINT("hw.reset.phase");
    const gate::Outbox::Deferral later{gate::Activity::current().outbox()};  // until the phase's end
    for (Device* device : all) device->reset(phase);
  }
}

void reset_devices(std::span<Device* const> devices, Holdback& holdback, CpuSet* cpus) {
  std::optional<Paused> paused;
  if (cpus != nullptr) paused.emplace(*cpus);
  const Holdback::Scope held{holdback};
  reset_fresh(devices);
}

}  // namespace holdfast::hw
