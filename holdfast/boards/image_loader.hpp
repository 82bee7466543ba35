// SPDX-License-Identifier: Apache-2.0
// Puts firmware, kernels and device trees into a machine's memory: when the machine is made and at
// each reset, so that a guest which overwrote them starts afresh.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/hw/device.hpp"
#include "holdfast/hw/space.hpp"

namespace holdfast::boards {

class ImageLoader final : public hw::Device {
 public:
  static const object::Type kType;

  /// Bytes for one stretch of guest-physical addresses; zeroes follow up to `size`.
  struct Blob {
    std::string name;  // for messages
    std::uint64_t address = 0;
    std::vector<std::byte> bytes;
    std::uint64_t size = 0;  // at least bytes.size()
  };
  struct Config {
    std::vector<Blob> blobs;
  };
  ImageLoader(const hw::DeviceInit& init, Config config);

  const std::vector<Blob>& blobs() const { return config_.blobs; }

 private:
  /// Loads for the first time, when the memory is there.
  class Starter final : public hw::Part {
   public:
    explicit Starter(ImageLoader& loader) : Part{loader, "starter", "load"}, loader_{loader} {}

   private:
    void published() override { loader_.load(); }
    ImageLoader& loader_;  // which this is a member of
  };

  void load();
  void on_reset(hw::ResetPhase phase) override;

  const Config config_;
  hw::RegionLink memory_{*this, "memory"};
  hw::Space space_{*this, "space", memory_};
  Starter starter_{*this};
};

}  // namespace holdfast::boards
