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

const gate::Use& use_of(const BusAccess& access) {
  return access.is_write ? kWrite : kRead;
}

gate::Reentry reentry_of(const RegionControl& region) {
  return region.may_reenter() ? gate::Reentry::kAllow : gate::Reentry::kRefuse;
}

bool has_memory(const RegionControl& region) {
  return region.host() != nullptr;
}

MemTxResult refused(const RegionControl& region, BusAccess& access) {
  region.gate().realm().count_reentry();
  if (region.first_warning())
    log::warn("region '{}': '{}' reaches itself through memory: access refused", region.name(),
              region.gate().name());
  if (!access.is_write) access.value = 0;
  return MemTxResult::kAccessError;
}

/// By a time-out, in PCI's words.
MemTxResult given_up(const gate::Gate& gate, BusAccess& access) {
  log::warn("'{}': an access was given up: its devices wait for each other", gate.name());
  if (!access.is_write) access.value = ~std::uint64_t{0} >> (64 - 8 * access.size);
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

// --- finding -------------------------------------------------------------------------------------

inline const Port::Hit& Port::find(std::uint64_t address) {
  const std::uint64_t now = stamp();
  if (device_hit_.covers(address, now)) return device_hit_;
  if (memory_hit_.covers(address, now)) return memory_hit_;
  return find_anew(address);
}

const Port::Hit& Port::find_anew(std::uint64_t address) {
  const Hit hit = look_up(address);
  if (hit.region == nullptr || !has_memory(*hit.region)) return device_hit_ = hit;
  readable_ = window(hit, Direction::kRead);
  writable_ = window(hit, Direction::kWrite);
  return memory_hit_ = hit;
}

Port::Hit Port::look_up(std::uint64_t address) const {
  Hit hit;
  hit.stamp = stamp();  // before the look-up: an old map is never taken for a new one
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
  hit.servers = {server(hit, Direction::kRead, {}), server(hit, Direction::kWrite, {})};
  return hit;
}

Port::Server Port::server(const Hit& hit, Direction direction, MemTxAttrs attrs) {
  if (hit.region == nullptr) return Server::kNobody;
  const RegionControl& region = *hit.region;
  const bool is_write = direction == Direction::kWrite;
  const bool is_rom_device = region.kind() == RegionKind::kRomDevice;
  if (has_memory(region)) {
    const bool writable =
        !region.ram()->host_read_only() &&
        (attrs.debug ||
         (region.kind() == RegionKind::kRam && !any(hit.flags & RangeFlags::kReadOnly)));
    const bool readable = !is_rom_device || any(hit.flags & RangeFlags::kRomdDirect);
    if (is_write ? writable : readable) return Server::kMemory;
  }
  const bool has_callbacks = region.kind() == RegionKind::kMmio ||
                             (is_rom_device && (is_write || region.handler() != nullptr));
  return has_callbacks && !attrs.memory ? Server::kHandler : Server::kNobody;
}

/// Only what is direct whatever an access's attributes are.
Port::Window Port::window(const Hit& hit, Direction direction) {
  const std::uint64_t span = hit.extent.last - hit.extent.first;
  if (server(hit, direction, {}) != Server::kMemory ||
      server(hit, direction, {.debug = true}) != Server::kMemory || span < 7)
    return {};
  return {hit.extent.first, span - 7, hit.stamp, hit.region->host() + hit.offset,
          hit.region->ram()->marks().bias()};
}

// --- marked lines --------------------------------------------------------------------------------

inline void Port::stored(const RegionControl& region, const std::byte* host, std::uint64_t length) {
  if (region.ram()->marks().stored(host, length)) [[unlikely]]
    space_->fabric().code_stored();
}

/// The window is that of the memory hit last.
void Port::stored_at_hand(const std::byte* host, unsigned size) {
  stored(*memory_hit_.region, host, size);
}

// --- direct memory -------------------------------------------------------------------------------

std::optional<Port::Direct> Port::direct(std::uint64_t address) {
  const Hit& hit = find(address);
  if (hit.server(Direction::kRead) != Server::kMemory) return std::nullopt;
  return Direct{.host = hit.region->host() + hit.offset,
                .first = hit.extent.first,
                .last = hit.extent.last,
                .writable = hit.server(Direction::kWrite) == Server::kMemory,
                .marks = &hit.region->ram()->marks()};
}

std::optional<Hold> Port::hold(std::uint64_t address, std::uint64_t length, HoldFor use,
                               std::string who, std::source_location where) {
  const rcu::BriefSection section{domain_};
  for (;;) {
    const Hit& hit = find(address);
    const auto direction = use == HoldFor::kWriting ? Direction::kWrite : Direction::kRead;
    if (hit.server(direction) != Server::kMemory) return std::nullopt;
    const std::uint64_t room = std::min(length - 1, hit.extent.last - address) + 1;
    HF_SCHEDULE_POINT("memory.port.before_hold");
    auto held = Hold::take(*hit.region->ram(), hit.region->ram_offset() + hit.offset_of(address),
                           room, who, where);
    // A closed block has left the map already, so looking again finds what is there now.
    if (held || is_current(hit)) return held;
  }
}

// --- what is not memory --------------------------------------------------------------------------

MemTxResult Port::from_nobody(const Hit& hit, BusAccess& access) {
  HF_SCHEDULE_POINT("memory.port.before_miss");
  if (!is_current(hit)) return kAgain;
  if (hit.region == nullptr || !access.attrs.memory || has_memory(*hit.region))
    return nobody_there(access);
  if (!access.is_write) access.value = 0;
  return MemTxResult::kAccessError;
}

// The way of every access to a device. `hit` is not good after the handler was called.
[[gnu::always_inline]] inline MemTxResult Port::from_handler(const Hit& hit, std::uint64_t address,
                                                             BusAccess& access) {
  gate::Activity& me = gate::Activity::current();
  if (me.in_callback()) [[unlikely]] {
    if (const auto result = instead_of_call(me, hit, address, access)) return *result;
  }
  gate::Gate& gate = hit.region->gate();
  HF_SCHEDULE_POINT("memory.port.before_gate");
  gate::Entry entry = gate.try_enter(me, use_of(access), reentry_of(*hit.region));
  Ref<gate::Gate> keep;  // what a wait was for
  if (entry == gate::Entry::kBusy) [[unlikely]]
    entry = wait_at(gate, hit, access, keep);
  if (entry != gate::Entry::kEntered) [[unlikely]]
    return turned_away(entry, hit, gate, access);
  // From here on `hit.region` is looked at only if the hit is still current: after a wait it may be
  // gone. A region is found dropped only after the map without it was published.
  HF_SCHEDULE_POINT("memory.port.entered");
  const bool current = is_current(hit);
  HF_SCHEDULE_POINT("memory.port.before_region");
  if (!current || !hit.region->enter()) [[unlikely]] {
    gate.leave(me);
    return turned_away(gate::Entry::kClosed, hit, gate, access);
  }
  return call_inside(me, *hit.region, gate, access);
}

[[gnu::always_inline]] inline MemTxResult Port::call_inside(gate::Activity& me,
                                                            const RegionControl& region,
                                                            gate::Gate& gate, BusAccess& access) {
  if (gate.locking() == gate::Locking::kGrace) {
    const MemTxResult result = region.call(access);
    gate.leave(me);
    return result;
  }
  const rcu::Suspension suspended{domain_};  // a thread inside a device delays no grace period
  const MemTxResult result = region.call(access);
  region.leave();
  gate.leave(me);
  return result;
}

// What a device's callback gets instead of a call. Nothing: it is called after all.
std::optional<MemTxResult> Port::instead_of_call(gate::Activity& me, const Hit& hit,
                                                 std::uint64_t address, BusAccess& access) {
  const RegionControl& region = *hit.region;
  if (!region.may_reenter() && me.inside(region.gate())) return refused(region, access);
  if (access.is_write) return post(me, address, access);
  if (!me.outbox().has_posted_writes()) return std::nullopt;
  const rcu::Suspension suspended{domain_};
  if (me.outbox().perform_posted_writes()) return kAgain;
  return given_up(*me.innermost(), access);  // which may not overtake the write that would have waited
}

// Nobody waits inside a section; the gate's storage is kept by a reference meanwhile.
gate::Entry Port::wait_at(gate::Gate& gate, const Hit& hit, const BusAccess& access,
                          Ref<gate::Gate>& keep) {
  const gate::Reentry reentry = reentry_of(*hit.region);
  if (!gate.try_acquire()) return gate::Entry::kClosed;
  keep = Ref<gate::Gate>::adopt(&gate);
  const rcu::Suspension suspended{domain_};
  return gate.enter(use_of(access), reentry);
}

// A gate is found closed only after the map without its regions was published; so where the map
// has not moved nobody is there.
MemTxResult Port::turned_away(gate::Entry entry, const Hit& hit, gate::Gate& gate,
                              BusAccess& access) {
  switch (entry) {
    case gate::Entry::kReentry:
      return refused(*hit.region, access);
    case gate::Entry::kCircle:
      if (!is_current(hit)) return kAgain;  // what it waited for is not there any more
      if (access.is_write && gate::Activity::current().outbox().put_back()) return MemTxResult::kOk;
      return given_up(gate, access);
    default:
      if (!is_current(hit)) return kAgain;
      return nobody_there(access);
  }
}

MemTxResult Port::post(gate::Activity& me, std::uint64_t address, const BusAccess& access) {
  me.outbox().post(gate::Outbox::Kind::kPostedWrite, [space = space_, address, size = access.size,
                                                      value = access.value, attrs = access.attrs] {
    Port port{space};
    // A posted write has no one to report to: what nobody takes is lost, as on a bus.
    static_cast<void>(port.store(address, size, value, attrs));
  });
  return MemTxResult::kOk;
}

// One entry for all of it that lies in the range: a transfer may be cut into very many pieces.
Port::Step Port::post_bytes(const Hit& hit, std::uint64_t address, std::span<const std::byte> bytes,
                            BusAccess& access) {
  gate::Activity& me = gate::Activity::current();
  const RegionControl& region = *hit.region;
  if (!region.may_reenter() && me.inside(region.gate())) return {refused(region, access), bytes.size()};
  me.outbox().post(gate::Outbox::Kind::kPostedWrite,
                   [space = space_, address, data = std::vector(bytes.begin(), bytes.end()),
                    attrs = access.attrs, sent = std::uint64_t{0}]() mutable {
                     Port port{space};
                     sent += port.deliver(address + sent, std::span{data}.subspan(sent), attrs);
                   });
  return {MemTxResult::kOk, bytes.size()};
}

/// Writes what was posted, until it is put back; returns how much that was.
std::uint64_t Port::deliver(std::uint64_t address, std::span<std::byte> bytes, MemTxAttrs attrs) {
  const rcu::BriefSection section{domain_};
  const gate::Outbox& outbox = gate::Activity::current().outbox();
  std::uint64_t sent = 0;
  while (sent != bytes.size()) {
    const std::uint64_t length = bytes.size() - sent;
    const Hit& hit = find(address + sent);
    const std::uint64_t room = std::min(length - 1, hit.extent.last - (address + sent)) + 1;
    const Step step =
        piece(hit, address + sent, bytes.data() + sent, room, length, Direction::kWrite, attrs);
    if (outbox.is_put_back()) break;
    if (step.result != kAgain) sent += step.length;
  }
  return sent;
}

// --- accesses ------------------------------------------------------------------------------------

MemTxResult Port::read(std::uint64_t address, std::span<std::byte> bytes, MemTxAttrs attrs) {
  const rcu::BriefSection section{domain_};
  return by_bytes(address, bytes.data(), bytes.size(), Direction::kRead, attrs);
}

MemTxResult Port::write(std::uint64_t address, std::span<const std::byte> bytes, MemTxAttrs attrs) {
  const rcu::BriefSection section{domain_};
  // Only read from in this direction.
  return by_bytes(address, const_cast<std::byte*>(bytes.data()), bytes.size(), Direction::kWrite,
                  attrs);
}

inline Port::Server Port::server_now(const Hit& hit, Direction direction, MemTxAttrs attrs) {
  if (attrs.debug || attrs.memory) [[unlikely]]
    return server(hit, direction, attrs);
  return hit.server(direction);
}

[[gnu::always_inline]] inline MemTxResult Port::single(std::uint64_t address, BusAccess& access) {
  const auto direction = access.is_write ? Direction::kWrite : Direction::kRead;
  for (;;) {
    const Hit& hit = find(address);
    if (hit.extent.last - address < access.size - 1) return straddling(address, access);
    access.offset = hit.offset_of(address);
    const Server server = server_now(hit, direction, access.attrs);
    if (server == Server::kMemory) {
      std::byte* host = hit.region->host() + access.offset;
      if (access.is_write) {
        store_guest(host, access.size, access.value);
        stored(*hit.region, host, access.size);
      } else {
        access.value = load_guest(host, access.size);
      }
      return MemTxResult::kOk;
    }
    const MemTxResult result =
        server == Server::kHandler ? from_handler(hit, address, access) : from_nobody(hit, access);
    if (result != kAgain) [[likely]]
      return result;
  }
}

MemTxResult Port::load_elsewhere(std::uint64_t address, unsigned size, std::uint64_t& value,
                                 MemTxAttrs attrs) {
  const rcu::BriefSection section{domain_};
  BusAccess access{.size = size, .attrs = attrs};
  const MemTxResult result = single(address, access);
  value = access.value;
  return result;
}

MemTxResult Port::store_elsewhere(std::uint64_t address, unsigned size, std::uint64_t value,
                                  MemTxAttrs attrs) {
  const rcu::BriefSection section{domain_};
  BusAccess access{.size = size, .value = value, .is_write = true, .attrs = attrs};
  return single(address, access);
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
    const Step step = piece(hit, address, bytes, room, length, direction, attrs);
    if (step.result == kAgain) continue;
    result |= step.result;
    address += step.length;
    bytes += step.length;
    length -= step.length;
  }
  return result;
}

// One piece: `room` bytes lie in the range, `length` are wanted in all. Handlers are offered what
// their rules allow even if the range ends before: registers may overlay each other.
Port::Step Port::piece(const Hit& hit, std::uint64_t address, std::byte* bytes, std::uint64_t room,
                       std::uint64_t length, Direction direction, MemTxAttrs attrs) {
  const bool is_write = direction == Direction::kWrite;
  BusAccess access{.offset = hit.offset_of(address), .is_write = is_write, .attrs = attrs};
  switch (server_now(hit, direction, attrs)) {
    case Server::kMemory: {
      std::byte* host = hit.region->host() + access.offset;
      copy_guest_bytes(is_write ? host : bytes, is_write ? bytes : host, room);
      if (is_write) stored(*hit.region, host, room);
      return {MemTxResult::kOk, room};
    }
    case Server::kNobody: {
      const MemTxResult result = from_nobody(hit, access);
      if (result != kAgain && !is_write) std::memset(bytes, 0, room);
      return {result, room};
    }
    case Server::kHandler:
      break;
  }
  const unsigned size = transfer_size(hit.region->rules(), access.offset, length);
  if (is_write && room > size && gate::Activity::current().in_callback())
    return post_bytes(hit, address, {bytes, room}, access);
  access.size = size;
  if (is_write) std::memcpy(&access.value, bytes, size);
  const MemTxResult result = from_handler(hit, address, access);
  if (result != kAgain && !is_write) std::memcpy(bytes, &access.value, size);
  return {result, size};
}

}  // namespace holdfast::memory
