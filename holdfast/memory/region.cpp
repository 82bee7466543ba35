// SPDX-License-Identifier: Apache-2.0
#include "holdfast/memory/region.hpp"

#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/base/schedule_point.hpp"
#include "holdfast/memory/fabric_write.hpp"

namespace holdfast::memory {
namespace {

constexpr gate::Use kDropping{"drop of a region"};

RegionControl::Init describe(RegionKind kind, RegionInit init) {
  return {.kind = kind, .name = std::move(init.name), .last = init.size - 1,
          .gate = std::move(init.gate)};
}

RegionControl::Init describe(RegionKind kind, RegionInit init, Ref<RamBlock> block,
                             std::uint64_t ram_offset) {
  auto described = describe(kind, std::move(init));
  described.ram = std::move(block);
  described.ram_offset = ram_offset;
  return described;
}

RegionControl::Init& with_callbacks(RegionControl::Init& init,
                                    const MemoryRegion::MmioInit& callbacks) {
  init.handler = &callbacks.handler;
  init.rules = callbacks.rules;
  init.may_reenter = callbacks.may_reenter;
  init.own_locking = callbacks.own_locking;
  return init;
}

void take_out_of_map(const Ref<RegionControl>& control) {
  Transaction transaction;
  transaction.sever(control);
  // Whoever is inside a gate of the region's own keeps both.
  if (control->has_own_gate())
    transaction.close(Ref<gate::Gate>::share(&control->gate()), [control] {});
  const auto done = control->fabric().commit(std::move(transaction));
  HF_CHECK(done.has_value(), "severing '{}': {}", control->name(), done.error().message);
  HF_SCHEDULE_POINT("memory.region.out_of_map");
}

/// Nobody can find the region any more; whoever is in its handler now leaves.
void wait_for_insiders(const RegionControl& control) {
  if (control.handler() == nullptr) return;
  gate::Gate& gate = control.gate();
  if (control.has_own_gate()) {
    gate.wait_drained();
    return;
  }
  switch (gate.locking()) {
    case gate::Locking::kExclusive:
      if (const gate::Pass pass{gate, kDropping, gate::Reentry::kAllow, gate::Visitor::kControl};
          pass || gate.is_drained())
        break;
      gate.wait_drained();  // closed, and the last one is still inside
      break;
    case gate::Locking::kCounted: {
      rcu::Backoff backoff;
      while (control.has_insiders()) backoff.pause();
      break;
    }
    case gate::Locking::kGrace:
      // The job that reclaims a device does not wait: it comes after a grace period.
      if (!gate.is_closed() || rcu::may_wait()) gate.realm().domain().synchronize();
      break;
  }
}

}  // namespace

MemoryRegion::MemoryRegion(Fabric& fabric, RegionControl::Init init)
    : control_{RegionControl::make(fabric, std::move(init))} {
  fabric.realm().census().add(Census::Kind::kRegion);
}

MemoryRegion MemoryRegion::container(Fabric& fabric, RegionInit init) {
  return {fabric, describe(RegionKind::kContainer, std::move(init))};
}

MemoryRegion MemoryRegion::ram(Fabric& fabric, RegionInit init, Ref<RamBlock> block,
                               std::uint64_t ram_offset) {
  return {fabric, describe(RegionKind::kRam, std::move(init), std::move(block), ram_offset)};
}

MemoryRegion MemoryRegion::rom(Fabric& fabric, RegionInit init, Ref<RamBlock> block,
                               std::uint64_t ram_offset) {
  return {fabric, describe(RegionKind::kRom, std::move(init), std::move(block), ram_offset)};
}

MemoryRegion MemoryRegion::mmio(Fabric& fabric, RegionInit init, MmioInit mmio) {
  auto described = describe(RegionKind::kMmio, std::move(init));
  return {fabric, std::move(with_callbacks(described, mmio))};
}

MemoryRegion MemoryRegion::rom_device(Fabric& fabric, RegionInit init, MmioInit mmio,
                                      Ref<RamBlock> block, std::uint64_t ram_offset) {
  auto described =
      describe(RegionKind::kRomDevice, std::move(init), std::move(block), ram_offset);
  return {fabric, std::move(with_callbacks(described, mmio))};
}

MemoryRegion MemoryRegion::alias(Fabric& fabric, RegionInit init, const MemoryRegion& target,
                                 std::uint64_t target_offset) {
  MemoryRegion alias{fabric, describe(RegionKind::kAlias, std::move(init))};
  Transaction transaction;
  transaction.set_alias(alias, target, target_offset);
  fabric.post(std::move(transaction));
  return alias;
}

MemoryRegion MemoryRegion::reservation(Fabric& fabric, RegionInit init) {
  return {fabric, describe(RegionKind::kReservation, std::move(init))};
}

MemoryRegion& MemoryRegion::operator=(MemoryRegion&& other) noexcept {
  if (this != &other) {
    sever();
    control_ = std::move(other.control_);
  }
  return *this;
}

void MemoryRegion::sever() {
  if (!control_) return;
  const Ref<RegionControl> control = std::move(control_);
  control->fabric().realm().census().remove(Census::Kind::kRegion);
  if (!may_write_now()) {
    gate::Activity::current().outbox().post(gate::Outbox::Kind::kOther, [control] {
      take_out_of_map(control);
      control->leave_to_insiders();
    });
    return;
  }
  take_out_of_map(control);
  wait_for_insiders(*control);
}

}  // namespace holdfast::memory
