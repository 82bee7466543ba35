// SPDX-License-Identifier: Apache-2.0
// A port: one bus master's way into its address space. It looks addresses up, remembers the last
// hits, passes the gates of the devices it meets and adapts each access to what they accept.
//
// A port is used by one thread at a time. CPUs stay in one section() for a slice of work; whoever
// needs just one access may leave that to the port.
//
// Guest RAM is touched directly. A handler is called inside its device's gate and outside of the
// caller's read section, so nothing found before an access is good after it: ask direct() again.
// A write to a handler from inside a device's callback is posted (performed after the callback has
// left); a read is performed on the spot, after the writes posted before it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "holdfast/memory/address_space.hpp"
#include "holdfast/memory/dispatch.hpp"
#include "holdfast/memory/guest_bytes.hpp"
#include "holdfast/memory/hold.hpp"

namespace holdfast::memory {

class Port {
 public:
  explicit Port(AddressSpace& space);
  /// Outlives the space: sees nothing once that is gone.
  explicit Port(Ref<SpaceControl> space);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// One slice of work: a read section.
  [[nodiscard]] rcu::Section section() const { return rcu::Section{domain_}; }
  /// Moves whenever what this port sees may have changed. Inside a section.
  std::uint64_t stamp() const { return space_->stamp(); }
  rcu::Domain& domain() const { return domain_; }

  struct Direct {
    std::byte* host;  // of address `first`
    std::uint64_t first;
    std::uint64_t last;
    bool writable;
  };
  /// The stretch of RAM or ROM around the address; nothing for devices and holes. Inside a section,
  /// good until its end.
  std::optional<Direct> direct(std::uint64_t address);

  enum class HoldFor : std::uint8_t { kReading, kWriting };
  /// Holds the RAM at the address, up to `length` bytes of it, for longer than a section; nothing
  /// if that is not RAM (or, to write, ROM). A block that is being removed is looked past.
  std::optional<Hold> hold(std::uint64_t address, std::uint64_t length, HoldFor use,
                           std::string who, std::source_location where);

  /// One access of 1, 2, 4 or 8 bytes, little-endian. Straddling two ranges it is split, like a
  /// longer one. Failed reads give 0, those that could not wait all ones.
  MemTxResult load(std::uint64_t address, unsigned size, std::uint64_t& value, MemTxAttrs attrs);
  MemTxResult store(std::uint64_t address, unsigned size, std::uint64_t value, MemTxAttrs attrs);

  /// Any number of bytes, in the pieces that each range accepts; the address wraps round at 2^64.
  /// All pieces are tried; their results are OR-ed.
  MemTxResult read(std::uint64_t address, std::span<std::byte> bytes, MemTxAttrs attrs = {});
  MemTxResult write(std::uint64_t address, std::span<const std::byte> bytes,
                    MemTxAttrs attrs = {});

  const SpaceControl& space() const { return *space_; }

 private:
  /// What was found at some addresses, good while the space's stamp stays.
  struct Hit {
    Extent extent{1, 0};                    // in the space; nothing yet
    const RegionControl* region = nullptr;  // nullptr: a hole
    std::uint64_t offset = 0;               // of extent.first in the region
    RangeFlags flags{};
    std::uint64_t stamp = 0;

    std::uint64_t offset_of(std::uint64_t address) const {
      return offset + (address - extent.first);
    }
  };

  enum class Direction : std::uint8_t { kRead, kWrite };
  struct Step {
    MemTxResult result;
    std::uint64_t length;
  };

  const Hit& find(std::uint64_t address);
  Hit look_up(std::uint64_t address) const;
  bool is_current(const Hit& hit) const { return hit.stamp == space_->stamp(); }

  MemTxResult single(std::uint64_t address, BusAccess& access);
  MemTxResult straddling(std::uint64_t address, BusAccess& access);
  MemTxResult by_bytes(std::uint64_t address, std::byte* bytes, std::uint64_t length,
                       Direction direction, MemTxAttrs attrs);
  std::optional<Step> piece(const Hit& hit, std::uint64_t address, std::byte* bytes,
                            std::uint64_t room, std::uint64_t length, Direction direction,
                            MemTxAttrs attrs);
  std::optional<MemTxResult> indirect(const Hit& hit, std::uint64_t address, BusAccess& access);
  std::optional<MemTxResult> enter_and_call(const Hit& hit, BusAccess& access);
  std::optional<MemTxResult> entered(gate::Entry entry, const Hit& hit, gate::Gate& gate,
                                     BusAccess& access);
  MemTxResult called_inside(const RegionControl& region, gate::Gate& gate, BusAccess& access);
  MemTxResult post(std::uint64_t address, const BusAccess& access);

  const Ref<SpaceControl> space_;
  rcu::Domain& domain_;  // the machine's
  Hit memory_hit_;
  Hit device_hit_;
};

}  // namespace holdfast::memory
