// SPDX-License-Identifier: Apache-2.0
// A module of RAM that is put into a slot and taken out while the machine runs. It shows the bytes of a
// memory object, which it claims, as it claims its slot, from its prepare until it is destroyed. It is
// destroyed when no CPU sees its bytes any more; whoever has a hold on them keeps them.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/hw/claim.hpp"
#include "holdfast/hw/device.hpp"
#include "holdfast/hw/memory_backend.hpp"
#include "holdfast/hw/places.hpp"
#include "holdfast/hw/region_part.hpp"

namespace holdfast::boards {

class MemoryModule final : public hw::Device {
 public:
  static const object::Type kType;
  enum class Plugged : std::uint8_t { kAtStart, kLater };
  struct Config {
    hw::MemoryBackend* memory = nullptr;  // outlives the device; none: 1 MiB of its own
    std::uint64_t address = 0;            // where it is placed, for those who ask
    std::int32_t slot = -1;               // -1: none
    std::uint32_t node = 0;
    Ref<hw::Places> slots{};              // of which it has the one of its number
    Plugged plugged = Plugged::kLater;
  };
  MemoryModule(const hw::DeviceInit& init, const Config& config);

  std::uint64_t address() const { return config_.address; }
  std::uint64_t size() const { return ram_.size(); }
  std::int32_t slot() const { return config_.slot; }
  std::uint32_t node_number() const { return config_.node; }
  bool is_hotplugged() const { return config_.plugged == Plugged::kLater; }
  /// The path of its memory object; "" if it has none.
  std::string memory() const;

 private:
  static const object::Property kProperties[];
  Result<void> check() override;

  const Config config_;
  hw::Claim memory_claim_;
  hw::Claim slot_claim_;
  hw::Ram ram_;
};

}  // namespace holdfast::boards
