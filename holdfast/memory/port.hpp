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
    StoreMarks* marks;  // whoever stores to it by himself looks there first
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
  MemTxResult load(std::uint64_t address, unsigned size, std::uint64_t& value, MemTxAttrs attrs) {
    if (at_hand(readable_, address, size)) {
      value = load_guest_aligned(readable_.at(address), size);
      return MemTxResult::kOk;
    }
    return load_elsewhere(address, size, value, attrs);
  }
  MemTxResult store(std::uint64_t address, unsigned size, std::uint64_t value, MemTxAttrs attrs) {
    if (at_hand(writable_, address, size)) {
      std::byte* const host = writable_.at(address);
      store_guest_aligned(host, size, value);
      if (StoreMarks::load(writable_.marks, host) != 0) [[unlikely]]
        stored_at_hand(host, size);
      return MemTxResult::kOk;
    }
    return store_elsewhere(address, size, value, attrs);
  }

  /// Any number of bytes, in the pieces that each range accepts; the address wraps round at 2^64.
  /// All pieces are tried; their results are OR-ed.
  MemTxResult read(std::uint64_t address, std::span<std::byte> bytes, MemTxAttrs attrs = {});
  MemTxResult write(std::uint64_t address, std::span<const std::byte> bytes, MemTxAttrs attrs = {});

  const SpaceControl& space() const { return *space_; }

 private:
  enum class Direction : std::uint8_t { kRead, kWrite };
  /// Who answers an access with nothing special about it.
  enum class Server : std::uint8_t { kNobody, kMemory, kHandler };

  /// What was found at some addresses, good while the space's stamp stays.
  struct Hit {
    Extent extent{1, 0};                    // in the space; nothing yet
    const RegionControl* region = nullptr;  // nullptr: a hole
    std::uint64_t offset = 0;               // of extent.first in the region
    RangeFlags flags{};
    std::array<Server, 2> servers{};  // by direction
    std::uint64_t stamp = 0;

    std::uint64_t offset_of(std::uint64_t address) const {
      return offset + (address - extent.first);
    }
    Server server(Direction direction) const {
      return servers[static_cast<std::size_t>(direction)];
    }
    bool covers(std::uint64_t address, std::uint64_t now) const {
      return extent.contains(address) && stamp == now;
    }
  };

  /// What a hit on plain memory comes down to: where its bytes are.
  struct Window {
    std::uint64_t first = 0;
    std::uint64_t reach = 0;  // so far behind `first` an access of 8 bytes may begin
    std::uint64_t stamp = 0;  // no space's stamp is 0: nothing yet
    std::byte* host = nullptr;
    std::uintptr_t marks = 0;  // StoreMarks::bias

    bool has(std::uint64_t address) const { return address - first <= reach; }
    std::byte* at(std::uint64_t address) const { return host + (address - first); }
  };

  /// The short way of load and store, with nothing in it that is a call: an aligned access to the
  /// memory hit last, by a thread that is inside a section. What it does not recognise takes the
  /// long way, which knows everything.
  bool at_hand(const Window& window, std::uint64_t address, unsigned size) const {
    return window.has(address) && domain_.inside_last_used() && space_->surely_has(window.stamp) &&
           is_aligned(window.at(address), size);
  }

  /// One piece of a longer access.
  struct Step {
    MemTxResult result;
    std::uint64_t length;
  };

  /// Instead of a result: the map moved before the piece began, translate again.
  static constexpr MemTxResult kAgain{1U << 31};

  /// After a store to memory.
  void stored(const RegionControl& region, const std::byte* host, std::uint64_t length);
  [[gnu::cold]] void stored_at_hand(const std::byte* host, unsigned size);

  const Hit& find(std::uint64_t address);
  const Hit& find_anew(std::uint64_t address);
  static Server server(const Hit& hit, Direction direction, MemTxAttrs attrs);
  static Server server_now(const Hit& hit, Direction direction, MemTxAttrs attrs);
  static Window window(const Hit& hit, Direction direction);
  Hit look_up(std::uint64_t address) const;
  bool is_current(const Hit& hit) const { return hit.stamp == space_->stamp(); }

  MemTxResult load_elsewhere(std::uint64_t address, unsigned size, std::uint64_t& value,
                             MemTxAttrs attrs);
  MemTxResult store_elsewhere(std::uint64_t address, unsigned size, std::uint64_t value,
                              MemTxAttrs attrs);
  // From here on inside a section.
  MemTxResult single(std::uint64_t address, BusAccess& access);
  MemTxResult straddling(std::uint64_t address, BusAccess& access);
  MemTxResult by_bytes(std::uint64_t address, std::byte* bytes, std::uint64_t length,
                       Direction direction, MemTxAttrs attrs);
  Step piece(const Hit& hit, std::uint64_t address, std::byte* bytes, std::uint64_t room,
             std::uint64_t length, Direction direction, MemTxAttrs attrs);
  // These may give kAgain.
  MemTxResult from_nobody(const Hit& hit, BusAccess& access);
  MemTxResult from_handler(const Hit& hit, std::uint64_t address, BusAccess& access);
  [[gnu::cold]] std::optional<MemTxResult> instead_of_call(gate::Activity& me, const Hit& hit,
                                                           std::uint64_t address,
                                                           BusAccess& access);
  [[gnu::cold]] gate::Entry wait_at(gate::Gate& gate, const Hit& hit, const BusAccess& access,
                                    Ref<gate::Gate>& keep);
  [[gnu::cold]] MemTxResult turned_away(gate::Entry entry, const Hit& hit, gate::Gate& gate,
                                        BusAccess& access);
  MemTxResult call_inside(gate::Activity& me, const RegionControl& region, gate::Gate& gate,
                          BusAccess& access);
  MemTxResult post(gate::Activity& me, std::uint64_t address, const BusAccess& access);
  Step post_bytes(const Hit& hit, std::uint64_t address, std::span<const std::byte> bytes,
                  BusAccess& access);
  std::uint64_t deliver(std::uint64_t address, std::span<std::byte> bytes, MemTxAttrs attrs);

  const Ref<SpaceControl> space_;
  rcu::Domain& domain_;  // the machine's
  // Of the memory hit: what loads and stores look at first. Each has a stamp of its own.
  Window readable_;
  Window writable_;
  Hit device_hit_;
  Hit memory_hit_;
};

}  // namespace holdfast::memory
