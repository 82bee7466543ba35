// SPDX-License-Identifier: Apache-2.0
// Reset in three phases. Each phase goes over all devices before the next begins: first everybody sets
// its own state and touches nobody, then outputs are driven, then what runs by itself starts. What
// comes from outside of the guest is held back meanwhile (holdback.hpp); level changes are delivered
// as each device is left, so at the end of a phase all are.
#pragma once

#include <span>

namespace holdfast::hw {

class CpuSet;
class Device;
class Holdback;

/// Resets these devices and all below them. A control job, or the only thread there is. `cpus` may be
/// null: then there are none that run.
void reset_devices(std::span<Device* const> devices, Holdback& holdback, CpuSet* cpus);

/// For devices that are not published yet: nobody else can be inside.
void reset_fresh(std::span<Device* const> devices);

}  // namespace holdfast::hw
