// SPDX-License-Identifier: Apache-2.0
// An address space as a part: by which a device reaches memory. Its root is a region link's target,
// a region of the device itself, or, until one is set, nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "holdfast/hw/region_part.hpp"
#include "holdfast/memory/address_space.hpp"

namespace holdfast::hw {

class Space final : public Part {
 public:
  /// Sees what `link` names, from prepare on. `link` may be declared before or after.
  Space(Device& device, std::string name, RegionLink& link, std::uint16_t requester_id = 0);
  /// Sees nothing until a root is set.
  Space(Device& device, std::string name, std::uint16_t requester_id = 0);

  memory::AddressSpace& operator*() { return space_; }
  memory::AddressSpace* operator->() { return &space_; }
  memory::AddressSpace& get() { return space_; }

  /// At any time; in a callback it follows when the thread has left.
  void set_root(RegionPart& root);

 private:
  Result<void> prepare() override;
  void unprepare() override;

  RegionLink* const link_;  // a member of the same device, or null
  object::Handle<RegionPart> root_;
  memory::AddressSpace space_;
};

}  // namespace holdfast::hw
