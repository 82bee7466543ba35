// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/port.hpp"

#include <algorithm>
#include <cstring>

#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/fabric.hpp"

namespace holdfast::memory {
namespace {

constexpr gate::Use kRead{"mmio read"};
constexpr gate::Use kWrite{"mmio write"};

bool has_memory(const RegionControl& region) { return region.host() != nullptr; }

/// Whether the access goes straight to host memory.
bool is_direct(const RegionControl& region, RangeFlags flags, bool is_write, MemTxAttrs attrs) {
  if (!has_memory(region)) return false;
  if (is_write)
    return attrs.debug ? !region.ram()->host_read_only()
                       : region.kind() == RegionKind::kRam && !any(flags & RangeFlags::kReadOnly);
  return region.kind() != RegionKind::kRomDevice || any(flags & RangeFlags::kRomdDirect);
}

/// Whether callbacks serve the access if memory does not.
bool is_served(const RegionControl& region, bool is_write) {
  return region.kind() == RegionKind::kMmio ||
         (region.kind() == RegionKind::kRomDevice && (is_write || region.handler() != nullptr));
}

MemTxResult refused(const RegionControl& region, BusAccess& access) {
  region.gate().realm().count_reentry();
  if (region.first_warning())
    log::warn("region '{}': '{}' reaches itself through memory: access refused", region.name(),
              region.gate().name());
  if (!access.is_write) access.value = 0;
  return MemTxResult::kAccessError;
}

MemTxResult nobody_there(BusAccess& access) {
  if (!access.is_write) access.value = 0;
  return MemTxResult::kDecodeError;
}

}  // namespace

Port::Port(AddressSpace& space) : Port{space.control()} {}
Port::Port(Ref<SpaceControl> space)
    : space_{std::move(space)}, domain_{space_->fabric().realm().domain()} {}

// --- finding ---------------------------------------------------------------------------------------

const Port::Hit& Port::find(std::uint64_t address) {
  if (memory_hit_.extent.contains(address) && is_current(memory_hit_)) return memory_hit_;
  if (device_hit_.extent.contains(address) && is_current(device_hit_)) return device_hit_;
  const Hit hit = look_up(address);
  Hit& kept = hit.region != nullptr && has_memory(*hit.region) ? memory_hit_ : device_hit_;
  return kept = hit;
}

Port::Hit Port::look_up(std::uint64_t address) const {
  Hit hit;
  hit.stamp = space_->stamp();  // before the look-up: an old map is never taken for a new one
  const FindResult found = space_->find(address);
  HF_SCHEDULE_POINT("memory.port.looked_up");
  if (!found.found) {
    hit.extent = found.hole;
    return hit;
  }
  hit.extent = {found.range.first, found.range.last};
  hit.region = found.range.control();
  hit.offset = found.range.offset;
  hit.flags = found.range.flags;
  return hit;
}

// --- direct memory ---------------------------------------------------------------------------------

std::optional<Port::Direct> Port::direct(std::uint64_t address) {
  const Hit& hit = find(address);
  if (hit.region == nullptr || !is_direct(*hit.region, hit.flags, false, {})) return std::nullopt;
  return Direct{.host = hit.region->host() + hit.offset,
                .first = hit.extent.first,
                .last = hit.extent.last,
                .writable = is_direct(*hit.region, hit.flags, true, {})};
}

std::optional<Hold> Port::hold(std::uint64_t address, std::uint64_t length, HoldFor use,
                               std::string who, std::source_location where) {
  const rcu::Section section{domain_};
  for (;;) {
    const Hit& hit = find(address);
    if (hit.region == nullptr ||
        !is_direct(*hit.region, hit.flags, use == HoldFor::kWriting, {}))
      return std::nullopt;
    const std::uint64_t room = std::min(length - 1, hit.extent.last - address) + 1;
    HF_SCHEDULE_POINT("memory.port.before_hold");
    auto held = Hold::take(*hit.region->ram(), hit.region->ram_offset() + hit.offset_of(address),
                           room, who, where);
    // A closed block has left the map already, so looking again finds what is there now.
    if (held || is_current(hit)) return held;
  }
}

// --- accesses --------------------------------------------------------------------------------------

MemTxResult Port::load(std::uint64_t address, unsigned size, std::uint64_t& value,
                       MemTxAttrs attrs) {
  BusAccess access{.size = size, .attrs = attrs};
  const MemTxResult result = single(address, access);
  value = access.value;
  return result;
}

MemTxResult Port::store(std::uint64_t address, unsigned size, std::uint64_t value,
                        MemTxAttrs attrs) {
  BusAccess access{.size = size, .value = value, .is_write = true, .attrs = attrs};
  return single(address, access);
}

MemTxResult Port::read(std::uint64_t address, std::span<std::byte> bytes, MemTxAttrs attrs) {
  const rcu::Section section{domain_};
  return by_bytes(address, bytes.data(), bytes.size(), Direction::kRead, attrs);
}

MemTxResult Port::write(std::uint64_t address, std::span<const std::byte> bytes, MemTxAttrs attrs) {
  const rcu::Section section{domain_};
  // Only read from in this direction.
  return by_bytes(address, const_cast<std::byte*>(bytes.data()), bytes.size(), Direction::kWrite,
                  attrs);
}

MemTxResult Port::single(std::uint64_t address, BusAccess& access) {
  const rcu::Section section{domain_};
  for (;;) {
    const Hit& hit = find(address);
    if (hit.extent.last - address < access.size - 1) return straddling(address, access);
    access.offset = hit.offset_of(address);
    if (hit.region != nullptr && is_direct(*hit.region, hit.flags, access.is_write, access.attrs)) {
      std::byte* host = hit.region->host() + access.offset;
      if (access.is_write)
        store_guest(host, access.size, access.value);
      else
        access.value = load_guest(host, access.size);
      return MemTxResult::kOk;
    }
    if (const auto result = indirect(hit, address, access)) return *result;
  }
}

MemTxResult Port::straddling(std::uint64_t address, BusAccess& access) {
  const auto direction = access.is_write ? Direction::kWrite : Direction::kRead;
  if (!access.is_write) access.value = 0;
  return by_bytes(address, reinterpret_cast<std::byte*>(&access.value), access.size, direction,
                  access.attrs);
}

MemTxResult Port::by_bytes(std::uint64_t address, std::byte* bytes, std::uint64_t length,
                           Direction direction, MemTxAttrs attrs) {
  MemTxResult result = MemTxResult::kOk;
  while (length != 0) {
    const Hit& hit = find(address);
    const std::uint64_t room = std::min(length - 1, hit.extent.last - address) + 1;
    const auto step = piece(hit, address, bytes, room, length, direction, attrs);
    if (!step) continue;  // the map moved: look again
    result |= step->result;
    address += step->length;
    bytes += step->length;
    length -= step->length;
  }
  return result;
}

// One piece: `room` bytes lie in the range, `length` are wanted in all. Handlers are offered what
// their rules allow even if the range ends before: registers may overlay each other.
std::optional<Port::Step> Port::piece(const Hit& hit, std::uint64_t address, std::byte* bytes,
                                      std::uint64_t room, std::uint64_t length, Direction direction,
                                      MemTxAttrs attrs) {
  const bool is_write = direction == Direction::kWrite;
  const std::uint64_t offset = hit.offset_of(address);
  if (hit.region != nullptr && is_direct(*hit.region, hit.flags, is_write, attrs)) {
    std::byte* host = hit.region->host() + offset;
    copy_guest_bytes(is_write ? host : bytes, is_write ? bytes : host, room);
    return Step{MemTxResult::kOk, room};
  }
  BusAccess access{.offset = offset, .is_write = is_write, .attrs = attrs};
  if (attrs.memory || hit.region == nullptr || !is_served(*hit.region, is_write)) {
    const auto result = indirect(hit, address, access);
    if (!result) return std::nullopt;
    if (!is_write) std::memset(bytes, 0, room);
    return Step{*result, room};
  }
  access.size = transfer_size(hit.region->rules(), offset, length);
  if (is_write) std::memcpy(&access.value, bytes, access.size);
  const unsigned size = access.size;
  const auto result = indirect(hit, address, access);
  if (!result) return std::nullopt;
  if (!is_write) std::memcpy(bytes, &access.value, size);
  return Step{*result, size};
}

// --- what is not memory ----------------------------------------------------------------------------

// Nothing if the map moved: translate again. `hit` is not good after a handler was called.
std::optional<MemTxResult> Port::indirect(const Hit& hit, std::uint64_t address,
                                          BusAccess& access) {
  if (hit.region == nullptr || access.attrs.memory || !is_served(*hit.region, access.is_write)) {
    HF_SCHEDULE_POINT("memory.port.before_miss");
    if (!is_current(hit)) return std::nullopt;
    if (hit.region != nullptr && access.attrs.memory) {
      if (!access.is_write) access.value = 0;
      return MemTxResult::kAccessError;
    }
    return nobody_there(access);
  }
  const RegionControl& region = *hit.region;
  gate::Activity& me = gate::Activity::current();
  if (me.in_callback()) {
    if (!region.may_reenter() && me.inside(region.gate())) return refused(region, access);
    if (access.is_write) return post(address, access);
    if (me.outbox().has_posted_writes()) {
      const rcu::Suspension suspended{domain_};
      me.outbox().perform_posted_writes();
      return std::nullopt;
    }
  }
  return enter_and_call(hit, access);
}

std::optional<MemTxResult> Port::enter_and_call(const Hit& hit, BusAccess& access) {
  const RegionControl& region = *hit.region;
  gate::Gate& gate = region.gate();
  const gate::Use& use = access.is_write ? kWrite : kRead;
  const auto reentry = region.may_reenter() ? gate::Reentry::kAllow : gate::Reentry::kRefuse;
  HF_SCHEDULE_POINT("memory.port.before_gate");
  gate::Entry entry = gate.try_enter(use, reentry);
  if (entry == gate::Entry::kBusy) {
    // Nobody waits inside a section; the gate's storage is kept by a reference meanwhile.
    if (!gate.try_acquire()) return std::nullopt;
    const auto keep = Ref<gate::Gate>::adopt(&gate);
    {
      const rcu::Suspension suspended{domain_};
      entry = gate.enter(use, reentry);
    }
    return entered(entry, hit, gate, access);
  }
  return entered(entry, hit, gate, access);
}

// From here on `hit.region` is looked at only if the hit is still current: after a wait it may be
// gone. A region is found dropped, and a gate closed, only after the map without it was published.
std::optional<MemTxResult> Port::entered(gate::Entry entry, const Hit& hit, gate::Gate& gate,
                                         BusAccess& access) {
  switch (entry) {
    case gate::Entry::kEntered:
      break;
    case gate::Entry::kReentry:
      return refused(*hit.region, access);
    case gate::Entry::kCircle:
      if (!is_current(hit)) return std::nullopt;  // what it waited for is not there any more
      log::warn("'{}': an access was given up: its devices wait for each other", gate.name());
      if (!access.is_write) access.value = ~std::uint64_t{0} >> (64 - 8 * access.size);
      return MemTxResult::kAccessError;
    default:
      if (!is_current(hit)) return std::nullopt;
      return nobody_there(access);
  }
  HF_SCHEDULE_POINT("memory.port.entered");
  const bool current = is_current(hit);
  HF_SCHEDULE_POINT("memory.port.before_region");
  if (!current || !hit.region->enter()) {
    gate.leave();
    if (!is_current(hit)) return std::nullopt;
    return nobody_there(access);
  }
  return called_inside(*hit.region, gate, access);
}

MemTxResult Port::called_inside(const RegionControl& region, gate::Gate& gate, BusAccess& access) {
  if (gate.locking() == gate::Locking::kGrace) {
    const MemTxResult result = dispatch(*region.handler(), region.rules(), access);
    gate.leave();
    return result;
  }
  const rcu::Suspension suspended{domain_};  // a thread inside a device delays no grace period
  const MemTxResult result = dispatch(*region.handler(), region.rules(), access);
  region.leave();
  gate.leave();
  return result;
}

MemTxResult Port::post(std::uint64_t address, const BusAccess& access) {
  gate::Activity::current().outbox().post(
      gate::Outbox::Kind::kPostedWrite,
      [space = space_, address, size = access.size, value = access.value, attrs = access.attrs] {
        Port port{space};
        // A posted write has no one to report to: what nobody takes is lost, as on a bus.
        static_cast<void>(port.store(address, size, value, attrs));
      });
  return MemTxResult::kOk;
}

}  // namespace holdfast::memory
