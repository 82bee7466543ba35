// SPDX-License-Identifier: Apache-2.0
// What the host may set: features, as numbers with a default each. None is saved.
//
// LOCK: the controller's gate.
//
// SPEC: NVM Express 1.4, 5.14, 5.21.
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "holdfast/devices/storage/nvme/spec.hpp"

namespace holdfast::devices::nvme {

class Features {
 public:
  struct Limits {
    std::uint32_t queue_pairs = 64;  // for I/O
    std::uint32_t vectors = 65;
    bool write_cache = true;  // whether there is one that can be switched
  };
  explicit Features(const Limits& limits);

  /// Whether a number is a feature's at all.
  static bool is_known(std::uint8_t feature);
  /// The value in force, and the one after a reset. `dw11` picks one of several.
  std::expected<std::uint32_t, Status> now(Feature feature, std::uint32_t dw11) const;
  std::expected<std::uint32_t, Status> at_reset(Feature feature, std::uint32_t dw11) const;
  /// Dword 0 of the completion, or what is wrong.
  std::expected<std::uint32_t, Status> set(Feature feature, std::uint32_t dw11,
                                           std::uint32_t queues_there);
  void reset();

  bool write_cache() const { return values_.write_cache != 0; }
  std::uint32_t event_configuration() const { return values_.events; }
  /// Over, and under, which the temperature is news; kelvins.
  std::uint16_t hottest() const { return values_.hottest; }
  std::uint16_t coldest() const { return values_.coldest; }

 private:
  struct Values {
    std::uint32_t arbitration = 0x7;  // no limit to a burst
    std::uint32_t power = 0;
    std::uint32_t error_recovery = 0;
    std::uint32_t write_cache = 0;
    std::uint32_t coalescing = 0;
    std::uint32_t atomicity = 0;
    std::uint32_t events = 0;
    std::uint16_t hottest = 0x157;  // 70 °C
    std::uint16_t coldest = 0;
    std::vector<std::uint32_t> vectors{};
  };
  Values defaults() const;
  std::expected<std::uint32_t, Status> get(const Values& values, Feature feature,
                                           std::uint32_t dw11) const;
  std::expected<std::uint32_t, Status> set_threshold(std::uint32_t dw11);
  std::expected<std::uint32_t, Status> set_queues(std::uint32_t dw11, std::uint32_t queues_there);

  const Limits limits_;
  Values values_;
};

}  // namespace holdfast::devices::nvme
