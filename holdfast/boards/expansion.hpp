// SPDX-License-Identifier: Apache-2.0
// What a board has room for while it runs: a value that outlives the plan it was made with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/extent.hpp"
#include "holdfast/boards/plan.hpp"
#include "holdfast/hw/places.hpp"

namespace holdfast::boards {

class Expansion {
 public:
  virtual ~Expansion() = default;
  /// Where `irq=N` of a device leads; none if the board has no inputs of that kind.
  virtual std::optional<PinRef> interrupt(unsigned /*number*/) const { return std::nullopt; }

  /// Where a CPU is or can be; its number is that of a place of cpu_places().
  struct CpuSocket {
    std::uint32_t core = 0;
    const object::Type* type = nullptr;  // that goes there
    std::optional<std::uint32_t> node{};
  };
  /// In order of their numbers; none if CPUs cannot come or go.
  virtual std::vector<CpuSocket> cpu_sockets() const { return {}; }
  virtual Ref<hw::Places> cpu_places() const { return {}; }
  /// Adds the CPU of a socket to a plan, as its last device, with memory and wires.
  virtual void add_cpu(BoardPlan& /*plan*/, std::string /*name*/, std::uint32_t /*core*/) const {}

  /// Where modules of RAM go.
  struct MemoryRoom {
    Extent window;  // of the system bus
    Ref<hw::Places> slots;
    std::uint32_t nodes = 1;
  };
  /// None if there are no slots.
  virtual std::optional<MemoryRoom> memory_room() const { return std::nullopt; }
};

}  // namespace holdfast::boards
