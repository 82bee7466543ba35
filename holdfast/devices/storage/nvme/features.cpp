// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/features.hpp"

namespace holdfast::devices::nvme {
namespace {

using Value = std::expected<std::uint32_t, Status>;

Value refuse(Status status) { return std::unexpected{status}; }

// Temperature threshold: which sensor, and which side.
unsigned sensor_of(std::uint32_t dw11) { return dw11 >> 16U & 15U; }
unsigned side_of(std::uint32_t dw11) { return dw11 >> 20U & 3U; }
constexpr unsigned kComposite = 0;
constexpr unsigned kAllSensors = 15;
constexpr unsigned kOver = 0;
constexpr unsigned kUnder = 1;

}  // namespace

Features::Features(const Limits& limits) : limits_{limits}, values_{defaults()} {}

Features::Values Features::defaults() const {
  Values values{.write_cache = limits_.write_cache ? 1U : 0U};
  for (std::uint32_t i = 0; i < limits_.vectors; ++i) values.vectors.push_back(i);
  return values;
}

void Features::reset() { values_ = defaults(); }

bool Features::is_known(std::uint8_t feature) {
  switch (static_cast<Feature>(feature)) {
    case Feature::kArbitration:
    case Feature::kPowerManagement:
    case Feature::kTemperatureThreshold:
    case Feature::kErrorRecovery:
    case Feature::kVolatileWriteCache:
    case Feature::kNumberOfQueues:
    case Feature::kInterruptCoalescing:
    case Feature::kInterruptVector:
    case Feature::kWriteAtomicity:
    case Feature::kEventConfiguration:
    case Feature::kTimestamp:
      return true;
  }
  return false;
}

Value Features::now(Feature feature, std::uint32_t dw11) const {
  return get(values_, feature, dw11);
}
Value Features::at_reset(Feature feature, std::uint32_t dw11) const {
  return get(defaults(), feature, dw11);
}

Value Features::get(const Values& values, Feature feature, std::uint32_t dw11) const {
  switch (feature) {
    case Feature::kArbitration: return values.arbitration;
    case Feature::kPowerManagement: return values.power;
    case Feature::kTemperatureThreshold:
      // Sensors of their own there are none.
      if (sensor_of(dw11) != kComposite || side_of(dw11) > kUnder) return refuse(Status::kInvalidField);
      return side_of(dw11) == kOver ? values.hottest : values.coldest;
    case Feature::kErrorRecovery: return values.error_recovery;
    case Feature::kVolatileWriteCache:
      if (!limits_.write_cache) return refuse(Status::kInvalidField);
      return values.write_cache;
    case Feature::kNumberOfQueues: {
      const std::uint32_t least_one = limits_.queue_pairs - 1;
      return least_one << 16U | least_one;
    }
    case Feature::kInterruptCoalescing: return values.coalescing;
    case Feature::kInterruptVector: {
      const std::uint32_t vector = dw11 & 0xffffU;
      if (vector >= values.vectors.size()) return refuse(Status::kInvalidField);
      return values.vectors[vector];
    }
    case Feature::kWriteAtomicity: return values.atomicity;
    case Feature::kEventConfiguration: return values.events;
    case Feature::kTimestamp: return 0;
  }
  return refuse(Status::kInvalidField);
}

Value Features::set_threshold(std::uint32_t dw11) {
  const unsigned sensor = sensor_of(dw11);
  if ((sensor != kComposite && sensor != kAllSensors) || side_of(dw11) > kUnder)
    return refuse(Status::kInvalidField);
  const auto kelvins = static_cast<std::uint16_t>(dw11);
  (side_of(dw11) == kOver ? values_.hottest : values_.coldest) = kelvins;
  return 0;
}

Value Features::set_queues(std::uint32_t dw11, std::uint32_t queues_there) {
  if ((dw11 & 0xffffU) == 0xffffU || dw11 >> 16U == 0xffffU) return refuse(Status::kInvalidField);
  // SPEC: 5.21.1.7: not once queues were made.
  if (queues_there != 0) return refuse(Status::kCommandSequenceError);
  const std::uint32_t least_one = limits_.queue_pairs - 1;
  return least_one << 16U | least_one;
}

Value Features::set(Feature feature, std::uint32_t dw11, std::uint32_t queues_there) {
  switch (feature) {
    case Feature::kArbitration:
      values_.arbitration = dw11;
      return 0;
    case Feature::kPowerManagement:
      if ((dw11 & 31U) != 0) return refuse(Status::kInvalidField);  // there is one power state
      values_.power = dw11 & 0xffU;
      return 0;
    case Feature::kTemperatureThreshold: return set_threshold(dw11);
    case Feature::kErrorRecovery:
      if ((dw11 >> 16U & 1U) != 0) return refuse(Status::kInvalidField);  // DULBE: not there
      values_.error_recovery = dw11 & 0xffffU;
      return 0;
    case Feature::kVolatileWriteCache:
      if (!limits_.write_cache) return refuse(Status::kInvalidField);
      values_.write_cache = dw11 & 1U;
      return 0;
    case Feature::kNumberOfQueues: return set_queues(dw11, queues_there);
    case Feature::kInterruptCoalescing:
      values_.coalescing = dw11 & 0xffffU;
      return 0;
    case Feature::kInterruptVector: {
      const std::uint32_t vector = dw11 & 0xffffU;
      if (vector >= values_.vectors.size()) return refuse(Status::kInvalidField);
      values_.vectors[vector] = dw11 & 0x1'ffffU;
      return 0;
    }
    case Feature::kWriteAtomicity:
      values_.atomicity = dw11 & 1U;
      return 0;
    case Feature::kEventConfiguration:
      values_.events = dw11;
      return 0;
    case Feature::kTimestamp: break;  // by its data
  }
  return refuse(Status::kInvalidField);
}

}  // namespace holdfast::devices::nvme
